"""How each class of field writes a value, as generated source.

An emitter writes lines after which the variable holds what the field's ``_serialize`` would return for it. A
value that is not of the expected type is handed to that method. For JSON, what orjson spells as marshmallow
does stays as it is.
"""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from collections.abc import Callable
from enum import Enum
from typing import Any, Protocol

import orjson
from marshmallow import fields

from framework.adapters.marshmallow import plucked_key
from framework.validation.compiler.codegen import Source
from framework.validation.schemas.tables import Table

_SCALARS = (str, int, float, bool, type(None))
# Going through one of these a second time gives the same items, should marshmallow have to do it again.
REITERABLE = (list, tuple, set, frozenset)


class DumpWriter(Protocol):
    """What an emitter asks of the writer of the function."""

    out: Source
    json: bool

    def value(self, field: fields.Field[Any], value: str) -> None:
        """Write the writing of a value by a field within a field."""

    def item(self, field: fields.Field[Any], value: str, *, plain: bool = False) -> None:
        """Write the writing of a key or value of a mapping; ``plain`` rules out what only orjson can write."""

    def nested(self, field: fields.Nested, value: str) -> None:
        """Write the writing of a nested object, or of a list of them, that is not None."""


Emit = Callable[[DumpWriter, Any, str], None]


def _exact(kind: type) -> Emit:
    """Make the emitter of a field whose values stay as they are if they are of exactly one type."""

    def emit(w: DumpWriter, field: fields.Field[Any], value: str) -> None:
        _unless(w, field, value, f"type({value}) is not {w.out.constant(kind, kind.__name__)}")

    return emit


def _number(kind: type) -> Emit:
    def emit(w: DumpWriter, field: Any, value: str) -> None:
        condition = f"type({value}) is not {w.out.constant(kind, kind.__name__)}"
        _unless(w, field, value, condition, f"str({value})" if field.as_string else "")

    return emit


def _decimal(w: DumpWriter, field: fields.Decimal, value: str) -> None:
    kind = w.out.constant(decimal.Decimal, "Decimal")
    with w.out.block(f"if type({value}) is {kind} and {value}.is_finite():"):
        if field.places is not None:
            places = w.out.constant(field.places, "places")
            w.out.line(f"{value} = {value}.quantize({places}, rounding={field.rounding!r})")
        if field.as_string or w.json:
            text = w.out.fresh("text")
            w.out.line(f"{text} = str({value})")
            # PERF: str is three times as fast as format, and differs only where it writes an exponent.
            w.out.line(f'{value} = {text} if "E" not in {text} else format({value}, "f")')
    with w.out.block(f"elif {value} is not None:"):
        _serialize(w, field, value)


def _uuid(w: DumpWriter, field: fields.UUID, value: str) -> None:
    other = f"type({value}) is not {w.out.constant(uuid.UUID, 'UUID')}"
    _unless(w, field, value, other, "" if w.json else _text(w, value))


def _temporal(kind: type, condition: str = "") -> Emit:
    """Make the emitter of a date or time; ``condition`` says when orjson writes it otherwise."""

    def emit(w: DumpWriter, field: Any, value: str) -> None:
        exact = f"type({value}) is not {w.out.constant(kind, kind.__name__)}"
        iso = (field.format or field.DEFAULT_FORMAT) in ("iso", "iso8601")
        if not iso:
            with w.out.block(f"if {value} is not None:"):
                _serialize(w, field, value)
        else:
            other = exact + (condition and condition.format(value=value, utc=w.out.constant(dt.UTC, "utc")))
            _unless(w, field, value, other, "" if w.json else _text(w, value))

    return emit


def _timedelta(w: DumpWriter, field: fields.TimeDelta, value: str) -> None:
    unit = dt.timedelta(**{field.precision: 1}) // dt.timedelta(microseconds=1)
    microseconds = f"(({value}.days * 86400 + {value}.seconds) * 1000000 + {value}.microseconds)"
    kind = w.out.constant(dt.timedelta, "timedelta")
    _unless(w, field, value, f"type({value}) is not {kind}", f"{microseconds} / {unit}")


def _ip(w: DumpWriter, field: Any, value: str) -> None:
    w.out.line(f"if {value} is not None: {value} = {value}.{'exploded' if field.exploded else 'compressed'}")


def _enum(w: DumpWriter, field: fields.Enum[Any], value: str) -> None:
    attribute = "_name_" if field.by_value is False else "_value_"
    if _has_own_names(field.enum) or (field.by_value is not False and not keeps_values(field)):
        with w.out.block(f"if {value} is not None:"):
            _serialize(w, field, value)
    else:
        kind = w.out.constant(field.enum, field.enum.__name__)
        _unless(w, field, value, f"type({value}) is not {kind}", f"{value}.{attribute}")


def _list(w: DumpWriter, field: fields.List[Any], value: str) -> None:
    with w.out.block(f"if {value} is not None:"):
        w.out.refuse_if(f"not isinstance({value}, {w.out.constant(REITERABLE, 'REITERABLE')})")
        with w.out.items_of(value) as each:
            w.value(field.inner, each)


def _tuple(w: DumpWriter, field: fields.Tuple, value: str) -> None:
    with w.out.block(f"if {value} is not None:"):
        kinds, count = w.out.constant(REITERABLE, "REITERABLE"), len(field.tuple_fields)
        w.out.refuse_if(f"not isinstance({value}, {kinds}) or len({value}) != {count}")
        with w.out.parts_of(value, count) as parts:
            for part, inner in zip(parts, field.tuple_fields, strict=True):
                w.value(inner, part)


def _dict(w: DumpWriter, field: fields.Dict, value: str) -> None:
    with w.out.block(f"if {value} is not None:"):
        w.out.refuse_if(f"not isinstance({value}, dict)")
        if field.key_field is None and field.value_field is None:
            w.out.line(f"{value} = dict({value})")
            return
        with w.out.entries_of(value) as (key, each):
            if field.key_field is not None:
                w.item(field.key_field, key, plain=True)
            if field.value_field is not None:
                w.item(field.value_field, each)


def _nested(w: DumpWriter, field: fields.Nested, value: str) -> None:
    with w.out.block(f"if {value} is not None:"):
        w.nested(field, value)


def _pluck(w: DumpWriter, field: fields.Pluck, value: str) -> None:
    key = plucked_key(field)
    with w.out.block(f"if {value} is not None:"):
        w.nested(field, value)
        w.out.line(
            f"{value} = [each[{key!r}] for each in {value}]" if field.many else f"{value} = {value}[{key!r}]"
        )


def _raw(w: DumpWriter, field: fields.Field[Any], value: str) -> None:
    """Leave the value as it is."""


def _boolean(w: DumpWriter, field: fields.Boolean, value: str) -> None:
    """Leave the value as it is; what is none is left to marshmallow where it has to be spelt."""
    if w.json:
        w.out.refuse_if(f"{value} is not True and {value} is not False and {value} is not None")


def _constant(w: DumpWriter, field: fields.Constant[Any], value: str) -> None:
    w.out.line(f"{value} = {w.out.constant(field.constant, 'constant')}")


def _text(w: DumpWriter, value: str) -> str:
    """Return the expression of what orjson makes of a date, a time or a UUID, without its quotes.

    PERF: a third of the time of ``isoformat`` or ``str``.
    """
    return f"{w.out.constant(orjson.dumps, 'dumps')}({value})[1:-1].decode()"


def _unless(w: DumpWriter, field: fields.Field[Any], value: str, other: str, converted: str = "") -> None:
    """Write the conversion of a value, or of one of another type by marshmallow."""
    with w.out.block(f"if {other}:"), w.out.block(f"if {value} is not None:"):
        _serialize(w, field, value)
    if converted:
        with w.out.block("else:"):
            w.out.line(f"{value} = {converted}")


def _serialize(w: DumpWriter, field: fields.Field[Any], value: str) -> None:
    w.out.line(f"{value} = {w.out.constant(field._serialize, 'serialize')}({value}, None, None)")


def _has_own_names(enum: type[Enum]) -> bool:
    """Tell whether an Enum says itself what the name or value of a member is."""
    kinds = enum.__mro__[: enum.__mro__.index(Enum)]
    return any(name in vars(kind) for kind in kinds for name in ("name", "value", "_name_", "_value_"))


def keeps_values(field: fields.Enum[Any]) -> bool:
    """Tell whether an Enum by value dumps each member as the plain value that it has."""
    if _has_own_names(field.enum):
        return False
    values = [member.value for member in field.enum]
    return all(type(each) in _SCALARS for each in values) and all(
        type(written) is type(each) and written == each
        for each in values
        for written in (field.field._serialize(each, None, None),)
    )


# What orjson spells otherwise, if at all: of a time's microseconds it may drop a leading zero.
ODD_MOMENT = " or ({value}.tzinfo is not None and {value}.tzinfo is not {utc})"
ODD_TIME = " or {value}.tzinfo is not None or {value}.microsecond"
EMITTERS: dict[type, Emit] = {
    fields.String: _exact(str),
    fields.Email: _exact(str),
    fields.Url: _exact(str),
    fields.UUID: _uuid,
    fields.Integer: _number(int),
    fields.Float: _number(float),
    fields.Decimal: _decimal,
    fields.Boolean: _boolean,
    fields.DateTime: _temporal(dt.datetime, ODD_MOMENT),
    fields.NaiveDateTime: _temporal(dt.datetime, ODD_MOMENT),
    fields.AwareDateTime: _temporal(dt.datetime, ODD_MOMENT),
    fields.Time: _temporal(dt.time, ODD_TIME),
    fields.Date: _temporal(dt.date),
    fields.TimeDelta: _timedelta,
    fields.IP: _ip,
    fields.IPv4: _ip,
    fields.IPv6: _ip,
    fields.IPInterface: _ip,
    fields.IPv4Interface: _ip,
    fields.IPv6Interface: _ip,
    fields.Enum: _enum,
    fields.List: _list,
    fields.Tuple: _tuple,
    fields.Dict: _dict,
    Table: _dict,
    fields.Nested: _nested,
    fields.Pluck: _pluck,
    fields.Raw: _raw,
    fields.Constant: _constant,
}
