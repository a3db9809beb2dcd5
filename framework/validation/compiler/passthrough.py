"""Objects that need no dumping: orjson writes them just as marshmallow and orjson together would.

A dataclass, or a dict of a schema that makes dicts, is such an object if its schema dumps each field under its own
name and if every value is of exactly the type of its field. The dict, or the dataclass's own ``__dict__``, then goes
to orjson. What is left to do is to look at the types.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from marshmallow import Schema, fields, missing

from framework.validation.codecs.codec import NotPassedThrough
from framework.validation.codecs.registry import find_codec
from framework.validation.compiler import support
from framework.validation.compiler.checks import look_for_no_numbers, refuse_other_choices
from framework.validation.compiler.codegen import DEEPEST, Source
from framework.validation.schemas.classes import VALUE, ValueSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class Checking:
    """Where the writing of a check stands; what is written within another place gets a context of its own.

    Attributes:
        out: The source.
        keys: Whether dicts are looked at, even if a schema was made for a dataclass.
        exact: Whether None is refused where it may not be.
        functions: The functions that were written, by schema.
        open: The schemas within which this place is, in the present function.
    """

    out: Source
    keys: bool
    exact: bool = False
    functions: dict[int, str] = dataclasses.field(default_factory=dict)
    open: tuple[int, ...] = ()

    def nested(self, schema: Schema, value: str) -> None:
        """Write the check of an object within another one."""
        if id(schema) in self.open or len(self.open) > DEEPEST:
            self.out.line(f"{self.function(schema)}({value})")
        else:
            self.object(schema, value)

    def function(self, schema: Schema) -> str:
        """Write the function that looks at an object, once; return its name."""
        if id(schema) not in self.functions:
            name = self.functions[id(schema)] = self.out.fresh(f"check_{type(schema).__name__}")
            with self.out.function(name, "o"):
                self.out.line(f"return {replace(self, open=()).object(schema, 'o')}")
        return self.functions[id(schema)]

    def many(self, schema: Schema) -> str:
        """Write the function that looks at a list of objects; return its name."""
        name = self.out.fresh("check_many")
        with self.out.function(name, "o"):
            self.out.refuse_if("type(o) is not list or not o")
            if self._target(schema) is not None:
                self.out.line(f"if type(o[0]) is dict: return {self._dicts(schema)}(o)")
            self.out.line("found = []")
            with self.out.block("for each in o:"):
                self.out.line(f"found.append({self.object(schema, 'each')})")
            self.out.line("return found")
        return name

    def _target(self, schema: Schema) -> Any:
        return None if self.keys else support.constructor(schema)

    def _dicts(self, schema: Schema) -> str:
        return self.out.constant(Dicts(schema, self.exact), "dicts")

    def object(self, schema: Schema, value: str) -> str:
        """Write the check of an object; return the variable of the dict with its items.

        Raises:
            NotPassedThrough: Objects of this schema have to be dumped.
        """
        if isinstance(schema, ValueSchema):
            replace(self, open=(*self.open, id(schema)))._item(schema.value, value, VALUE)
            return value
        target = self._target(schema)
        if not _is_its_own_dump(schema, target):
            raise NotPassedThrough
        within = replace(self, open=(*self.open, id(schema)))
        return within._dict(schema, value) if target is None else within._attributes(schema, target, value)

    def _dict(self, schema: Schema, value: str) -> str:
        """Write the check of a dict that has just the fields, in their order."""
        names = self.out.constant(list(schema.dump_fields), "names")
        self.out.refuse_if(f"type({value}) is not dict or [*{value}] != {names}")
        for name, field in schema.dump_fields.items():
            self._item(field, f"{value}[{name!r}]", name)
        return value

    def _attributes(self, schema: Schema, target: type, value: str) -> str:
        """Write the check of an instance that has just the fields.

        PERF: reading an attribute takes less than looking it up in the ``__dict__``, until that was once asked for.
        """
        self.out.refuse_if(f"type({value}) is not {self.out.constant(target, target.__name__)}")
        # An attribute that the class may answer for is not sure to be in the __dict__.
        own = {
            name: field
            for name, field in schema.dump_fields.items()
            if _of_class(target, name) is missing and not hasattr(target, "__getattr__")
        }
        for name, field in own.items():
            self._item(field, f"{value}.{name}", name)
        items = self.out.fresh("items")
        self.out.line(f"{items} = {value}.__dict__")
        # Each of the names is looked up: with this many items, there is no other.
        self.out.refuse_if(f"len({items}) != {len(schema.dump_fields)}")
        for name, field in schema.dump_fields.items():
            if name not in own:
                self._item(field, f"{items}[{name!r}]", name)
        return items

    def free(self, value: str) -> None:
        """Write the search for what is no number, in a value of any type."""
        look_for_no_numbers(self.out, value)

    def _item(self, field: fields.Field[Any], item: str, name: str) -> None:
        if type(field) is fields.Raw and not field.validators:
            variable = self.out.fresh(name)
            self.out.line(f"{variable} = {item}")
            self.value(field, variable)
        elif field.allow_none or not _is_scalar(field):
            variable = self.out.fresh(name)
            self.out.line(f"{variable} = {item}")
            if field.allow_none or not self.exact:
                with self.out.block(f"if {variable} is not None:"):
                    self.value(field, variable)
            else:
                self.value(field, variable)
        else:
            self.value(field, item)

    def value(self, field: fields.Field[Any], value: str) -> None:
        """Write the check of a value."""
        codec = find_codec(field)
        if codec is None or codec.check is None:
            raise NotPassedThrough
        codec.check(self, field, value)
        if self.exact:
            refuse_other_choices(self.out, field.validators, value)


class Checker(NamedTuple):
    """The source of a check, and the name of its function."""

    source: Source
    name: str

    def build(self) -> Callable[[Any], Any]:
        """Return the function; it raises where an object has to be dumped after all."""
        return self.source.build(self.name)


def checker(schema: Schema, *, keys: bool = False, exact: bool = False) -> Checker:
    """Write the function that looks at the types, and returns what to hand to orjson.

    Args:
        keys: Whether dicts are looked at, even if the schema was made for a dataclass.
        exact: Whether None is refused where it may not be.

    Raises:
        NotPassedThrough: Objects of this schema have to be dumped.
    """
    writer = Checking(out=Source(f"check {type(schema).__name__}"), keys=keys, exact=exact)
    name = writer.many(schema) if schema.many else writer.function(schema)
    return Checker(writer.out, name)


class Dicts:
    """Dicts in the place of a dataclass's instances, as a database may return them.

    Its function is made when the first one comes, because most services never send one.
    """

    def __init__(self, schema: Schema, exact: bool) -> None:
        self._schema = schema
        self._exact = exact
        self._look: Callable[[Any], Any] | None = None

    def __call__(self, value: Any) -> Any:
        if self._look is None:
            self._look = checker(self._schema, keys=True, exact=self._exact).build()
        return self._look(value)


def _is_its_own_dump(schema: Schema, target: Any) -> bool:
    if support.writes_plainly(schema) or support.dump_hooks(schema):
        return False
    named = all(
        field.data_key in (None, name) and field.attribute in (None, name) and "." not in name
        for name, field in schema.dump_fields.items()
    )
    return named and (target is None or _keeps_its_fields(target, list(schema.dump_fields)))


def _keeps_its_fields(target: Any, names: list[str]) -> bool:
    """Tell whether the ``__dict__`` of an instance of a class is what its schema dumps."""
    return (
        dataclasses.is_dataclass(target)
        and isinstance(target, type)
        and target.__dictoffset__ != 0
        and target.__getattribute__ is object.__getattribute__
        and not hasattr(target, "__getitem__")
        and names == [each.name for each in dataclasses.fields(target)]
        # A descriptor would answer in the place of the __dict__; orjson leaves out what begins with an
        # underscore.
        and not any(name[0] == "_" or hasattr(_of_class(target, name), "__get__") for name in names)
    )


def _of_class(target: type, name: str) -> Any:
    """Return what a class has under a name, such as a default, or ``missing``."""
    return inspect.getattr_static(target, name, missing)


def _is_scalar(field: fields.Field[Any]) -> bool:
    return not isinstance(
        field,
        fields.List
        | fields.Tuple
        | fields.Mapping
        | fields.Nested
        | fields.DateTime
        | fields.Time
        | fields.Float,
    )
