"""The generated function that dumps: one for a schema, with what it nests written into it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from keyword import iskeyword
from typing import Any, NamedTuple

from marshmallow import Schema, fields, missing

from framework.validation.codecs.codec import REITERABLE
from framework.validation.codecs.containers import makes_set
from framework.validation.codecs.registry import find_codec
from framework.validation.compiler import support
from framework.validation.compiler.checks import look_for_no_numbers, refuse_other_choices
from framework.validation.compiler.codegen import DEEPEST, Fallback, Source
from framework.validation.compiler.construction import Entry, made_dict
from framework.validation.fields import Spelt
from framework.validation.schemas.classes import ValueSchema
from framework.validation.schemas.types import of_type
from framework.validation.unions import Choices

Dump = Callable[[Any], Any]
_NOWHERE = "None, None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dumping:
    """Where the writing of a dumper stands; what is written within another place gets a context of its own.

    Attributes:
        out: The source.
        json: Whether what orjson writes as marshmallow would may stay as it is.
        keys: Whether values are items of dicts; otherwise they are attributes.
        exact: Whether a value of another type than its field's is refused, and not converted.
        notes: For each field by its path, why marshmallow writes it; empty where it is compiled.
        functions: The functions that were written, by schema.
        open: The schemas within which this place is, in the present function.
        path: The names of the fields that lead here.
        origin: The arguments that tell a field from which object its value is.
    """

    out: Source
    json: bool
    keys: bool
    exact: bool = False
    notes: dict[str, str] = field(default_factory=dict)
    functions: dict[int, str] = field(default_factory=dict)
    open: tuple[int, ...] = ()
    path: tuple[str, ...] = ()
    origin: str = _NOWHERE

    def value(self, field: fields.Field[Any], value: str) -> None:
        """Write what ``field._serialize(value)`` does."""
        codec = find_codec(field)
        if self.exact:
            self._refuse_others(field, value)
        if codec is None:
            self._leave(f"{type(field).__name__} is not known")
            serialize = self.out.constant(field._serialize, "serialize")
            self.out.line(f"{value} = {serialize}({value}, {self.origin})")
            self.free(value)
        else:
            self.notes.setdefault(".".join(self.path), "")
            codec.dump(self, field, value)

    def _refuse_others(self, field: fields.Field[Any], value: str) -> None:
        """Write the refusal of what no emitter refuses by itself."""
        if isinstance(field, fields.Constant) or (isinstance(field, fields.Raw) and not field.validators):
            return
        if not field.allow_none:
            self.out.refuse_if(f"{value} is None")
        if makes_set(field):
            self.out.refuse_if(
                f"{value} is not None and type({value}) is not set and type({value}) is not frozenset"
            )
        if isinstance(field, Spelt):
            kind = self.out.constant(field.kind, field.kind.__name__)
            self.out.refuse_if(f"{value} is not None and not isinstance({value}, {kind})")
        if any(isinstance(each, Choices) for each in field.validators):
            with self.out.block(f"if {value} is not None:"):
                refuse_other_choices(self.out, field.validators, value)

    def free(self, value: str) -> None:
        """Write the search for what is no number, in a value of any type."""
        if self.json:
            look_for_no_numbers(self.out, value)

    def item(self, field: fields.Field[Any], value: str, *, plain: bool = False) -> None:
        """Write the writing of a key or value of a mapping; ``plain`` rules out what only orjson can write."""
        # marshmallow does not tell such a field from which object the value is.
        replace(self, origin=_NOWHERE, json=self.json and not plain).value(field, value)

    def nested(self, field: fields.Nested, value: str) -> None:
        """Write what a nested field does with a value that is not None."""
        schema = field.schema
        many = schema.many or bool(field.many)
        reason = support.writes_plainly(schema)
        if not reason and support.dump_hooks(schema):
            reason = f"{type(schema).__name__} has {min(support.dump_hooks(schema))}"
        if reason:
            self._leave(reason)
            self.out.line(f"{value} = {self.out.constant(schema.dump, 'dump')}({value}, many={many})")
        elif many:
            self.many(schema, value)
        else:
            self._one(schema, value)

    def many(self, schema: Schema, value: str) -> None:
        """Write the writing of each of a list of objects."""
        self.out.refuse_if(f"not isinstance({value}, {self.out.constant(REITERABLE, 'REITERABLE')})")
        with self.out.items_of(value) as each:
            self._one(schema, each)

    def function(self, schema: Schema) -> str:
        """Write the function that dumps an object, once; return its name."""
        if id(schema) not in self.functions:
            name = self.functions[id(schema)] = self.out.fresh(f"dump_{type(schema).__name__}")
            with self.out.function(name, "o"):
                replace(self, open=(id(schema),), exact=self.exact and of_type(schema))._object(schema, "o")
                self.out.line("return o")
        return self.functions[id(schema)]

    def _one(self, schema: Schema, value: str) -> None:
        if id(schema) in self.open or len(self.open) > DEEPEST:
            self.out.line(f"{value} = {self.function(schema)}({value})")
        else:
            within = replace(self, open=(*self.open, id(schema)), exact=self.exact and of_type(schema))
            within._object(schema, value)

    def _object(self, schema: Schema, value: str) -> None:
        """Write the writing of one object; the variable then holds the dict."""
        if isinstance(schema, ValueSchema):
            self.value(schema.value, value)
            return
        with self.out.block(f"if {self._fits(schema, value)}:"):
            entries = [self._entry(schema, name, field, value) for name, field in schema.dump_fields.items()]
            made = made_dict(self.out, entries, nest=False)
            if self.exact and entries and all(each.maybe_missing for each in entries):
                self.out.refuse_if(f"not {made} and {value}")  # an object of some other kind
            self.out.line(f"{value} = {made}")
        with self.out.block("else:"):
            other = self.out.constant(Otherwise(schema, self.json, self.exact), "otherwise")
            self.out.line(f"{value} = {other}({value})")

    def _fits(self, schema: Schema, value: str) -> str:
        if self.keys:
            return f"type({value}) is dict"
        target = support.constructor(schema)
        # marshmallow asks an object for its attributes if it has no items.
        plain = f'not hasattr({value}, "__getitem__")'
        if target is None or hasattr(target, "__getitem__"):
            return plain
        return f"type({value}) is {self.out.constant(target, target.__name__)} or {plain}"

    def _entry(self, schema: Schema, name: str, field: fields.Field[Any], value: str) -> Entry:
        here = replace(self, path=(*self.path, name), origin=f"{name!r}, {value}")
        key = name if field.data_key is None else field.data_key
        attribute = name if field.attribute is None else field.attribute
        variable = self.out.fresh(name)
        if find_codec(field) is None:
            here._leave(f"{type(field).__name__} is not known")
            read = f"{self.out.constant(field, 'field')}.serialize"
            accessor = self.out.constant(schema.get_attribute, "get_attribute")
            self.out.line(f"{variable} = {read}({name!r}, {value}, accessor={accessor})")
            if self.exact and not field.allow_none:
                self.out.refuse_if(f"{variable} is None")
            self.free(variable)
            maybe_missing = True
        elif isinstance(field, fields.Constant):
            here.value(field, variable)
            maybe_missing = False
        elif not self.keys and attribute.isidentifier() and not iskeyword(attribute):
            self.out.line(f"{variable} = {value}.{attribute}")
            here.value(field, variable)
            maybe_missing = False
        else:
            maybe_missing = here._item(schema, field, attribute, value, variable)
        return Entry(key, variable, maybe_missing)

    def _item(
        self, schema: Schema, field: fields.Field[Any], attribute: str, value: str, variable: str
    ) -> bool:
        """Write the reading of a value that need not be there; return whether it may be missing."""
        default = field.dump_default
        if not self.keys or "." in attribute:
            accessor = self.out.constant(schema.get_attribute, "get_attribute")
            self.out.line(f"{variable} = {accessor}({value}, {attribute!r}, missing)")
            there = f"{variable} is not missing"
        elif field.required and not hasattr(dict, attribute):
            self.out.line(f"{variable} = {value}[{attribute!r}]")
            self.value(field, variable)
            return False
        else:
            there = f"{attribute!r} in {value}"
        with self.out.block(f"if {there}:"):
            if "missing" not in there:
                self.out.line(f"{variable} = {value}[{attribute!r}]")
            self.value(field, variable)
        with self.out.block("else:"):
            if hasattr(dict, attribute):
                # marshmallow would find the method of that name.
                self.out.line("raise Fallback")
            elif default is missing:
                self.out.line(f"{variable} = missing")
            else:
                call = "()" if callable(default) else ""
                self.out.line(f"{variable} = {self.out.constant(default, 'default')}{call}")
                self.out.refuse_if(f"{variable} is missing")
                self.value(field, variable)
        return default is missing

    def _leave(self, reason: str) -> None:
        self.notes[".".join(self.path)] = reason


class Dumper(NamedTuple):
    """The source of a dumper, the name of its function, and why marshmallow writes which fields."""

    source: Source
    name: str
    notes: dict[str, str]

    def build(self) -> Dump:
        """Return the function."""
        return self.source.build(self.name)


def dumper(
    schema: Schema, *, json: bool, keys: bool | None = None, many: bool = False, exact: bool = False
) -> Dumper:
    """Write the dumper of a schema.

    Args:
        json: Whether orjson gets what it makes.
        keys: Whether it is for dicts; None leaves it to what the schema was made from.
        many: Whether it writes a list of objects.
        exact: Whether a value of another type than its field's is refused, where the schema was made from a type.
    """
    # The classes that a schema was made from have attributes; what a hand-written one dumps may be anything.
    with_keys = support.constructor(schema) is None if keys is None else keys
    writer = Dumping(out=Source(f"dump {type(schema).__name__}"), json=json, keys=with_keys, exact=exact)
    name = writer.function(schema)
    if many:
        name = writer.out.fresh("dump_many")
        with writer.out.function(name, "objects"):
            writer.many(schema, "objects")
            writer.out.line("return objects")
    return Dumper(writer.out, name, writer.notes)


class Otherwise:
    """Dump an object of another kind than the generated function expects: a dict, or one with attributes.

    Its function is made when the first such object comes, because most services never send one.
    """

    def __init__(self, schema: Schema, json: bool, exact: bool) -> None:
        self._schema = schema
        self._json = json
        self._exact = exact
        self._made: dict[bool, Dump] = {}

    def __call__(self, value: Any) -> Any:
        keys = type(value) is dict
        if not keys and hasattr(value, "__getitem__"):
            if self._exact or not hasattr(value, "keys"):
                raise Fallback  # a text and a list have items, and no fields
            return Schema._serialize(self._schema, value)
        if keys not in self._made:
            self._made[keys] = dumper(self._schema, json=self._json, keys=keys, exact=self._exact).build()
        return self._made[keys](value)
