"""From types to marshmallow schemas."""

from framework.validation.schemas.types import field_of, schema_from_fields, schema_of

__all__ = ["field_of", "schema_from_fields", "schema_of"]
