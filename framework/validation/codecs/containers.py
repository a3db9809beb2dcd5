"""Lists, tuples, mappings and nested objects; their fields are made where annotations are read."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from framework.adapters.marshmallow import plucked_key
from framework.validation.codecs.codec import (
    REITERABLE,
    CheckWriter,
    Codec,
    DumpWriter,
    LoadWriter,
    NotPassedThrough,
    at_most,
)
from framework.validation.compiler.kinds import known
from framework.validation.fields import Table
from framework.validation.limits import AtMost


def makes_set(field: fields.Field[Any]) -> bool:
    """Tell whether a list in JSON stands for a set."""
    return any(make in (set, frozenset) for make in field.post_load)


def _load_list(w: LoadWriter, field: fields.List[Any], value: str) -> None:
    w.out.refuse_if(f"type({value}) is not list")
    at_most(w, field, value, "")
    with w.out.items_of(value) as each:
        w.value(field.inner, each)


def _load_tuple(w: LoadWriter, field: fields.Tuple, value: str) -> None:
    w.out.refuse_if(f"type({value}) is not list and type({value}) is not tuple")
    w.out.refuse_if(f"len({value}) != {len(field.tuple_fields)}")
    with w.out.parts_of(value, len(field.tuple_fields)) as parts:
        for part, inner in zip(parts, field.tuple_fields, strict=True):
            w.value(inner, part)


def _load_dict(w: LoadWriter, field: fields.Dict, value: str) -> None:
    w.out.refuse_if(f"type({value}) is not dict")
    at_most(w, field, value, "")
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


def _load_nested(w: LoadWriter, field: fields.Nested, value: str) -> None:
    at_most(w, field, value)
    w.nested(field, value)


def _load_pluck(w: LoadWriter, field: fields.Pluck, value: str) -> None:
    key = plucked_key(field)
    if field.many:
        w.out.refuse_if(f"type({value}) is not list")
        at_most(w, field, value, "")
        w.out.line(f"{value} = [{{{key!r}: each}} for each in {value}]")
    else:
        w.out.line(f"{value} = {{{key!r}: {value}}}")
    w.nested(field, value)


def _dump_list(w: DumpWriter, field: fields.List[Any], value: str) -> None:
    with w.out.block(f"if {value} is not None:"):
        w.out.refuse_if(f"not isinstance({value}, {w.out.constant(REITERABLE, 'REITERABLE')})")
        with w.out.items_of(value) as each:
            w.value(field.inner, each)


def _dump_tuple(w: DumpWriter, field: fields.Tuple, value: str) -> None:
    with w.out.block(f"if {value} is not None:"):
        kinds, count = w.out.constant(REITERABLE, "REITERABLE"), len(field.tuple_fields)
        w.out.refuse_if(f"not isinstance({value}, {kinds}) or len({value}) != {count}")
        with w.out.parts_of(value, count) as parts:
            for part, inner in zip(parts, field.tuple_fields, strict=True):
                w.value(inner, part)


def _dump_dict(w: DumpWriter, field: fields.Dict, value: str) -> None:
    with w.out.block(f"if {value} is not None:"):
        w.out.refuse_if(f"not isinstance({value}, dict)")
        if field.key_field is None and field.value_field is None:
            w.out.line(f"{value} = dict({value})")
            w.free(value)
            return
        with w.out.entries_of(value) as (key, each):
            if field.key_field is not None:
                w.item(field.key_field, key, plain=True)
            if field.value_field is not None:
                w.item(field.value_field, each)


def _dump_nested(w: DumpWriter, field: fields.Nested, value: str) -> None:
    with w.out.block(f"if {value} is not None:"):
        w.nested(field, value)


def _dump_pluck(w: DumpWriter, field: fields.Pluck, value: str) -> None:
    key = plucked_key(field)
    with w.out.block(f"if {value} is not None:"):
        w.nested(field, value)
        w.out.line(
            f"{value} = [each[{key!r}] for each in {value}]" if field.many else f"{value} = {value}[{key!r}]"
        )


def _check_list(w: CheckWriter, field: fields.List[Any], value: str) -> None:
    if makes_set(field):
        raise NotPassedThrough
    w.out.refuse_if(f"type({value}) is not list and type({value}) is not tuple")
    each = w.out.fresh("each")
    with w.out.block(f"for {each} in {value}:"):
        w.value(field.inner, each)


def _check_dict(w: CheckWriter, field: fields.Dict, value: str) -> None:
    if field.key_field is not None and known(field.key_field, {fields.String: True}) is None:
        raise NotPassedThrough
    w.out.refuse_if(f"type({value}) is not dict")
    if field.value_field is None or type(field.value_field) is fields.Raw:
        w.free(value)
        return
    each = w.out.fresh("each")
    # PERF: keys that are not text are refused by orjson itself.
    with w.out.block(f"for {each} in {value}.values():"):
        w.value(field.value_field, each)


def _check_nested(w: CheckWriter, field: fields.Nested, value: str) -> None:
    if not (field.schema.many or field.many):
        w.nested(field.schema, value)
        return
    w.out.refuse_if(f"type({value}) is not list and type({value}) is not tuple")
    each = w.out.fresh("each")
    with w.out.block(f"for {each} in {value}:"):
        w.nested(field.schema, each)


CODECS = (
    Codec(
        fields=(fields.List,),
        load=_load_list,
        dump=_dump_list,
        check=_check_list,
        guards=(AtMost,),
        sample=[],
    ),
    Codec(fields=(fields.Tuple,), load=_load_tuple, dump=_dump_tuple),
    Codec(
        fields=(fields.Dict, Table),
        sample={},
        load=_load_dict,
        dump=_dump_dict,
        check=_check_dict,
        guards=(AtMost,),
        is_plain=False,
    ),
    Codec(
        fields=(fields.Nested,), load=_load_nested, dump=_dump_nested, check=_check_nested, guards=(AtMost,)
    ),
    Codec(fields=(fields.Pluck,), load=_load_pluck, dump=_dump_pluck, guards=(AtMost,), is_plain=False),
)
