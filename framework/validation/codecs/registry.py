"""All codecs. A new type is one entry in one of these modules."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from marshmallow import fields

from framework.validation.codecs import addresses, anything, containers, enums, moments, numbers, text, unions
from framework.validation.codecs.codec import Codec, Make
from framework.validation.compiler.kinds import known

CODECS = (
    *text.CODECS,
    *numbers.CODECS,
    *moments.CODECS,
    *addresses.CODECS,
    *enums.CODECS,
    *containers.CODECS,
    *anything.CODECS,
    *unions.CODECS,
)
_BY_FIELD: Mapping[type, Codec] = {field: codec for codec in CODECS for field in codec.fields}

#: What makes the field of an annotation, for values from JSON.
FROM_JSON: Mapping[Any, Make] = MappingProxyType(
    {key: make for codec in CODECS for key, make in codec.json.items()}
)
#: What makes the field of an annotation, for values from text.
FROM_TEXT: Mapping[Any, Make] = MappingProxyType(
    {**FROM_JSON, **{key: make for codec in CODECS for key, make in codec.text.items()}}
)
#: What makes the field of an annotation, for values from JSON that may be spelt otherwise.
LENIENTLY: Mapping[Any, Make] = MappingProxyType(
    {**FROM_JSON, **{key: make for codec in CODECS for key, make in codec.lenient.items()}}
)
#: What an OpenAPI document says of the values of a field, where the class of the field does not say it.
SHAPES: Mapping[type, Mapping[str, Any]] = MappingProxyType(
    {field: codec.shape for codec in CODECS for field in codec.fields if codec.shape}
)


def find_codec(field: fields.Field[Any]) -> Codec | None:
    """Return the codec of a field; None for a field whose class does something of its own."""
    return known(field, _BY_FIELD)
