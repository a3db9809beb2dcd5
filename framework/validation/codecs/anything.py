"""Values of any type, and constants."""

from __future__ import annotations

from functools import partial
from typing import Any

from marshmallow import fields

from framework.validation.codecs.codec import Codec, DumpWriter, LoadWriter, check_nothing


def _load_raw(w: LoadWriter, field: fields.Raw, value: str) -> None:
    w.anything_goes()


def _load_constant(w: LoadWriter, field: fields.Constant[Any], value: str) -> None:
    w.anything_goes()
    w.out.line(f"{value} = {w.out.constant(field.constant, 'constant')}")


def _dump_raw(w: DumpWriter, field: fields.Field[Any], value: str) -> None:
    """Leave the value as it is."""
    w.free(value)


def _dump_constant(w: DumpWriter, field: fields.Constant[Any], value: str) -> None:
    w.out.line(f"{value} = {w.out.constant(field.constant, 'constant')}")


_anything = partial(fields.Raw, allow_none=True)

CODECS = (
    Codec(
        fields=(fields.Raw,),
        load=_load_raw,
        dump=_dump_raw,
        check=check_nothing,
        json={Any: _anything, object: _anything},
        is_plain=False,
    ),
    Codec(fields=(fields.Constant,), load=_load_constant, dump=_dump_constant, is_plain=False),
)
