"""The loops of fields that hold others, which stop when there are faults enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from marshmallow import Schema, ValidationError, fields
from marshmallow.utils import is_collection, is_sequence_but_not_string

from framework.adapters.marshmallow import Options, plucked_key
from framework.validation.compiler.tally import Tally
from framework.validation.fields import Table, entry_messages
from framework.validation.unions import Union

Read = Callable[..., Any]


class SchemaReader(Protocol):
    """What reads an object."""

    def load(self, data: Any, tally: Tally, options: Options) -> Any:
        """Do what ``Schema.load`` does."""


class Readers(Protocol):
    """What a field that holds others asks for."""

    def reader(self, field: fields.Field[Any]) -> Read:
        """Return what reads a value as ``field.deserialize`` does, and counts the faults in it."""

    def of(self, schema: Schema) -> SchemaReader:
        """Return the reader of a nested schema."""


def _list(readers: Readers, field: fields.List[Any]) -> Read:
    read = readers.reader(field.inner)

    def deserialize(value: Any, attr: Any, data: Any, *, tally: Tally, **options: Any) -> Any:
        if type(value) is not list and not is_collection(value):
            raise field.make_error("invalid")
        return _items(((read, each) for each in value), tally, options)

    return deserialize


def _tuple(readers: Readers, field: fields.Tuple) -> Read:
    parts = [readers.reader(each) for each in field.tuple_fields]

    def deserialize(value: Any, attr: Any, data: Any, *, tally: Tally, **options: Any) -> Any:
        if not is_sequence_but_not_string(value):
            raise field.make_error("invalid")
        field.validate_length(value)
        return tuple(_items(zip(parts, value, strict=True), tally, options))

    return deserialize


def _items(items: Iterator[tuple[Read, Any]], tally: Tally, options: dict[str, Any]) -> list[Any]:
    found, errors = [], {}
    for index, (read, each) in enumerate(items):
        try:
            found.append(read(each, tally=tally, **options))
        except ValidationError as error:
            if error.valid_data is not None:
                found.append(error.valid_data)
            errors[index] = error.messages
            if tally.is_spent:
                break
    if errors:
        raise ValidationError(errors, valid_data=found)
    return found


def _dict(readers: Readers, field: fields.Dict) -> Read:
    read_key = None if field.key_field is None else readers.reader(field.key_field)
    read_value = None if field.value_field is None else readers.reader(field.value_field)

    def deserialize(value: Any, attr: Any, data: Any, *, tally: Tally, **options: Any) -> Any:
        if not isinstance(value, Mapping):
            raise field.make_error("invalid")
        keys, errors = _entries({key: key for key in value}, read_key, tally, options)
        messages = {key: {"key": each.messages} for key, each in errors.items()}
        values, errors = ({}, {}) if tally.is_spent else _entries(value, read_value, tally, options)
        for key, each in errors.items():
            messages.setdefault(key, {})["value"] = each.messages
        found = field.mapping_type((keys[key], each) for key, each in values.items() if key in keys)
        if messages:
            raise ValidationError(
                entry_messages(messages) if isinstance(field, Table) else messages, valid_data=found
            )
        return found

    return deserialize


def _entries(
    entries: Mapping[Any, Any], read: Read | None, tally: Tally, options: dict[str, Any]
) -> tuple[dict[Any, Any], dict[Any, ValidationError]]:
    """Read the values of a mapping; return those that are valid, at least in part, and the errors of the others."""
    found, errors = {}, {}
    for key, each in entries.items():
        try:
            found[key] = each if read is None else read(each, tally=tally, **options)
        except ValidationError as error:
            errors[key] = error
            if error.valid_data is not None:
                found[key] = error.valid_data
            if tally.is_spent:
                break
    return found, errors


def _nested(readers: Readers, field: fields.Nested) -> Read:
    def deserialize(
        value: Any, attr: Any, data: Any, *, tally: Tally, partial: Any = None, **options: Any
    ) -> Any:
        schema = field.schema
        if (schema.many or field.many) and not is_collection(value):
            raise field.make_error("type", input=value, type=value.__class__.__name__)
        return readers.of(schema).load(value, tally, Options(None, partial, field.unknown))

    return deserialize


def _pluck(readers: Readers, field: fields.Pluck) -> Read:
    read = _nested(readers, field)
    key = plucked_key(field)

    def deserialize(value: Any, attr: Any, data: Any, **options: Any) -> Any:
        if field.many and not is_collection(value):
            raise field.make_error("type", input=value, type=value.__class__.__name__)
        wrapped: Any = [{key: each} for each in value] if field.many else {key: value}
        return read(wrapped, attr, data, **options)

    return deserialize


def _union(readers: Readers, field: Union) -> Read:
    reads = {id(each): readers.reader(each) for each in field.members}

    def deserialize(value: Any, attr: Any, data: Any, *, tally: Tally, **options: Any) -> Any:
        if field.text:
            return field.deserialize(value, attr, data)
        found = field.candidates(value)
        if len(found) == 1:
            return reads[id(found[0])](value, attr, data, tally=tally, **options)
        left = tally.left
        for each in found:
            try:
                return reads[id(each)](value, attr, data, tally=tally, **options)
            except ValidationError:
                tally.left = left
        raise field.make_error("invalid")

    return deserialize


BOUNDED: dict[type, Callable[[Readers, Any], Read]] = {
    fields.List: _list,
    fields.Tuple: _tuple,
    fields.Dict: _dict,
    Table: _dict,
    fields.Nested: _nested,
    fields.Pluck: _pluck,
    Union: _union,
}
