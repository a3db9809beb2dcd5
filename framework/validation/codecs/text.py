"""Text, and what is text with a form of its own."""

from __future__ import annotations

import pathlib
import uuid
import zoneinfo

from marshmallow import fields

from framework.validation.codecs.codec import (
    Codec,
    DumpWriter,
    LoadWriter,
    check_exact,
    dump_exact,
    dump_unless,
    text_codec,
    text_of,
    unless_exact,
)
from framework.validation.codecs.uuids import uuid_from_text
from framework.validation.compiler.checks import take_only_text
from framework.validation.fields import Base64, FilePath, TimeZone
from framework.validation.limits import HexDigits, StorableText

PATHS = (pathlib.Path, pathlib.PurePath, pathlib.PurePosixPath, pathlib.PureWindowsPath, type(pathlib.Path()))


def _load_string(w: LoadWriter, field: fields.String, value: str) -> None:
    if not (w.exact and take_only_text(field.validators)):
        w.out.refuse_if(f"type({value}) is not str")
    for guard in field.pre_load:
        if isinstance(guard, StorableText):
            if not w.json:
                w.out.refuse_if(f'"\\0" in {value}')
            if guard.length is not None:
                w.out.refuse_if(f"{'not short and ' if w.json else ''}len({value}) > {guard.length}")


def _load_uuid(w: LoadWriter, field: fields.UUID, value: str) -> None:
    unless_exact(w, f"type({value}) is not str")
    w.out.line(f"{value} = {w.out.constant(uuid_from_text, 'uuid_from_text')}({value})")


def _dump_uuid(w: DumpWriter, field: fields.UUID, value: str) -> None:
    other = f"type({value}) is not {w.out.constant(uuid.UUID, 'UUID')}"
    dump_unless(w, field, value, other, "" if w.json else text_of(w, value))


CODECS = (
    Codec(
        sample="text",
        fields=(fields.String, fields.Email, fields.Url),
        load=_load_string,
        dump=dump_exact(str),
        check=check_exact(str),
        guards=(StorableText,),
        json={str: fields.String},
    ),
    Codec(
        sample=uuid.UUID(int=0),
        fields=(fields.UUID,),
        load=_load_uuid,
        dump=_dump_uuid,
        check=check_exact(uuid.UUID),
        guards=(HexDigits,),
        json={uuid.UUID: fields.UUID},
    ),
    text_codec(
        Base64,
        bytes,
        shape={
            "contentEncoding": "base64",
            "pattern": r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
        },
    ),
    text_codec(FilePath, *PATHS, shape={"format": "path", "minLength": 1}),
    text_codec(TimeZone, zoneinfo.ZoneInfo, shape={"format": "time-zone"}),
)
