"""What the compiler of schemas needs of marshmallow's private parts: which hooks there are, and to run them.

Without them nothing is compiled: see `framework.validation.compiler.support.reads_plainly`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from marshmallow import Schema, fields
from marshmallow.decorators import POST_LOAD
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


def share_schema(nested: fields.Nested, schema: Schema) -> None:
    """Let a nested field use this instance instead of one of its own."""
    nested._schema = schema


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


def run_load_hooks(schema: Schema, made: Any, data: Any, options: dict[str, Any]) -> tuple[bool, Any]:
    """Run the validators of a schema's fields and of itself, and its ``post_load``.

    Args:
        made: What the fields were read as.
        data: What they were read from.
        options: ``many``, ``partial`` and ``unknown``, as marshmallow hands them on.

    Returns:
        Whether all is valid, and what ``post_load`` made of it.
    """
    store = ErrorStore()  # type: ignore[no-untyped-call]
    schema._invoke_field_validators(error_store=store, data=made, many=options["many"])
    if store.errors:
        return False, None
    for whole in (True, False):
        schema._invoke_schema_validators(
            error_store=store, pass_collection=whole, data=made, original_data=data, **options
        )
    if store.errors:
        return False, None
    return True, schema._invoke_load_processors(POST_LOAD, made, original_data=data, **options)
