"""The classes of schemas that are made from types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from marshmallow import Schema, ValidationError, fields, post_load, validates_schema

from framework.validation.partial import Partial

VALUE = "value"


class ObjectSchema(Schema):
    """A schema that loads instances of a dataclass, the ``target``."""

    target: ClassVar[type]
    arguments: ClassVar[Mapping[str, str]] = MappingProxyType({})

    @post_load
    def construct(self, data: dict[str, Any], **_: Any) -> Any:
        """Make the object; a ``ValueError`` of its constructor is the sender's fault."""
        try:
            return self.target(**{self.arguments.get(name, name): value for name, value in data.items()})
        except ValueError as error:
            # attrs gives its validators' errors more arguments than their text.
            raise ValidationError(str(error.args[0]) if error.args else str(error)) from error


class PartialSchema(Schema):
    """A schema that loads just the fields that were sent, into instances of the ``target``."""

    target: ClassVar[type[Partial[Any]]] = Partial

    @post_load
    def construct(self, data: dict[str, Any], **_: Any) -> Partial[Any]:
        return self.target(data)


class ValueSchema(Schema):
    """A schema of a document that is one value and need not be an object; its only field reads and writes it."""

    @property
    def value(self) -> fields.Field[Any]:
        """The field."""
        return self.fields[VALUE]

    def load(self, data: Any, *, many: Any = None, partial: Any = None, unknown: Any = None) -> Any:
        """Read the value.

        Raises:
            marshmallow.ValidationError: It is not valid.
        """
        try:
            return super().load({VALUE: data}, many=False, partial=partial)[VALUE]
        except ValidationError as error:
            found = error.messages
            raise ValidationError(found[VALUE] if isinstance(found, dict) else found, data=data) from error

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        """Write the value."""
        return super().dump({VALUE: obj}, many=False)[VALUE]


class ListSchema(Schema):
    """A place for the validators of a list as a whole."""

    list_validators: ClassVar[tuple[Callable[[Any], Any], ...]] = ()

    @validates_schema(pass_collection=True)
    def validate_list(self, data: Any, *, many: bool, **_: Any) -> None:
        for validator in type(self).list_validators if many else ():
            validator(data)
