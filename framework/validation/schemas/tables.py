"""A mapping field whose faults point at the entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields


class Table(fields.Dict):
    """Read a JSON object of like values.

    marshmallow files an entry's messages under ``key`` and ``value``; here they stand at the entry itself, so
    that a fault's pointer leads to something that is in the document.
    """

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return super()._deserialize(value, attr, data, **kwargs)  # type: ignore[no-untyped-call]
        except ValidationError as error:
            if not isinstance(error.messages, dict):
                raise
            raise ValidationError(entry_messages(error.messages), valid_data=error.valid_data) from error


def entry_messages(messages: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return the messages of a mapping field with those of each key or value at the entry itself."""
    return {key: found.get("key") or found["value"] for key, found in messages.items()}
