"""Enums."""

from __future__ import annotations

from enum import Enum
from typing import Any

from marshmallow import fields

from framework.validation.codecs.codec import (
    CheckWriter,
    Codec,
    DumpWriter,
    LoadWriter,
    NotPassedThrough,
    dump_by_field,
    dump_unless,
    load_by_field,
    unless_exact,
)

_SCALARS = (str, int, float, bool, type(None))


def _load_enum(w: LoadWriter, field: fields.Enum[Any], value: str) -> None:
    kinds = {fields.Raw: (str, int), fields.String: (str,), fields.Integer: (int,)}.get(type(field.field))
    if kinds is None:
        load_by_field(w, field, value)
        return
    # A member of another type than these is found by marshmallow, and so is one that has no name of its own.
    table = field.enum.__members__ if field.by_value is False else {each.value: each for each in field.enum}
    members = {key: member for key, member in table.items() if type(key) in kinds}
    condition = " and ".join(f"type({value}) is not {kind.__name__}" for kind in kinds)
    # Other numbers than an int may be equal to one.
    unless_exact(w, condition) if kinds == (str,) else w.out.refuse_if(condition)
    w.out.line(f"{value} = {w.out.constant(members, 'members')}[{value}]")


def _dump_enum(w: DumpWriter, field: fields.Enum[Any], value: str) -> None:
    attribute = "_name_" if field.by_value is False else "_value_"
    if _has_own_names(field.enum) or (field.by_value is not False and not _keeps_values(field)):
        with w.out.block(f"if {value} is not None:"):
            if w.exact:
                w.out.refuse_if(f"not isinstance({value}, {w.out.constant(field.enum, field.enum.__name__)})")
            dump_by_field(w, field, value)
    else:
        kind = w.out.constant(field.enum, field.enum.__name__)
        dump_unless(w, field, value, f"type({value}) is not {kind}", f"{value}.{attribute}")


def _check_enum(w: CheckWriter, field: fields.Enum[Any], value: str) -> None:
    if field.by_value is False or not _keeps_values(field):
        raise NotPassedThrough
    w.out.refuse_if(f"type({value}) is not {w.out.constant(field.enum, field.enum.__name__)}")


def _has_own_names(enum: type[Enum]) -> bool:
    """Tell whether an Enum says itself what the name or value of a member is."""
    kinds = enum.__mro__[: enum.__mro__.index(Enum)]
    return any(name in vars(kind) for kind in kinds for name in ("name", "value", "_name_", "_value_"))


def _keeps_values(field: fields.Enum[Any]) -> bool:
    """Tell whether an Enum by value dumps each member as the plain value that it has."""
    if _has_own_names(field.enum):
        return False
    values = [member.value for member in field.enum]
    return all(type(each) in _SCALARS for each in values) and all(
        type(written) is type(each) and written == each
        for each in values
        for written in (field.field._serialize(each, None, None),)
    )


CODECS = (
    # What an Enum is annotated as is made in `framework.validation.schemas.annotations`, for each Enum its own.
    Codec(fields=(fields.Enum,), load=_load_enum, dump=_dump_enum, check=_check_enum, is_plain=False),
)
