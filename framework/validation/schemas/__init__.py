"""From types to marshmallow schemas."""

from framework.validation.schemas.types import schema_from_fields, schema_of

__all__ = ["schema_from_fields", "schema_of"]
