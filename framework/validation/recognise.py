"""What the compiler may take for what it seems: exact classes, untouched methods, plain schemas."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar

from marshmallow import Schema, fields
from marshmallow.decorators import POST_DUMP, POST_LOAD, PRE_DUMP, PRE_LOAD, VALIDATES, VALIDATES_SCHEMA
from marshmallow.exceptions import MarshmallowError, RegistryError
from marshmallow.validate import Length

from framework.errors import ConfigurationError
from framework.validation.caps import inner_fields
from framework.validation.partial import Partial
from framework.validation.schemas import ListSchema, ObjectSchema, PartialSchema

V = TypeVar("V")

_LOAD_METHODS = ("load", "_do_load", "_deserialize", "_call_and_store", "_invoke_load_processors")
_VALIDATE_METHODS = ("_invoke_field_validators", "_invoke_schema_validators", "_run_validator")
_DUMP_METHODS = ("dump", "_serialize", "get_attribute", "_invoke_dump_processors", "_invoke_processors")
_ORIGINALS = {name: getattr(Schema, name) for name in (*_LOAD_METHODS, *_VALIDATE_METHODS, *_DUMP_METHODS)}
_LOAD_HOOKS = (PRE_LOAD, VALIDATES, VALIDATES_SCHEMA, POST_LOAD)
_DUMP_HOOKS = (PRE_DUMP, POST_DUMP)
# A subclass of a known class may say these without changing what the class does.
_HARMLESS = frozenset(
    (
        *("__module__", "__qualname__", "__doc__", "__init__", "__orig_bases__", "__parameters__"),
        *("__abstractmethods__", "_abc_impl", "__static_attributes__", "__firstlineno__"),
        *("default_error_messages", "error", "default_message"),
    )
)


def known(value: object, table: Mapping[type, V]) -> V | None:
    """Return what a table says of a value's class, if the class does what the table's class does.

    A subclass that only sets arguments or messages counts as the class it comes from.
    """
    for parent in type(value).__mro__:
        if parent in table:
            return table[parent] if _methods(parent).isdisjoint(getattr(value, "__dict__", ())) else None
        if not _HARMLESS.issuperset(vars(parent)):
            return None
    return None


@cache
def _methods(kind: type) -> frozenset[str]:
    """Name the methods of a class; an instance that has one of its own is not known."""
    return frozenset(name for name in dir(kind) if callable(getattr(kind, name, None)))


def reads_plainly(schema: Schema) -> str:
    """Return why a schema's loading cannot be compiled, or nothing."""
    changed = [
        name
        for name in (*_LOAD_METHODS, *_VALIDATE_METHODS)
        if getattr(type(schema), name) is not _ORIGINALS[name]
    ]
    if changed:
        return f"{type(schema).__name__} overrides {changed[0]}"
    if not isinstance(schema.partial, bool | None):
        return f"{type(schema).__name__} names the fields that may be missing"
    return "" if schema.dict_class is dict else f"{type(schema).__name__} has a dict_class of its own"


def writes_plainly(schema: Schema) -> str:
    """Return why a schema's dumping cannot be compiled, or nothing."""
    changed = [name for name in _DUMP_METHODS if getattr(type(schema), name) is not _ORIGINALS[name]]
    if changed:
        return f"{type(schema).__name__} overrides {changed[0]}"
    return "" if schema.dict_class is dict else f"{type(schema).__name__} has a dict_class of its own"


def partial_of(schema: Schema) -> bool | None:
    """Return whether a schema's fields may be missing; None says that it leaves this to who loads."""
    return None if schema.partial is None else bool(schema.partial)


def load_hooks(schema: Schema) -> set[str]:
    """Return the kinds of hooks that run when loading, other than the making of the object itself."""
    hooks = {tag for tag in _LOAD_HOOKS if schema._hooks[tag]}
    if isinstance(schema, ListSchema) and all(type(each) is Length for each in schema.list_validators):
        hooks -= {VALIDATES_SCHEMA}
    return hooks - {POST_LOAD} if constructor(schema) is not None else hooks


def dump_hooks(schema: Schema) -> set[str]:
    """Return the kinds of hooks that run when dumping."""
    return {tag for tag in _DUMP_HOOKS if schema._hooks[tag]}


def constructor(schema: Schema) -> Any:
    """Return what a schema made from a type makes of its fields, or None."""
    if [name for name, _, _ in schema._hooks[POST_LOAD]] != ["construct"]:
        return None
    if isinstance(schema, ObjectSchema):
        return schema.target
    return Partial if isinstance(schema, PartialSchema) else None


# What these dump is of a type that is known, or text.
_OF_KNOWN_TYPE = dict.fromkeys(
    (
        *(fields.String, fields.Integer, fields.Float, fields.Decimal, fields.Boolean, fields.UUID),
        *(fields.Date, fields.Time, fields.DateTime, fields.AwareDateTime, fields.NaiveDateTime),
        *(fields.TimeDelta, fields.Email, fields.URL, fields.IP, fields.IPv4, fields.IPv6),
        *(fields.Nested, fields.List, fields.Tuple),
    ),
    True,
)


def dumps_anything(schemas: Iterable[Schema]) -> bool:
    """Tell whether a field of these schemas may dump a value of a type that only its object knows."""
    waiting = [field for schema in schemas for field in schema.dump_fields.values()]
    for field in waiting:  # grows while it is walked
        mapping = isinstance(field, fields.Mapping) and field.value_field is not None
        if not mapping and known(field, _OF_KNOWN_TYPE) is None:
            return True
        waiting.extend(inner_fields(field))
    return False


def nested_fields(field: fields.Field[Any]) -> Iterator[fields.Nested]:
    """Find the nested fields in a field, itself included."""
    if isinstance(field, fields.Nested):
        yield field
    for inner in inner_fields(field):
        yield from nested_fields(inner)


def shape(schema: Schema) -> Hashable:
    """Return what two schemas have in common when they do the same.

    A schema that nests itself makes a new instance at each level: only this says where the circle closes. A
    field and its copies share the list of their validators, so its identity stands for the field as declared.
    """
    return (
        type(schema),
        schema.many,
        schema.unknown,
        schema.partial if isinstance(schema.partial, bool | None) else tuple(schema.partial),
        tuple(schema.load_fields),
        tuple(schema.dump_fields),
        tuple((name, type(field), id(field.validators)) for name, field in schema.fields.items()),
        tuple(
            (name, _frozen(each.only), _frozen(each.exclude), each.many, each.unknown)
            for name, field in schema.fields.items()
            for each in nested_fields(field)
        ),
    )


def close_circles(schema: Schema) -> list[Schema]:
    """Let a schema that nests itself nest one instance, so that what is set on its fields holds at any depth.

    Returns:
        The schema and all that it nests, each once.

    Raises:
        ConfigurationError: A nested schema cannot be found.
    """
    found = [schema]
    shapes = {shape(schema): schema}
    seen: set[int] = set()
    for each in found:
        for nested in [nested for field in each.fields.values() for nested in nested_fields(field)]:
            if id(nested) in seen:
                continue
            seen.add(id(nested))
            inner = _resolved(nested)
            same = shapes.setdefault(shape(inner), inner)
            if same is not inner and not isinstance(nested.nested, Schema):
                nested._schema = same
            elif inner not in found:
                found.append(inner)
    return found


def _resolved(nested: fields.Nested) -> Schema:
    try:
        return nested.schema
    except (RegistryError, MarshmallowError, ValueError) as error:
        raise ConfigurationError(f"The nested field {nested.name!r} has no schema: {error}") from error


def _frozen(names: Any) -> Hashable:
    return None if names is None else tuple(sorted(names))
