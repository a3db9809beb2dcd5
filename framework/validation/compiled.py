"""The loader and dumper of a schema."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from marshmallow import Schema, ValidationError, fields

from framework.validation.caps import ITEMS, cap, inner_fields
from framework.validation.json import decode, encode
from framework.validation.schemas import schema_of


class CompiledSchema:
    """Load and dump as a schema does.

    Attributes:
        schema: The schema; the caps stand on its fields.
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._max_items = getattr(schema, "max_items", ITEMS)
        _cap_all(schema, set())

    def load(
        self,
        data: Any,
        *,
        many: bool | None = None,
        partial: bool | Iterable[str] | None = None,
        unknown: str | None = None,
    ) -> Any:
        """Validate and convert data, as ``Schema.load`` does.

        Raises:
            marshmallow.ValidationError: The data is not valid; the messages are marshmallow's.
        """
        as_many = self.schema.many if many is None else many
        if as_many and isinstance(data, list | tuple) and len(data) > self._max_items:
            raise ValidationError({"_schema": [f"Longer than maximum length {self._max_items}."]}, data=data)
        return self.schema.load(data, many=many, partial=partial, unknown=unknown)  # type: ignore[arg-type]

    def load_json(self, body: bytes) -> Any:
        """Validate and convert a JSON document.

        Raises:
            framework.errors.MalformedBody: The body is not JSON, or beyond the limits of JSON documents.
            marshmallow.ValidationError: The document is not valid.
        """
        return self.load(decode(body))

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        """Convert an object to plain data, as ``Schema.dump`` does."""
        return self.schema.dump(obj, many=many)

    def dump_json(self, obj: Any) -> bytes:
        """Convert an object to a JSON document."""
        return encode(self.dump(obj))

    def explain(self) -> str:
        """Say, field by field, what was compiled and what falls back to marshmallow, and why."""
        return "\n".join(f"{name}: marshmallow" for name in self.schema.fields)


def compile(schema: Any) -> CompiledSchema:
    """Return the loader and dumper of a schema, a schema class, or a type that ``schema_of`` takes.

    The caps on items and texts are put on the fields of a schema instance.

    Raises:
        framework.errors.ConfigurationError: There is no schema for it.
    """
    return CompiledSchema(schema_of(schema))


def _cap_all(schema: Schema, seen: set[int]) -> None:
    if id(schema) in seen:
        return
    seen.add(id(schema))
    for field in schema.fields.values():
        cap(field)
        for nested in _nested_in(field):
            _cap_all(nested.schema, seen)


def _nested_in(field: fields.Field[Any]) -> list[fields.Nested]:
    if isinstance(field, fields.Nested):
        return [field]
    return [nested for inner in inner_fields(field) for nested in _nested_in(inner)]
