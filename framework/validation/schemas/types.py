"""Schemas made from types: dataclasses, TypedDicts, lists of them, and hand-written schemas as they are."""

from __future__ import annotations

import dataclasses
import functools
import types
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, get_args, get_origin

from marshmallow import RAISE, Schema, fields, missing

from framework.annotations import is_typeddict
from framework.errors import ConfigurationError
from framework.validation.conventions import (
    DEFAULT,
    PLACES,
    UNSAID,
    Conventions,
    conventions_of,
    is_lenient,
    name_fields,
)
from framework.validation.limits import MaxItems, most_items
from framework.validation.partial import Partial
from framework.validation.schemas.annotations import Reader, Unmapped
from framework.validation.schemas.attrs_fields import attrs_fields, is_attrs
from framework.validation.schemas.classes import VALUE, ListSchema, ObjectSchema, PartialSchema, ValueSchema
from framework.validation.schemas.foreign import is_mapped, mapped_columns
from framework.validation.schemas.meanings import unwrap
from framework.validation.schemas.strictness import following
from framework.validation.schemas.type_fields import (
    computed_fields,
    dataclass_fields,
    dataclass_options,
    default_options,
    init_variables,
    is_computed,
    name_of,
    spelt,
    typeddict_fields,
)
from framework.validation.schemas.validators import Misplaced, ensure_fit, validators_from

_OF_TYPE = "__of_type__"


def schema_of(tp: Any, *, text: bool = False, conventions: Conventions | None = UNSAID) -> Schema:
    """Return the schema of a type; the same one every time.

    Args:
        tp: A dataclass (its schema loads instances), a TypedDict (dicts), ``Partial`` of one (``Partial``
            instances), a ``list`` of one of these (``many=True``), ``Annotated[..., SomeSchema()]``, a
            Schema class or instance, or any other annotation that a field may have (a `ValueSchema`).
        text: Whether the values arrive as text, as in a query or a form.
        conventions: What holds for types that say nothing themselves; None where fields have the names of
            Python whatever their type says, as in headers.

    Raises:
        ConfigurationError: It is none of these, or a field's annotation has no marshmallow field; the message
            names class, field and annotation.
    """
    held = None if conventions is None else conventions.within(DEFAULT)
    if isinstance(tp, Schema):
        return tp if of_type(tp) else following(tp, text, held)
    try:
        return _cached(tp, text, held)
    except TypeError as error:
        # What stands in an Annotated need not be hashable.
        if "unhashable" not in str(error):
            raise
        return _built(tp, text, held)


def schema_from_fields(
    name: str,
    annotations: Mapping[str, Any],
    *,
    defaults: Mapping[str, Any],
    text: bool,
    unknown: str,
    conventions: Conventions | None = UNSAID,
) -> Schema:
    """Return a schema that loads a dict of these fields; for the parameters in a path and the like.

    Args:
        name: What messages call it, such as the handler's name.
        annotations: The annotation of each field.
        defaults: The values of fields that may be missing.
        text: Whether the values arrive as text.
        unknown: What to do with other fields: ``raise``, ``exclude`` or ``include``.
        conventions: What holds for types in these annotations; the fields themselves are called as they are.

    Raises:
        ConfigurationError: An annotation has no marshmallow field.
    """
    made = {
        field: _field(
            name, field, annotation, text, conventions, default_options(defaults.get(field, missing))
        )
        for field, annotation in annotations.items()
    }
    return _made(Schema, name, made, {}, unknown)


def field_of(
    annotation: Any, *, text: bool = False, conventions: Conventions | None = UNSAID
) -> fields.Field[Any]:
    """Return the field of a type, a new one in a schema of its own.

    Raises:
        ConfigurationError: The annotation has no marshmallow field.
    """
    return _made(Schema, VALUE, {VALUE: _value(annotation, text, conventions)}, {}, RAISE).fields[VALUE]


@functools.cache
def _cached(tp: Any, text: bool, held: Conventions | None) -> Schema:
    return _built(tp, text, held)


def _built(whole: Any, text: bool, held: Conventions | None) -> Schema:
    tp, extras = unwrap(whole)
    written = _hand_written(tp, extras)
    if written is not None:
        return schema_of(written, text=text, conventions=held)
    origin = get_origin(tp) or tp
    if origin is list and get_args(tp):
        one = schema_of(get_args(tp)[0], text=text, conventions=held)
        return (
            _of_value(whole, text, held)
            if isinstance(one, ValueSchema) or one.many
            else _many(tp, extras, one)
        )
    if origin is Partial:
        return _partial(tp, text, held)
    if isinstance(origin, type) and issubclass(origin, Schema):
        return schema_of(origin(), text=text, conventions=held)
    return _of_record(tp, origin, text, held) or _of_value(whole, text, held)


def _of_record(tp: Any, origin: Any, text: bool, held: Conventions | None) -> Schema | None:
    """Return the schema of a class with fields; None for any other type."""
    if is_mapped(origin):
        return _of_mapped(origin, text, held)
    if isinstance(origin, type) and dataclasses.is_dataclass(origin):
        return _of_dataclass(tp, origin, text, held)
    if is_typeddict(origin):
        return _of_typeddict(tp, text, held)
    return _of_attrs(tp, origin, text, held) if is_attrs(origin) else None


def _of_value(tp: Any, text: bool, held: Conventions | None) -> Schema:
    return _made(ValueSchema, name_of(tp), {VALUE: _value(tp, text, held)}, {}, RAISE)


def _value(tp: Any, text: bool, held: Conventions | None) -> fields.Field[Any]:
    return _field("", VALUE, tp, text, held, {"required": True})


def _hand_written(tp: Any, extras: list[Any]) -> Any:
    """Return the schema that stands in ``Annotated``, an instance or a class; None if there is none."""
    for extra in reversed(extras):
        if isinstance(extra, Conventions):
            raise ConfigurationError(f"{name_of(tp)}: {PLACES}")
        if isinstance(extra, Schema) or (isinstance(extra, type) and issubclass(extra, Schema)):
            return extra
    return None


def _of_dataclass(tp: Any, target: type, text: bool, held: Conventions | None) -> Schema:
    if isinstance(vars(target).get("Meta"), type):
        raise ConfigurationError(
            f"{name_of(tp)}: a class Meta in a dataclass is not read; of unknown fields and names say"
            " @conventions(unknown=..., names=...) on the class, or write a marshmallow Schema"
        )
    made = {
        field.name: _field(name_of(tp), field.name, annotation, text, held, dataclass_options(field), tp)
        for field, annotation in dataclass_fields(tp)
    }
    for name, annotation, options in init_variables(tp):
        made[name] = _field(name_of(tp), name, annotation, text, held, options, tp)
    made |= _computed(tp, text, held)
    return _called(ObjectSchema, name_of(tp), made, conventions_of(target, held), {"target": target})


def _computed(tp: Any, text: bool, held: Conventions | None) -> dict[str, fields.Field[Any]]:
    return {
        name: _field(name_of(tp), name, annotation, text, held, {"dump_only": True}, tp)
        for name, annotation in computed_fields(tp)
    }


def _of_attrs(tp: Any, target: type, text: bool, held: Conventions | None) -> Schema:
    made = {}
    for each in attrs_fields(tp):
        made[each.name] = _field(name_of(tp), each.name, each.annotation, text, held, each.options, tp)
        if each.attribute != each.name:
            made[each.name].attribute = each.attribute
    made |= _computed(tp, text, held)
    renamed = {each.attribute: each.name for each in attrs_fields(tp) if each.attribute != each.name}
    attributes = {"target": target, "arguments": renamed}
    return _called(ObjectSchema, name_of(tp), made, conventions_of(target, held), attributes)


def _of_mapped(tp: Any, text: bool, held: Conventions | None) -> Schema:
    made = {
        name: _field(name_of(tp), name, annotation, text, held, {"dump_only": True}, tp)
        for name, annotation in mapped_columns(tp)
    }
    made |= _computed(tp, text, held)
    unreadable = "a class that SQLAlchemy maps is for answers; write a dataclass for what clients send"
    return _called(
        ObjectSchema, name_of(tp), made, conventions_of(tp, held), {"target": tp, "unreadable": unreadable}
    )


def _of_typeddict(tp: Any, text: bool, held: Conventions | None) -> Schema:
    made = {
        name: _field(name_of(tp), name, annotation, text, held, {"required": required}, tp)
        for name, annotation, required in typeddict_fields(tp)
    }
    return _called(Schema, name_of(tp), made, conventions_of(get_origin(tp) or tp, held))


def _partial(tp: Any, text: bool, held: Conventions | None) -> Schema:
    whole = get_args(tp)[0] if get_args(tp) else None
    bare, _ = unwrap(whole)
    origin = get_origin(bare) or bare
    listed: list[tuple[str, Any, dict[str, Any]]]
    if isinstance(origin, type) and dataclasses.is_dataclass(origin):
        listed = [
            (field.name, annotation, dataclass_options(field)) for field, annotation in dataclass_fields(bare)
        ]
    elif is_typeddict(origin):
        listed = [(name, annotation, {}) for name, annotation, _ in typeddict_fields(bare)]
    else:
        raise ConfigurationError(f"Partial[{name_of(whole)}]: Partial takes a dataclass or a TypedDict")
    made = {}
    for name, annotation, options in listed:
        kept = {key: value for key, value in options.items() if key not in ("load_default", "required")}
        if options.get("load_default", missing) is None:
            kept["allow_none"] = True
        made[name] = _field(name_of(bare), name, _partially(annotation), text, held, kept, bare)
        made[name].required, made[name].load_default = False, missing
    target = type(
        "Partial", (Partial,), {"__slots__": (), "schema": schema_of(bare, text=text, conventions=held)}
    )
    named = conventions_of(origin, held)
    return _called(PartialSchema, f"Partial{name_of(bare)}", made, named, {"target": target})


def _partially(annotation: Any) -> Any:
    """Make a nested object partial too; what stands in a list or a mapping stays whole."""
    bare, extras = unwrap(annotation)
    if any(isinstance(extra, Schema | fields.Field) for extra in extras):
        return annotation
    args = [each for each in get_args(bare) if each is not type(None)]
    nullable = len(args) == 1 and type(None) in get_args(bare)
    inner = args[0] if nullable else bare
    origin = get_origin(inner) or inner
    if not ((isinstance(origin, type) and dataclasses.is_dataclass(origin)) or is_typeddict(origin)):
        return annotation
    made: Any = types.GenericAlias(Partial, (inner,))
    if nullable:
        made = made | None
    return Annotated[(made, *extras)] if extras else made


def _many(tp: Any, extras: list[Any], one: Schema) -> Schema:
    try:
        validators = tuple(each for extra in extras for each in validators_from(extra))
        ensure_fit(fields.List(fields.Raw()), validators)
    except Misplaced as error:
        raise ConfigurationError(f"{name_of(tp)}: {error}") from error
    marks = [each.count for each in extras if isinstance(each, MaxItems)]
    base = type(one)
    attributes = {
        "list_validators": validators,
        "max_items": marks[-1] if marks else most_items(list(validators)),
    }
    bases = (ListSchema, base) if validators else (base,)
    meta = type("Meta", (base.Meta,), {"register": False})
    listing = type(base.__name__, bases, {**attributes, "Meta": meta, "__module__": base.__module__})
    made: Schema = listing(
        many=True,
        only=one.only,
        exclude=one.exclude,
        unknown=one.unknown,
        partial=one.partial,
        load_only=one.load_only,
        dump_only=one.dump_only,
    )
    return made


def _called(
    base: type[Schema],
    name: str,
    made: Mapping[str, fields.Field[Any]],
    held: Conventions,
    attributes: Mapping[str, Any] = MappingProxyType({}),
) -> Schema:
    name_fields(name, made, held)
    return _made(base, name, made, attributes, held.option)


def _made(
    base: type[Schema],
    name: str,
    made: Mapping[str, fields.Field[Any]],
    attributes: Mapping[str, Any],
    unknown: str,
) -> Schema:
    # `include` rather than class attributes: a field may be called `load` or `Meta`.
    meta = type("Meta", (), {"include": dict(made), "register": False, "unknown": unknown})
    schema_class = type(name, (base,), {**attributes, "Meta": meta, "__module__": __name__, _OF_TYPE: True})
    try:
        schema: Schema = schema_class()
        return schema
    except ValueError as error:
        raise ConfigurationError(f"{name}: {error}") from error


def of_type(schema: Schema) -> bool:
    """Tell whether a schema was made from a type, so that its fields take just the values of their types."""
    return hasattr(schema, _OF_TYPE)


def _field(
    owner: str,
    name: str,
    annotation: Any,
    text: bool,
    held: Conventions | None,
    options: Mapping[str, Any],
    tp: Any = None,
) -> fields.Field[Any]:
    nested = functools.partial(schema_of, text=text, conventions=held)
    if is_computed(annotation):
        options = {name: each for name, each in options.items() if name not in ("required", "load_default")}
        options["dump_only"] = True
    lenient = not text and is_lenient(get_origin(tp) or tp, held)
    try:
        return Reader(text, nested, tp, lenient=lenient).field(annotation, options)
    except (Misplaced, Unmapped, TypeError, ValueError) as error:
        where = f"{owner}.{name}: " if owner else ""
        raise ConfigurationError(f"{where}{spelt(annotation)}: {error}") from error
