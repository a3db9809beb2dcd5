"""Objects that need no dumping: orjson writes them just as marshmallow and orjson together would.

A dataclass whose schema dumps each of its fields under its own name is such an object, if every value is of
exactly the type of its field. Its own ``__dict__`` then goes to orjson. What is left to do is to look at the
types.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import inspect
import uuid
from collections.abc import Callable
from typing import Any

from marshmallow import Schema, fields

from framework.validation import recognise
from framework.validation.dump_fields import keeps_values
from framework.validation.source import Source
from framework.validation.tables import Table


class NotNative(Exception):
    """Say that objects of a schema have to be dumped."""


class Checking:
    """Write the function that looks at the types, and returns what to hand to orjson.

    Raises:
        NotNative: Objects of this schema have to be dumped.
    """

    def __init__(self, schema: Schema) -> None:
        self.out = Source(f"check {type(schema).__name__}")
        self._open: list[int] = []
        with self.out.function("check", "o"):
            if schema.many:
                self.out.refuse_if("type(o) is not list")
                self.out.line("found = []")
                with self.out.block("for each in o:"):
                    self.out.line(f"found.append({self.object(schema, 'each')})")
                self.out.line("return found")
            else:
                self.out.line(f"return {self.object(schema, 'o')}")

    def build(self) -> Callable[[Any], Any]:
        """Return the function; it raises where an object has to be dumped after all."""
        return self.out.build("check")

    def object(self, schema: Schema, value: str) -> str:
        """Write the check of an object; return the variable of its ``__dict__``."""
        target = recognise.constructor(schema)
        if id(schema) in self._open or not _is_its_own_dump(schema, target):
            raise NotNative
        self._open.append(id(schema))
        self.out.refuse_if(f"type({value}) is not {self.out.constant(target, target.__name__)}")
        found = self.out.fresh("items")
        self.out.line(f"{found} = {value}.__dict__")
        # Each of the names is looked up below: with this many items, there is no other.
        self.out.refuse_if(f"len({found}) != {len(schema.dump_fields)}")
        for name, field in schema.dump_fields.items():
            self._item(field, f"{found}[{name!r}]", name)
        self._open.pop()
        return found

    def _item(self, field: fields.Field[Any], item: str, name: str) -> None:
        if type(field) in (fields.Raw, fields.Boolean):
            self.out.line(item)
        elif field.allow_none or not _is_scalar(field):
            variable = self.out.fresh(name)
            self.out.line(f"{variable} = {item}")
            with self.out.block(f"if {variable} is not None:"):
                self.value(field, variable)
        else:
            self.value(field, item)

    def value(self, field: fields.Field[Any], value: str) -> None:
        """Write the check of a value."""
        emit = recognise.known(field, _EMITTERS)
        if emit is None:
            raise NotNative
        emit(self, field, value)


Emit = Callable[[Checking, Any, str], None]


def _is_its_own_dump(schema: Schema, target: Any) -> bool:
    if (
        recognise.writes_plainly(schema)
        or recognise.dump_hooks(schema)
        or not dataclasses.is_dataclass(target)
    ):
        return False
    names = [each.name for each in dataclasses.fields(target)]
    return (
        isinstance(target, type)
        and target.__dictoffset__ != 0
        and target.__getattribute__ is object.__getattribute__
        and not hasattr(target, "__getitem__")
        and names == list(schema.dump_fields)
        and all(_is_kept(name, field, target) for name, field in schema.dump_fields.items())
    )


def _is_kept(name: str, field: fields.Field[Any], target: type) -> bool:
    # A descriptor would answer in the place of the __dict__; orjson leaves out what begins with an
    # underscore.
    described = hasattr(inspect.getattr_static(target, name, None), "__get__")
    return (
        field.data_key in (None, name)
        and field.attribute in (None, name)
        and name[0] != "_"
        and not described
    )


def _is_scalar(field: fields.Field[Any]) -> bool:
    return not isinstance(
        field, fields.List | fields.Tuple | fields.Mapping | fields.Nested | fields.DateTime | fields.Time
    )


def _exact(kind: type) -> Emit:
    def emit(w: Checking, field: Any, value: str) -> None:
        if getattr(field, "as_string", False):
            raise NotNative
        w.out.refuse_if(f"type({value}) is not {w.out.constant(kind, kind.__name__)}")

    return emit


def _temporal(kind: type, zones: str = "") -> Emit:
    def emit(w: Checking, field: Any, value: str) -> None:
        if (field.format or field.DEFAULT_FORMAT) not in ("iso", "iso8601"):
            raise NotNative
        condition = zones.format(value=value, utc=w.out.constant(dt.UTC, "utc"))
        w.out.refuse_if(f"type({value}) is not {w.out.constant(kind, kind.__name__)}{condition}")

    return emit


def _enum(w: Checking, field: fields.Enum[Any], value: str) -> None:
    if field.by_value is False or not keeps_values(field):
        raise NotNative
    w.out.refuse_if(f"type({value}) is not {w.out.constant(field.enum, field.enum.__name__)}")


def _list(w: Checking, field: fields.List[Any], value: str) -> None:
    w.out.refuse_if(f"type({value}) is not list and type({value}) is not tuple")
    each = w.out.fresh("each")
    with w.out.block(f"for {each} in {value}:"):
        w.value(field.inner, each)


def _dict(w: Checking, field: fields.Dict, value: str) -> None:
    if field.key_field is not None and recognise.known(field.key_field, {fields.String: True}) is None:
        raise NotNative
    w.out.refuse_if(f"type({value}) is not dict")
    key, each = w.out.fresh("key"), w.out.fresh("each")
    with w.out.block(f"for {key}, {each} in {value}.items():"):
        w.out.refuse_if(f"type({key}) is not str")
        if field.value_field is not None:
            w.value(field.value_field, each)


def _nested(w: Checking, field: fields.Nested, value: str) -> None:
    if not (field.schema.many or field.many):
        w.object(field.schema, value)
        return
    w.out.refuse_if(f"type({value}) is not list and type({value}) is not tuple")
    each = w.out.fresh("each")
    with w.out.block(f"for {each} in {value}:"):
        w.object(field.schema, each)


def _anything(w: Checking, field: fields.Field[Any], value: str) -> None:
    """Any value is written as it is."""


_ZONES = " or ({value}.tzinfo is not None and {value}.tzinfo is not {utc})"
_EMITTERS: dict[type, Emit] = {
    fields.String: _exact(str),
    fields.Email: _exact(str),
    fields.Url: _exact(str),
    fields.UUID: _exact(uuid.UUID),
    fields.Integer: _exact(int),
    fields.Float: _exact(float),
    fields.Boolean: _anything,
    fields.Raw: _anything,
    fields.Date: _temporal(dt.date),
    fields.DateTime: _temporal(dt.datetime, _ZONES),
    fields.NaiveDateTime: _temporal(dt.datetime, _ZONES),
    fields.AwareDateTime: _temporal(dt.datetime, _ZONES),
    fields.Time: _temporal(dt.time, " or {value}.tzinfo is not None"),
    fields.Enum: _enum,
    fields.List: _list,
    fields.Dict: _dict,
    Table: _dict,
    fields.Nested: _nested,
}
