"""Schemas made from types: dataclasses, TypedDicts, lists of them, and hand-written schemas as they are."""

from __future__ import annotations

import dataclasses
import functools
import types
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, get_args, get_origin, is_typeddict

from marshmallow import Schema, ValidationError, fields, missing, post_load, validates_schema

from framework.errors import ConfigurationError
from framework.validation.conventions import (
    DEFAULT,
    PLACES,
    UNSAID,
    Conventions,
    conventions_of,
    dropping_unknown,
    name_fields,
)
from framework.validation.limits import MaxItems, most_items
from framework.validation.partial import Partial
from framework.validation.schemas.annotations import Reader, Unmapped, unwrap
from framework.validation.schemas.type_fields import (
    dataclass_fields,
    dataclass_options,
    default_options,
    name_of,
    spelt,
    typeddict_fields,
)
from framework.validation.schemas.validators import Misplaced, ensure_fit, validators_from

_OF_TYPE = "__of_type__"


class ObjectSchema(Schema):
    """A schema that loads instances of a dataclass, the ``target``."""

    target: ClassVar[type]

    @post_load
    def construct(self, data: dict[str, Any], **_: Any) -> Any:
        """Make the object; a ``ValueError`` of its ``__post_init__`` is the sender's fault."""
        try:
            return self.target(**data)
        except ValueError as error:
            raise ValidationError(str(error)) from error


class PartialSchema(Schema):
    """A schema that loads just the fields that were sent, into instances of the ``target``."""

    target: ClassVar[type[Partial[Any]]] = Partial

    @post_load
    def construct(self, data: dict[str, Any], **_: Any) -> Partial[Any]:
        return self.target(data)


class ListSchema(Schema):
    """A place for the validators of a list as a whole."""

    list_validators: ClassVar[tuple[Callable[[Any], Any], ...]] = ()

    @validates_schema(pass_collection=True)
    def validate_list(self, data: Any, *, many: bool, **_: Any) -> None:
        for validator in type(self).list_validators if many else ():
            validator(data)


def schema_of(tp: Any, *, text: bool = False, conventions: Conventions | None = UNSAID) -> Schema:
    """Return the schema of a type; the same one every time.

    Args:
        tp: A dataclass (its schema loads instances), a TypedDict (dicts), ``Partial`` of one (``Partial``
            instances), a ``list`` of one of these (``many=True``), ``Annotated[..., SomeSchema()]``, or a
            Schema class or instance.
        text: Whether the values arrive as text, as in a query or a form.
        conventions: What holds for types that say nothing themselves; None where fields have the names of
            Python whatever their type says, as in headers.

    Raises:
        ConfigurationError: It is none of these, or a field's annotation has no marshmallow field; the message
            names class, field and annotation.
    """
    held = None if conventions is None else conventions.within(DEFAULT)
    if isinstance(tp, Schema):
        return _dropping(tp) if held is not None and held.excludes else tp
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


@functools.cache
def _cached(tp: Any, text: bool, held: Conventions | None) -> Schema:
    return _built(tp, text, held)


@functools.cache
def _dropping(schema: Schema) -> Schema:
    return dropping_unknown(schema)


def _built(tp: Any, text: bool, held: Conventions | None) -> Schema:
    tp, extras = unwrap(tp)
    written = _hand_written(tp, extras)
    if written is not None:
        return schema_of(written, conventions=held)
    origin = get_origin(tp) or tp
    if origin is list:
        return _many(tp, extras, text, held)
    if origin is Partial:
        return _partial(tp, text, held)
    if isinstance(origin, type) and issubclass(origin, Schema):
        return schema_of(origin(), conventions=held)
    if isinstance(origin, type) and dataclasses.is_dataclass(origin):
        return _of_dataclass(tp, origin, text, held)
    if is_typeddict(origin):
        return _of_typeddict(tp, text, held)
    raise ConfigurationError(
        f"{name_of(tp)} has no schema:"
        " use a dataclass, a TypedDict, a list of them, or Annotated[..., SomeSchema()]"
    )


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
        field.name: _field(name_of(tp), field.name, annotation, text, held, dataclass_options(field))
        for field, annotation in dataclass_fields(tp)
    }
    return _called(ObjectSchema, name_of(tp), made, conventions_of(target, held), {"target": target})


def _of_typeddict(tp: Any, text: bool, held: Conventions | None) -> Schema:
    made = {
        name: _field(name_of(tp), name, annotation, text, held, {"required": required})
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
        made[name] = _field(name_of(bare), name, _partially(annotation), text, held, kept)
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


def _many(tp: Any, extras: list[Any], text: bool, held: Conventions | None) -> Schema:
    if not get_args(tp):
        raise ConfigurationError("list has no schema: say of what, as in list[User]")
    one = schema_of(get_args(tp)[0], text=text, conventions=held)
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
    listing = type(
        base.__name__, bases, {**attributes, "Meta": _unregistered(base), "__module__": base.__module__}
    )
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


def _unregistered(base: type[Schema]) -> type:
    return type("Meta", (base.Meta,), {"register": False})


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
) -> fields.Field[Any]:
    nested = functools.partial(schema_of, text=text, conventions=held)
    try:
        return Reader(text, nested).field(annotation, options)
    except (Misplaced, Unmapped, TypeError, ValueError) as error:
        raise ConfigurationError(f"{owner}.{name}: {spelt(annotation)}: {error}") from error
