"""A schema's own hooks around the generated functions.

A schema that has hooks keeps marshmallow's ``load`` and ``dump``, which run them. Only the step between them, which
reads or writes the fields, is replaced, and that on a copy: the schema itself may yet be nested somewhere, which
copies it with all its attributes.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from marshmallow import Schema

from framework.validation.compiler.dump_fields import REITERABLE


def reading_with(schema: Schema, read: Callable[[Any], Any]) -> Schema:
    """Return a copy of a schema that reads its fields with a generated function, where that can."""
    twin = copy.copy(schema)
    own, unknown_of_schema, partial_of_schema = type(schema)._deserialize, schema.unknown, schema.partial

    def deserialize(
        data: Any, *, many: bool = False, partial: Any = None, unknown: Any, **options: Any
    ) -> Any:
        if unknown == unknown_of_schema and partial is partial_of_schema:
            try:
                if not many:
                    return read(data)
                if type(data) is list:
                    return [read(each) for each in data]
            except Exception:  # noqa: BLE001, S110 - marshmallow says what is wrong
                pass
        return own(twin, data, many=many, partial=partial, unknown=unknown, **options)

    vars(twin)["_deserialize"] = deserialize
    return twin


def writing_with(schema: Schema, write: Callable[[Any], Any]) -> Schema:
    """Return a copy of a schema that writes its fields with a generated function, where that can."""
    twin = copy.copy(schema)
    own = type(schema)._serialize

    def serialize(obj: Any, *, many: bool = False) -> Any:
        try:
            if not many:
                return write(obj)
            if isinstance(obj, REITERABLE):
                return [write(each) for each in obj]
        except Exception:  # noqa: BLE001, S110 - marshmallow dumps it, or says why not
            pass
        return own(twin, obj, many=many)

    vars(twin)["_serialize"] = serialize
    return twin
