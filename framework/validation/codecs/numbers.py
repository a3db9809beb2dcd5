"""Numbers and truth."""

from __future__ import annotations

import decimal
import re
from functools import partial
from typing import Any

from marshmallow import fields

from framework.validation.codecs.codec import (
    FINITE,
    Codec,
    DumpWriter,
    EmitDump,
    LoadWriter,
    check_exact,
    check_float,
    dump_by_field,
    dump_unless,
    has_only,
    load_by_field,
    spelt,
    unless_exact,
)
from framework.validation.limits import (
    LARGEST_INTEGER,
    SMALLEST_INTEGER,
    In64Bits,
    ModestNumber,
    Only,
    Spelling,
)

NOT_A_NUMBER = "Not a valid number."
PLAIN_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?")
PLAIN_INTEGER = re.compile(r"[+-]?[0-9]{1,18}|[+-]?[0-9]{19}")
PLAIN_DECIMAL = re.compile(r"[+-]?[0-9]{1,100}(\.[0-9]{1,100})?")


def _load_integer(w: LoadWriter, field: fields.Integer, value: str) -> None:
    limited = any(isinstance(guard, In64Bits) for guard in field.pre_load)
    beyond = f"not {SMALLEST_INTEGER} <= {value} <= {LARGEST_INTEGER}"
    if field.strict:
        w.out.refuse_if(f"type({value}) is not int")
        if limited and not w.json:
            w.out.refuse_if(beyond)
        return
    with w.out.block(f"if type({value}) is not int:"):
        w.out.refuse_if(f"type({value}) is not str")
        spelt(w, field, value)
        w.out.line(f"{value} = int({value})")
    if limited:
        w.out.refuse_if(beyond)


def _load_float(w: LoadWriter, field: fields.Float, value: str) -> None:
    text = "" if has_only(field) else f" and type({value}) is not str"
    with w.out.block(f"if type({value}) is not float:"):
        w.out.refuse_if(f"type({value}) is not int{text}")
        if text:
            spelt(w, field, value)
        w.out.line(f"{value} = float({value})")
    w.out.refuse_if(f"not {FINITE.format(value)}")


def _load_decimal(w: LoadWriter, field: fields.Decimal, value: str) -> None:
    make = w.out.constant(decimal.Decimal, "Decimal")
    with w.out.block(f"if type({value}) is str:"):
        spelt(w, field, value)
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


def _load_boolean(w: LoadWriter, field: fields.Boolean, value: str) -> None:
    if not field.truthy or True not in field.truthy or False in field.truthy or False not in field.falsy:
        load_by_field(w, field, value)
        return
    if has_only(field):
        w.out.refuse_if(f"{value} is not True and {value} is not False")
        return
    words = {word: True for word in field.truthy if type(word) is str}
    words = {word: False for word in field.falsy if type(word) is str} | words
    with w.out.block(f"if {value} is not True and {value} is not False:"):
        unless_exact(w, f"type({value}) is not str")
        w.out.line(f"{value} = {w.out.constant(words, 'booleans')}[{value}]")


def _dump_number(kind: type) -> EmitDump:
    def emit(w: DumpWriter, field: Any, value: str) -> None:
        condition = f"type({value}) is not {w.out.constant(kind, kind.__name__)}"
        dump_unless(w, field, value, condition, f"str({value})" if field.as_string else "")
        # A key is no number in JSON, but of a number that was declared. NaN less itself is NaN, and infinity, too.
        if kind is float and (w.json or w.exact) and not field.as_string:
            w.out.refuse_if(f"{value} is not None and {value} - {value}")

    return emit


def _dump_decimal(w: DumpWriter, field: fields.Decimal, value: str) -> None:
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
        if w.exact:
            w.out.line("raise Fallback")
        else:
            dump_by_field(w, field, value)


def _dump_boolean(w: DumpWriter, field: fields.Boolean, value: str) -> None:
    """Leave the value as it is; what is none is left to marshmallow where it has to be spelt."""
    if w.json:
        w.out.refuse_if(f"{value} is not True and {value} is not False and {value} is not None")


CODECS = (
    Codec(
        sample=1,
        fields=(fields.Integer,),
        load=_load_integer,
        dump=_dump_number(int),
        check=check_exact(int),
        guards=(In64Bits, Spelling),
        json={int: partial(fields.Integer, strict=True)},
        lenient={int: fields.Integer},
        text={int: partial(fields.Integer, pre_load=[Spelling(PLAIN_INTEGER, "Not a valid integer.")])},
    ),
    Codec(
        sample=1.0,
        fields=(fields.Float,),
        load=_load_float,
        dump=_dump_number(float),
        check=check_float,
        guards=(Only, Spelling),
        json={float: partial(fields.Float, pre_load=[Only((int, float), NOT_A_NUMBER)])},
        lenient={float: fields.Float},
        text={float: partial(fields.Float, pre_load=[Spelling(PLAIN_NUMBER, NOT_A_NUMBER)])},
    ),
    Codec(
        sample=decimal.Decimal(1),
        fields=(fields.Decimal,),
        load=_load_decimal,
        dump=_dump_decimal,
        guards=(ModestNumber, Spelling),
        json={
            decimal.Decimal: partial(
                fields.Decimal, as_string=True, pre_load=[Spelling(PLAIN_DECIMAL, NOT_A_NUMBER)]
            )
        },
        lenient={decimal.Decimal: partial(fields.Decimal, as_string=True)},
    ),
    Codec(
        sample=True,
        fields=(fields.Boolean,),
        load=_load_boolean,
        dump=_dump_boolean,
        check=check_exact(bool),
        guards=(Only,),
        json={bool: partial(fields.Boolean, pre_load=[Only((bool,), "Not a valid boolean.")])},
        lenient={bool: fields.Boolean},
        text={bool: fields.Boolean},
    ),
)
