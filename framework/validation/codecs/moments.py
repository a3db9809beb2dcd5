"""Dates, times and spans of time."""

from __future__ import annotations

import datetime as dt
from functools import partial
from types import BuiltinMethodType
from typing import Any

from marshmallow import fields

from framework.adapters.marshmallow import time_parser
from framework.validation.codecs.codec import (
    FINITE,
    CheckWriter,
    Codec,
    DumpWriter,
    EmitCheck,
    EmitDump,
    LoadWriter,
    NotPassedThrough,
    dump_by_field,
    dump_unless,
    has_only,
    spelt,
    text_of,
    unless_exact,
)
from framework.validation.codecs.numbers import PLAIN_NUMBER
from framework.validation.limits import Only, Span, Spelling, TimeOfDay, WithColons, Zulu

# What orjson spells otherwise, if at all: of a time's microseconds it may drop a leading zero.
ODD_MOMENT = " or ({value}.tzinfo is not None and {value}.tzinfo is not {utc})"
ODD_TIME = " or {value}.tzinfo is not None or {value}.microsecond"
NOT_A_SPAN = "Not a valid period of time."


def _load_temporal(w: LoadWriter, field: Any, value: str, longer_than_a_date: bool = False) -> None:
    form = field.format or field.DEFAULT_FORMAT
    read = field.DESERIALIZATION_FUNCS.get(form)
    if isinstance(read, BuiltinMethodType):
        unless_exact(w, f"type({value}) is not str")
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


def _load_date_time(w: LoadWriter, field: fields.DateTime, value: str) -> None:
    _load_temporal(w, field, value, any(isinstance(guard, TimeOfDay) for guard in field.pre_load))


def _load_naive(w: LoadWriter, field: fields.NaiveDateTime, value: str) -> None:
    _load_date_time(w, field, value)
    w.out.refuse_if(f"{value}.tzinfo is not None")


def _load_aware(w: LoadWriter, field: fields.AwareDateTime, value: str) -> None:
    _load_date_time(w, field, value)
    if field.default_timezone is None:
        # An offset of a time zone that was read from text is never None.
        w.out.refuse_if(f"{value}.tzinfo is None")
    else:
        zone = w.out.constant(field.default_timezone, "zone")
        w.out.line(f"if {value}.tzinfo is None: {value} = {value}.replace(tzinfo={zone})")


def _load_time(w: LoadWriter, field: fields.Time, value: str) -> None:
    if any(isinstance(guard, WithColons) for guard in field.pre_load):
        w.out.refuse_if(f'{value}[2:3] != ":"')
    _load_temporal(w, field, value)


def _load_timedelta(w: LoadWriter, field: fields.TimeDelta, value: str) -> None:
    text = "" if has_only(field) else f" and type({value}) is not str"
    w.out.refuse_if(f"type({value}) is not float and type({value}) is not int{text}")
    if text:
        with w.out.block(f"if type({value}) is str:"):
            spelt(w, field, value)
    w.out.line(f"{value} = float({value})")
    w.out.refuse_if(f"not {FINITE.format(value)}")
    w.out.line(f"{value} = {w.out.constant(dt.timedelta, 'timedelta')}({field.precision}={value})")


def _dump_temporal(kind: type, condition: str = "") -> EmitDump:
    """Make the emitter of a date or time; ``condition`` says when orjson writes it otherwise."""

    def emit(w: DumpWriter, field: Any, value: str) -> None:
        exact = f"type({value}) is not {w.out.constant(kind, kind.__name__)}"
        iso = (field.format or field.DEFAULT_FORMAT) in ("iso", "iso8601")
        if not iso:
            with w.out.block(f"if {value} is not None:"):
                dump_by_field(w, field, value)
        else:
            other = exact + (condition and condition.format(value=value, utc=w.out.constant(dt.UTC, "utc")))
            dump_unless(w, field, value, other, "" if w.json else text_of(w, value))

    return emit


def _dump_timedelta(w: DumpWriter, field: fields.TimeDelta, value: str) -> None:
    unit = dt.timedelta(**{field.precision: 1}) // dt.timedelta(microseconds=1)
    microseconds = f"(({value}.days * 86400 + {value}.seconds) * 1000000 + {value}.microseconds)"
    kind = w.out.constant(dt.timedelta, "timedelta")
    dump_unless(w, field, value, f"type({value}) is not {kind}", f"{microseconds} / {unit}")


def _check_temporal(kind: type, zones: str = "") -> EmitCheck:
    def emit(w: CheckWriter, field: Any, value: str) -> None:
        if (field.format or field.DEFAULT_FORMAT) not in ("iso", "iso8601"):
            raise NotPassedThrough
        condition = zones.format(value=value, utc=w.out.constant(dt.UTC, "utc"))
        w.out.refuse_if(f"type({value}) is not {w.out.constant(kind, kind.__name__)}{condition}")

    return emit


CODECS = (
    Codec(
        fields=(fields.DateTime,),
        load=_load_date_time,
        dump=_dump_temporal(dt.datetime, ODD_MOMENT),
        check=_check_temporal(dt.datetime, ODD_MOMENT),
        guards=(TimeOfDay,),
    ),
    Codec(
        fields=(fields.NaiveDateTime,),
        load=_load_naive,
        dump=_dump_temporal(dt.datetime, ODD_MOMENT),
        check=_check_temporal(dt.datetime, ODD_MOMENT),
        guards=(TimeOfDay,),
    ),
    Codec(
        sample=dt.datetime(2024, 2, 29, tzinfo=dt.UTC),
        fields=(fields.AwareDateTime,),
        load=_load_aware,
        dump=_dump_temporal(dt.datetime, ODD_MOMENT),
        check=_check_temporal(dt.datetime, ODD_MOMENT),
        guards=(TimeOfDay, Zulu),
        json={dt.datetime: partial(fields.AwareDateTime, pre_load=[Zulu()])},
        lenient={dt.datetime: partial(fields.AwareDateTime, default_timezone=dt.UTC, pre_load=[Zulu()])},
    ),
    Codec(
        sample=dt.time(12),
        fields=(fields.Time,),
        load=_load_time,
        dump=_dump_temporal(dt.time, ODD_TIME),
        check=_check_temporal(dt.time, ODD_TIME),
        guards=(WithColons,),
        json={dt.time: partial(fields.Time, pre_load=[WithColons()])},
    ),
    Codec(
        sample=dt.date(2024, 2, 29),
        fields=(fields.Date,),
        load=_load_temporal,
        dump=_dump_temporal(dt.date),
        check=_check_temporal(dt.date),
        json={dt.date: fields.Date},
    ),
    Codec(
        sample=dt.timedelta(1),
        fields=(fields.TimeDelta,),
        load=_load_timedelta,
        dump=_dump_timedelta,
        guards=(Only, Spelling, Span),
        json={
            dt.timedelta: partial(
                fields.TimeDelta, pre_load=[Span(), Only((int, float, dt.timedelta), NOT_A_SPAN)]
            )
        },
        lenient={dt.timedelta: partial(fields.TimeDelta, pre_load=[Span(text=True)])},
        text={
            dt.timedelta: partial(
                fields.TimeDelta, pre_load=[Span(text=True), Spelling(PLAIN_NUMBER, NOT_A_SPAN)]
            )
        },
    ),
)
