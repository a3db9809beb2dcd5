"""What the compiler may take for what it seems: exact classes, untouched methods, plain schemas."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from marshmallow import Schema, fields
from marshmallow.decorators import POST_DUMP, POST_LOAD, PRE_DUMP, PRE_LOAD, VALIDATES, VALIDATES_SCHEMA
from marshmallow.exceptions import MarshmallowError, RegistryError
from marshmallow.validate import Length

from framework.adapters.marshmallow import (
    PLAIN,
    hook_names,
    overridden_for_dumping,
    overridden_for_loading,
    part_from,
    share_schema,
)
from framework.errors import ConfigurationError
from framework.validation.codecs.registry import find_codec
from framework.validation.limits import inner_fields
from framework.validation.schemas.types import ListSchema, ObjectSchema, PartialSchema

V = TypeVar("V")

_WITHOUT_PRIVATE_PARTS = "the private parts of marshmallow are not used"
_LOAD_HOOKS = (PRE_LOAD, VALIDATES, VALIDATES_SCHEMA, POST_LOAD)
_DUMP_HOOKS = (PRE_DUMP, POST_DUMP)


def reads_plainly(schema: Schema) -> str:
    """Return why a schema's loading cannot be compiled, or nothing."""
    if PLAIN:
        return _WITHOUT_PRIVATE_PARTS
    if changed := overridden_for_loading(schema):
        return f"{type(schema).__name__} overrides {changed}"
    if not isinstance(schema.partial, bool | None):
        return f"{type(schema).__name__} names the fields that may be missing"
    return "" if schema.dict_class is dict else f"{type(schema).__name__} has a dict_class of its own"


def reads_otherwise(schema: Schema) -> bool:
    """Tell whether a schema has a ``load`` of its own, so that it is to be called."""
    return PLAIN or bool(overridden_for_loading(schema))


def writes_plainly(schema: Schema) -> str:
    """Return why a schema's dumping cannot be compiled, or nothing."""
    if PLAIN:
        return _WITHOUT_PRIVATE_PARTS
    if changed := overridden_for_dumping(schema):
        return f"{type(schema).__name__} overrides {changed}"
    return "" if schema.dict_class is dict else f"{type(schema).__name__} has a dict_class of its own"


def partial_of(schema: Schema) -> bool | None:
    """Return whether a schema's fields may be missing; None says that it leaves this to who loads."""
    return None if schema.partial is None else bool(schema.partial)


def load_hooks(schema: Schema) -> set[str]:
    """Return the kinds of hooks that run when loading, other than the making of the object itself."""
    hooks = {tag for tag in _LOAD_HOOKS if hook_names(schema, tag)}
    if isinstance(schema, ListSchema) and all(type(each) is Length for each in schema.list_validators):
        hooks -= {VALIDATES_SCHEMA}
    return hooks - {POST_LOAD} if constructor(schema) is not None else hooks


def dump_hooks(schema: Schema) -> set[str]:
    """Return the kinds of hooks that run when dumping."""
    return {tag for tag in _DUMP_HOOKS if hook_names(schema, tag)}


def constructor(schema: Schema) -> Any:
    """Return what a schema made from a type makes of its fields, or None."""
    if hook_names(schema, POST_LOAD) != ["construct"]:
        return None
    if isinstance(schema, ObjectSchema):
        return schema.target
    return schema.target if isinstance(schema, PartialSchema) else None


def dumps_anything(schemas: Iterable[Schema]) -> bool:
    """Tell whether a field of these schemas may dump a value of a type that only its object knows."""
    waiting = [field for schema in schemas for field in schema.dump_fields.values()]
    for field in waiting:  # grows while it is walked
        mapping = isinstance(field, fields.Mapping) and field.value_field is not None
        codec = find_codec(field)
        if not mapping and (codec is None or not codec.is_plain):
            return True
        waiting.extend(inner_fields(field))
    return False


def has_decimals(schemas: Iterable[Schema]) -> bool:
    """Tell whether a field of these schemas reads all digits of a number."""
    waiting = [field for schema in schemas for field in schema.load_fields.values()]
    for field in waiting:  # grows while it is walked
        waiting.extend(inner_fields(field))
    return any(isinstance(field, fields.Decimal) for field in waiting)


def nested_fields(field: fields.Field[Any]) -> Iterator[fields.Nested]:
    """Find the nested fields in a field, itself included."""
    if isinstance(field, fields.Nested):
        yield field
    for inner in inner_fields(field):
        yield from nested_fields(inner)


def shape(schema: Schema) -> Hashable:
    """Return what two schemas have in common when they do the same.

    A schema that nests itself makes a new instance at each level: only this says where the circle closes.
    """
    own = {name: value for name, value in vars(schema).items() if name not in _OF_EVERY_SCHEMA}
    return (
        type(schema),
        schema.many,
        schema.unknown,
        schema.partial if isinstance(schema.partial, bool | None) else tuple(schema.partial),
        tuple(schema.load_fields),
        tuple(schema.dump_fields),
        _values_shape(own),
        tuple((name, _field_shape(field)) for name, field in schema.fields.items()),
    )


_DEEPEST = 50
_OF_EVERY_SCHEMA = frozenset({*vars(Schema()), "_compiled"})
_OF_WHERE_IT_STANDS = frozenset({"parent", "root", "name", "_schema", "attribute", "_creation_index"})


def _field_shape(field: fields.Field[Any]) -> Hashable:
    own = {name: value for name, value in vars(field).items() if name not in _OF_WHERE_IT_STANDS}
    return type(field), field.attribute, _values_shape(own)


def _values_shape(values: Mapping[str, Any]) -> Hashable:
    return tuple((name, _value_shape(values[name])) for name in sorted(values))


def _value_shape(value: Any) -> Hashable:
    """Return what tells a value from another; of a field's copies the copied lists are compared by their items."""
    if isinstance(value, fields.Field):
        return _field_shape(value)
    if isinstance(value, Mapping):
        return tuple((repr(key), _value_shape(item)) for key, item in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return type(value), tuple(_value_shape(item) for item in value)
    return (type(value), value) if isinstance(value, Hashable) else (type(value), id(value))


def close_circles(schema: Schema) -> list[Schema]:
    """Let a schema that nests itself nest one instance, so that what is set on its fields holds at any depth.

    An instance that is nested by itself gets fields of its own: no schema is changed that was not compiled.

    Returns:
        The schema and all that it nests, each once.

    Raises:
        ConfigurationError: A nested schema cannot be found.
    """
    found = [schema]
    _close(schema, {shape(schema): schema}, found, set())
    return found


def _close(schema: Schema, above: dict[Hashable, Schema], found: list[Schema], seen: set[int]) -> None:
    for nested in [nested for field in schema.fields.values() for nested in nested_fields(field)]:
        if id(nested) in seen:
            continue
        seen.add(id(nested))
        inner = _resolved(nested)
        if any(inner is each for each in found):
            continue
        if PLAIN:
            found.append(inner)
            continue
        if isinstance(nested.nested, Schema):
            part_from(inner)
        mine = shape(inner)
        closing = above.get(mine) or (_like(inner, above) if len(above) >= _DEEPEST else None)
        if closing is not None and not isinstance(nested.nested, Schema):
            share_schema(nested, closing)
            continue
        found.append(inner)
        _close(inner, {**above, mine: inner}, found, seen)


def _like(schema: Schema, above: dict[Hashable, Schema]) -> Schema | None:
    """Return the nearest schema of the same class: a circle of instances that each hold something of their own."""
    return next((each for each in reversed(above.values()) if type(each) is type(schema)), None)


def _resolved(nested: fields.Nested) -> Schema:
    try:
        return nested.schema
    except (RegistryError, MarshmallowError, ValueError) as error:
        raise ConfigurationError(f"The nested field {nested.name!r} has no schema: {error}") from error
