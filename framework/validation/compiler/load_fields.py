"""How each class of field reads a value, as generated source.

An emitter writes lines after which the variable holds what the field's ``_deserialize`` would return for it,
or which leave the function by an exception, where marshmallow decides. It checks for exact types: a value of
any other type, valid or not, is rare enough to be left to marshmallow.
"""

from __future__ import annotations

import datetime as dt
import decimal
import ipaddress
from collections.abc import Callable
from types import BuiltinMethodType
from typing import Any, Protocol

from marshmallow import fields

from framework.adapters.marshmallow import plucked_key, time_parser
from framework.validation.compiler.checks import take_only_text
from framework.validation.compiler.codegen import Source
from framework.validation.compiler.uuids import uuid_from_text
from framework.validation.limits import (
    MODEST_NUMBER,
    AtMost,
    ModestNumber,
    Only,
    Spelling,
    StorableText,
    TimeOfDay,
)
from framework.validation.schemas.tables import Table

# Beyond these a float may have been an integer of more than 64 bits; the comparison is false for NaN, too.
FINITE = "-9.2e18 < {0} < 1.8e19"


class LoadWriter(Protocol):
    """What an emitter asks of the writer of the function.

    Attributes:
        out: The source.
        json: Whether the document was just read from JSON, with no NUL in its texts.
        exact: Whether the value is one that JSON has: an exact type out of seven.
    """

    @property
    def out(self) -> Source: ...

    @property
    def json(self) -> bool: ...

    @property
    def exact(self) -> bool: ...

    def value(self, field: fields.Field[Any], value: str) -> None:
        """Write the reading of a value by a field within a field, with all that belongs to it."""

    def nested(self, field: fields.Nested, value: str) -> None:
        """Write the reading of a nested object, or of a list of them."""

    def anything_goes(self) -> None:
        """Take note that values pass that no field has looked into."""


Emit = Callable[[LoadWriter, Any, str], None]


def _string(w: LoadWriter, field: fields.String, value: str) -> None:
    if not (w.exact and take_only_text(field.validators)):
        w.out.refuse_if(f"type({value}) is not str")
    for guard in field.pre_load:
        if isinstance(guard, StorableText):
            if not w.json:
                w.out.refuse_if(f'"\\0" in {value}')
            if guard.length is not None:
                w.out.refuse_if(f"{'not short and ' if w.json else ''}len({value}) > {guard.length}")


def _integer(w: LoadWriter, field: fields.Integer, value: str) -> None:
    if field.strict:
        w.out.refuse_if(f"type({value}) is not int")
        return
    with w.out.block(f"if type({value}) is not int:"):
        w.out.refuse_if(f"type({value}) is not str")
        _spelt(w, field, value)
        w.out.line(f"{value} = int({value})")


def _float(w: LoadWriter, field: fields.Float, value: str) -> None:
    text = "" if _only(field) else f" and type({value}) is not str"
    with w.out.block(f"if type({value}) is not float:"):
        w.out.refuse_if(f"type({value}) is not int{text}")
        if text:
            _spelt(w, field, value)
        w.out.line(f"{value} = float({value})")
    w.out.refuse_if(f"not {FINITE.format(value)}")


def _decimal(w: LoadWriter, field: fields.Decimal, value: str) -> None:
    make = w.out.constant(decimal.Decimal, "Decimal")
    with w.out.block(f"if type({value}) is str:"):
        _spelt(w, field, value)
        w.out.line(f"{value} = {make}({value})")
    with w.out.block("else:"):
        w.out.refuse_if(
            f"type({value}) is not int and (type({value}) is not float or not {FINITE.format(value)})"
        )
        w.out.line(f"{value} = {make}(str({value}))")
    w.out.refuse_if(f"not {value}.is_finite()")
    if field.places is not None:
        places, rounding = w.out.constant(field.places, "places"), field.rounding
        w.out.line(f"{value} = {value}.quantize({places}, rounding={rounding!r})")


def _boolean(w: LoadWriter, field: fields.Boolean, value: str) -> None:
    if not field.truthy or True not in field.truthy or False in field.truthy or False not in field.falsy:
        _deserialize(w, field, value)
        return
    if _only(field):
        w.out.refuse_if(f"{value} is not True and {value} is not False")
        return
    words = {word: True for word in field.truthy if type(word) is str}
    words = {word: False for word in field.falsy if type(word) is str} | words
    with w.out.block(f"if {value} is not True and {value} is not False:"):
        _unless_exact(w, f"type({value}) is not str")
        w.out.line(f"{value} = {w.out.constant(words, 'booleans')}[{value}]")


def _uuid(w: LoadWriter, field: fields.UUID, value: str) -> None:
    _unless_exact(w, f"type({value}) is not str")
    w.out.line(f"{value} = {w.out.constant(uuid_from_text, 'uuid_from_text')}({value})")


def _temporal(w: LoadWriter, field: Any, value: str, longer_than_a_date: bool = False) -> None:
    form = field.format or field.DEFAULT_FORMAT
    read = field.DESERIALIZATION_FUNCS.get(form)
    if isinstance(read, BuiltinMethodType):
        _unless_exact(w, f"type({value}) is not str")
    else:
        # A timestamp may be a number; beyond 64 bits it is no time anyway.
        number = f" and type({value}) is not int" if "stamp" in form else ""
        w.out.refuse_if(f"type({value}) is not str{number}")
    if longer_than_a_date:
        w.out.refuse_if(f"len({value}) <= 10")
    if read is None:
        make = w.out.constant(time_parser(field), "parsed")
        w.out.line(f"{value} = {make}({value}, {form!r})")
    else:
        w.out.line(f"{value} = {w.out.constant(read, f'{field.OBJ_TYPE}_from_text')}({value})")


def _date_time(w: LoadWriter, field: fields.DateTime, value: str) -> None:
    _temporal(w, field, value, any(isinstance(guard, TimeOfDay) for guard in field.pre_load))


def _naive(w: LoadWriter, field: fields.NaiveDateTime, value: str) -> None:
    _date_time(w, field, value)
    w.out.refuse_if(f"{value}.tzinfo is not None")


def _aware(w: LoadWriter, field: fields.AwareDateTime, value: str) -> None:
    _date_time(w, field, value)
    if field.default_timezone is None:
        # An offset of a time zone that was read from text is never None.
        w.out.refuse_if(f"{value}.tzinfo is None")
    else:
        zone = w.out.constant(field.default_timezone, "zone")
        w.out.line(f"if {value}.tzinfo is None: {value} = {value}.replace(tzinfo={zone})")


def _timedelta(w: LoadWriter, field: fields.TimeDelta, value: str) -> None:
    text = "" if _only(field) else f" and type({value}) is not str"
    w.out.refuse_if(f"type({value}) is not float and type({value}) is not int{text}")
    if text:
        with w.out.block(f"if type({value}) is str:"):
            _spelt(w, field, value)
    w.out.line(f"{value} = float({value})")
    w.out.refuse_if(f"not {FINITE.format(value)}")
    w.out.line(f"{value} = {w.out.constant(dt.timedelta, 'timedelta')}({field.precision}={value})")


def _ip(w: LoadWriter, field: Any, value: str) -> None:
    guess = ipaddress.ip_interface if isinstance(field, fields.IPInterface) else ipaddress.ip_address
    w.out.refuse_if(f"type({value}) is not str")
    w.out.line(f"{value} = {w.out.constant(field.DESERIALIZATION_CLASS or guess, 'ip')}({value})")


def _enum(w: LoadWriter, field: fields.Enum[Any], value: str) -> None:
    kinds = {fields.Raw: (str, int), fields.String: (str,), fields.Integer: (int,)}.get(type(field.field))
    if kinds is None:
        _deserialize(w, field, value)
        return
    # A member of another type than these is found by marshmallow, and so is one that has no name of its own.
    table = field.enum.__members__ if field.by_value is False else {each.value: each for each in field.enum}
    members = {key: member for key, member in table.items() if type(key) in kinds}
    condition = " and ".join(f"type({value}) is not {kind.__name__}" for kind in kinds)
    # Other numbers than an int may be equal to one.
    _unless_exact(w, condition) if kinds == (str,) else w.out.refuse_if(condition)
    w.out.line(f"{value} = {w.out.constant(members, 'members')}[{value}]")


def _list(w: LoadWriter, field: fields.List[Any], value: str) -> None:
    w.out.refuse_if(f"type({value}) is not list")
    _at_most(w, field, value, "")
    with w.out.items_of(value) as each:
        w.value(field.inner, each)


def _tuple(w: LoadWriter, field: fields.Tuple, value: str) -> None:
    w.out.refuse_if(f"type({value}) is not list and type({value}) is not tuple")
    w.out.refuse_if(f"len({value}) != {len(field.tuple_fields)}")
    with w.out.parts_of(value, len(field.tuple_fields)) as parts:
        for part, inner in zip(parts, field.tuple_fields, strict=True):
            w.value(inner, part)


def _dict(w: LoadWriter, field: fields.Dict, value: str) -> None:
    w.out.refuse_if(f"type({value}) is not dict")
    _at_most(w, field, value, "")
    if field.value_field is None:
        w.anything_goes()
    if field.key_field is None and field.value_field is None:
        w.out.line(f"{value} = dict({value})")
        return
    with w.out.entries_of(value) as (key, each):
        if field.key_field is not None:
            w.value(field.key_field, key)
        if field.value_field is not None:
            w.value(field.value_field, each)


def _nested(w: LoadWriter, field: fields.Nested, value: str) -> None:
    _at_most(w, field, value)
    w.nested(field, value)


def _pluck(w: LoadWriter, field: fields.Pluck, value: str) -> None:
    key = plucked_key(field)
    if field.many:
        w.out.refuse_if(f"type({value}) is not list")
        _at_most(w, field, value, "")
        w.out.line(f"{value} = [{{{key!r}: each}} for each in {value}]")
    else:
        w.out.line(f"{value} = {{{key!r}: {value}}}")
    w.nested(field, value)


def _raw(w: LoadWriter, field: fields.Raw, value: str) -> None:
    w.anything_goes()


def _constant(w: LoadWriter, field: fields.Constant[Any], value: str) -> None:
    w.anything_goes()
    w.out.line(f"{value} = {w.out.constant(field.constant, 'constant')}")


def _deserialize(w: LoadWriter, field: fields.Field[Any], value: str) -> None:
    w.anything_goes()
    if not field.allow_none:
        w.out.refuse_if(f"{value} is None")
    w.out.line(f"{value} = {w.out.constant(field, 'field')}._deserialize({value}, None, None)")


def _unless_exact(w: LoadWriter, condition: str) -> None:
    """Write a check that JSON can do without, because what comes next takes no other value of JSON's."""
    if not w.exact:
        w.out.refuse_if(condition)


def _only(field: fields.Field[Any]) -> bool:
    return any(isinstance(guard, Only) for guard in field.pre_load)


def _spelt(w: LoadWriter, field: fields.Field[Any], value: str) -> None:
    for guard in field.pre_load:
        if isinstance(guard, ModestNumber):
            # Short text without an exponent is modest; only other text is worth a pattern.
            pattern = w.out.constant(MODEST_NUMBER.fullmatch, "modest")
            w.out.refuse_if(
                f'(len({value}) > 100 or "e" in {value} or "E" in {value}) and {pattern}({value}) is None'
            )
        if isinstance(guard, Spelling):
            w.out.refuse_if(f"{w.out.constant(guard.pattern.fullmatch, 'plainly')}({value}) is None")


def _at_most(
    w: LoadWriter, field: fields.Field[Any], value: str, when: str = "type({0}) is list and "
) -> None:
    for guard in field.pre_load:
        if isinstance(guard, AtMost):
            w.out.refuse_if(f"{when.format(value)}len({value}) > {guard.items}")


EMITTERS: dict[type, Emit] = {
    fields.String: _string,
    fields.Email: _string,
    fields.Url: _string,
    fields.UUID: _uuid,
    fields.Integer: _integer,
    fields.Float: _float,
    fields.Decimal: _decimal,
    fields.Boolean: _boolean,
    fields.DateTime: _date_time,
    fields.NaiveDateTime: _naive,
    fields.AwareDateTime: _aware,
    fields.Time: _temporal,
    fields.Date: _temporal,
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
