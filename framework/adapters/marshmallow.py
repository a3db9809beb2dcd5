"""What the compiler of schemas needs of marshmallow's private parts: which hooks there are, and to run them.

Without them nothing is compiled: see `framework.validation.compiler.support.reads_plainly`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from marshmallow import Schema, ValidationError, fields
from marshmallow.decorators import POST_DUMP, POST_LOAD, PRE_DUMP, PRE_LOAD, VALIDATES_SCHEMA
from marshmallow.error_store import ErrorStore

from framework.adapters.versions import is_plain

PLAIN = is_plain("marshmallow")

_LOAD_METHODS = ("load", "_do_load", "_deserialize", "_call_and_store", "_invoke_load_processors")
_VALIDATE_METHODS = ("_invoke_field_validators", "_invoke_schema_validators", "_run_validator")
_DUMP_METHODS = ("dump", "_serialize", "get_attribute", "_invoke_dump_processors", "_invoke_processors")

#: Makes a date or time out of a text and a format.
ParseTime = Callable[[str, str], Any]


def overridden_for_loading(schema: Schema) -> str:
    """Name a method that loads or validates and that a schema's class has replaced; nothing if there is none."""
    return _overridden(schema, (*_LOAD_METHODS, *_VALIDATE_METHODS))


def overridden_for_dumping(schema: Schema) -> str:
    """Name a method that dumps and that a schema's class has replaced; nothing if there is none."""
    return _overridden(schema, _DUMP_METHODS)


def _overridden(schema: Schema, methods: tuple[str, ...]) -> str:
    changed = (name for name in methods if getattr(type(schema), name) is not getattr(Schema, name))
    return next(changed, "")


def hook_names(schema: Schema, tag: str) -> list[str]:
    """Return the names of a schema's methods that are decorated as hooks of one kind, such as ``post_load``."""
    return [name for name, *_ in schema._hooks[tag]]


def reads_an_attribute(field: fields.Field[Any]) -> bool:
    """Tell whether a field writes an attribute of the object; a Method, a Function or a Constant does not."""
    return field._CHECK_ATTRIBUTE


def share_schema(nested: fields.Nested, schema: Schema) -> None:
    """Let a nested field use this instance instead of one of its own."""
    nested._schema = schema


def nest(field: fields.Nested, nested: Any) -> None:
    """Let a field nest something else, even where it has made a schema of what it nested."""
    field.nested, field._schema = nested, None


def part_from(schema: Schema) -> None:
    """Give a copy of a schema fields of its own; a nested instance is copied, but its fields are not."""
    schema.declared_fields = copy.deepcopy(schema.declared_fields)
    schema._init_fields()


def plucked_key(field: fields.Pluck) -> str:
    """Return the key of the one value that a field plucks from what it nests."""
    return field._field_data_key


def time_parser(field: fields.DateTime) -> ParseTime:
    """Return what a field of dates or times makes out of a text in a format of its own."""
    parse: ParseTime = field._make_object_from_format
    return parse


class Options(NamedTuple):
    """The options of ``Schema.load``; None leaves one to the schema."""

    many: bool | None = None
    partial: Any = None
    unknown: str | None = None


class Store(Protocol):
    """What keeps the messages of one call of ``load``."""

    errors: dict[Any, Any]

    def store_error(self, messages: Any, field_name: str = ..., index: int | None = None) -> None: ...


class Tally(Protocol):
    """What counts the faults of a document."""

    @property
    def is_spent(self) -> bool:
        """Whether no more are looked for."""


#: Reads the fields of an object, or of each of many, and stores what is wrong with them.
ReadFields = Callable[[Any, Store, Any, Options], Any]


def load_with(schema: Schema, data: Any, read: ReadFields, tally: Tally, options: Options) -> Any:
    """Do what ``Schema.load`` does, with another step in the place of the one that reads the fields.

    Validators are left out when no more faults are looked for.

    Args:
        options: None of them left to the schema, except ``partial``.

    Raises:
        marshmallow.ValidationError: The data is not valid.
    """
    store = ErrorStore()  # type: ignore[no-untyped-call]
    result: Any = None
    try:
        given = _processed(schema, PRE_LOAD, data, data, options)
        result = read(given, store, tally, options)
        if not tally.is_spent:
            _validate(schema, store, result, data, options)
        errors = store.errors
        if not errors:
            return _processed(schema, POST_LOAD, result, data, options)
    except ValidationError as error:
        errors = error.normalized_messages()  # type: ignore[no-untyped-call]
    failure = ValidationError(errors, data=data, valid_data=result)
    schema.handle_error(failure, data, many=bool(options.many), partial=options.partial)
    raise failure


def run_load_hooks(schema: Schema, made: Any, data: Any, options: Options) -> tuple[bool, Any]:
    """Run the validators of a schema's fields and of itself, and its ``post_load``.

    Args:
        made: What the fields were read as.
        data: What they were read from.
        options: As marshmallow hands them on.

    Returns:
        Whether all is valid, and what ``post_load`` made of it.
    """
    store = ErrorStore()  # type: ignore[no-untyped-call]
    _validate(schema, store, made, data, options)
    if store.errors:
        return False, None
    return True, _processed(schema, POST_LOAD, made, data, options)


def _processed(schema: Schema, tag: str, value: Any, data: Any, options: Options) -> Any:
    if not schema._hooks[tag]:
        return value
    return schema._invoke_load_processors(tag, value, original_data=data, **options._asdict())


def _validate(schema: Schema, store: Any, made: Any, data: Any, options: Options) -> None:
    schema._invoke_field_validators(error_store=store, data=made, many=bool(options.many))
    if not schema._hooks[VALIDATES_SCHEMA]:
        return
    field_errors = bool(store.errors)
    for whole in (True, False):
        schema._invoke_schema_validators(
            error_store=store,
            pass_collection=whole,
            data=made,
            original_data=data,
            field_errors=field_errors,
            **options._asdict(),
        )


def dump_with(schema: Schema, obj: Any, write: Callable[[Any, bool], Any], many: bool | None) -> Any:
    """Do what ``Schema.dump`` does, with another step in the place of the one that writes the fields.

    Args:
        write: Writes an object, or as the second argument says each of many.
    """
    as_many = schema.many if many is None else bool(many)
    given = schema._invoke_dump_processors(PRE_DUMP, obj, many=as_many, original_data=obj)
    result = write(given, as_many)
    return schema._invoke_dump_processors(POST_DUMP, result, many=as_many, original_data=obj)


def dump_fields(schema: Schema, obj: Any, many: bool) -> Any:
    """Return what a schema makes of the fields of an object, or of each of many, before its ``post_dump``."""
    return schema._serialize(obj, many=many)
