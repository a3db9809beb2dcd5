"""Classes of other libraries that read and write themselves; a library is asked when it was imported already."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, get_args, get_origin

import orjson
from marshmallow import ValidationError, fields

from framework.validation.schemas.type_fields import hints_of

REFERENCE = "#/components/schemas/"


class Foreign(fields.Field[Any]):
    """A value that its class reads and writes.

    Attributes:
        kind: The class.
    """

    def __init__(self, kind: Any, **options: Any) -> None:
        super().__init__(**options)
        self.kind = kind

    def described(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Return the JSON Schema of the values, and by their names those that it refers to."""
        raise NotImplementedError


class PydanticModel(Foreign):
    """A model of pydantic."""

    def described(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        schema = dict(self.kind.model_json_schema(ref_template=REFERENCE + "{model}"))
        return schema, schema.pop("$defs", {})

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return self.kind.model_validate_json(orjson.dumps(value))
        except sys.modules["pydantic"].ValidationError as error:
            messages: dict[Any, Any] = {}
            for each in error.errors(include_url=False, include_context=False):
                _put(messages, each["loc"], each["msg"])
            raise ValidationError(messages) from error

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else value.model_dump(mode="json", by_alias=True)


class MsgspecStruct(Foreign):
    """A Struct of msgspec."""

    def described(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        (schema,), more = sys.modules["msgspec"].json.schema_components(
            [self.kind], ref_template=REFERENCE + "{name}"
        )
        return schema, more

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        msgspec = sys.modules["msgspec"]
        try:
            return msgspec.json.decode(orjson.dumps(value), type=self.kind)
        except msgspec.ValidationError as error:
            text, _, place = str(error).partition(" - at `$")
            messages: dict[Any, Any] = {}
            _put(messages, place.rstrip("`").replace("[", ".").replace("]", "").split(".")[1:], text)
            raise ValidationError(messages) from error

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else sys.modules["msgspec"].to_builtins(value)


def foreign_field(kind: Any) -> type[Foreign] | None:
    """Return the class of field for a class of another library; None for any other class."""
    for library, base, field in (
        ("pydantic", "BaseModel", PydanticModel),
        ("msgspec", "Struct", MsgspecStruct),
    ):
        module = sys.modules.get(library)
        whole = get_origin(kind) or kind
        if module is not None and isinstance(whole, type) and issubclass(whole, getattr(module, base)):
            return field
    return None


def is_mapped(kind: Any) -> bool:
    """Tell whether SQLAlchemy maps a class to a table."""
    sqlalchemy = sys.modules.get("sqlalchemy")
    return sqlalchemy is not None and isinstance(kind, type) and sqlalchemy.inspect(kind, False) is not None


def mapped_columns(kind: Any) -> list[tuple[str, Any]]:
    """Return the columns of a mapped class, each with the type of its values."""
    hints, found = hints_of(kind), []
    for each in sys.modules["sqlalchemy"].inspect(kind).column_attrs:
        hint = hints.get(each.key)
        if get_args(hint):
            found.append((each.key, get_args(hint)[0]))
        else:
            column = each.columns[0]
            found.append(
                (each.key, column.type.python_type | None if column.nullable else column.type.python_type)
            )
    return found


def _put(messages: dict[Any, Any], place: Any, text: str) -> None:
    """Put a message where marshmallow would have it."""
    for each in place:
        messages = messages.setdefault(int(each) if str(each).isdigit() else each, {})
    messages.setdefault("_schema", []).append(text)
