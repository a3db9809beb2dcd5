"""A schema's own hooks around the generated functions.

A schema that has hooks keeps marshmallow's ``load`` and ``dump``, which run them; only the step between them,
which reads or writes the fields, is replaced on that instance.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marshmallow import Schema

from framework.validation.dump_fields import REITERABLE


def deserialize_with(schema: Schema, read: Callable[[Any, bool], Any]) -> None:
    """Let a schema read its fields with a generated function, where that can."""
    own, unknown_of_schema, partial_of_schema = type(schema)._deserialize, schema.unknown, schema.partial

    def deserialize(
        data: Any, *, many: bool = False, partial: Any = None, unknown: Any, **options: Any
    ) -> Any:
        if unknown == unknown_of_schema and partial is partial_of_schema:
            try:
                if not many:
                    return read(data, False)
                if type(data) is list:
                    return [read(each, False) for each in data]
            except Exception:  # noqa: BLE001, S110 - marshmallow says what is wrong
                pass
        return own(schema, data, many=many, partial=partial, unknown=unknown, **options)

    vars(schema)["_deserialize"] = deserialize


def serialize_with(schema: Schema, write: Callable[[Any], Any]) -> None:
    """Let a schema write its fields with a generated function, where that can."""
    own = type(schema)._serialize

    def serialize(obj: Any, *, many: bool = False) -> Any:
        try:
            if not many:
                return write(obj)
            if isinstance(obj, REITERABLE):
                return [write(each) for each in obj]
        except Exception:  # noqa: BLE001, S110 - marshmallow dumps it, or says why not
            pass
        return own(schema, obj, many=many)

    vars(schema)["_serialize"] = serialize
