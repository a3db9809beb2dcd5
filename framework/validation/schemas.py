"""Schemas made from types: dataclasses, TypedDicts, lists of them, and hand-written schemas as they are."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import types
from collections.abc import Callable, Mapping
from typing import (
    Annotated,
    Any,
    ClassVar,
    NotRequired,
    Required,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from marshmallow import Schema, ValidationError, fields, missing, post_load, validates_schema

from framework.errors import ConfigurationError
from framework.validation.annotations import Reader, Unmapped, sort_options, unwrap
from framework.validation.caps import MaxItems, most_items
from framework.validation.partial import Partial


class ObjectSchema(Schema):
    """Load an instance of a dataclass, the ``target``."""

    target: ClassVar[type]

    @post_load
    def construct(self, data: dict[str, Any], **_: Any) -> Any:
        """Make the object; a ``ValueError`` of its ``__post_init__`` is the sender's fault."""
        try:
            return self.target(**data)
        except ValueError as error:
            raise ValidationError(str(error)) from error


class PartialSchema(Schema):
    """Load just the fields that were sent."""

    @post_load
    def construct(self, data: dict[str, Any], **_: Any) -> Partial[Any]:
        return Partial(data)


class ListSchema(Schema):
    """Give the validators of a list as a whole a place."""

    list_validators: ClassVar[tuple[Callable[[Any], Any], ...]] = ()

    @validates_schema(pass_collection=True)
    def validate_list(self, data: Any, *, many: bool, **_: Any) -> None:
        for validator in type(self).list_validators if many else ():
            validator(data)


def schema_of(tp: Any, *, text: bool = False) -> Schema:
    """Return the schema of a type; the same one every time.

    Args:
        tp: A dataclass (its schema loads instances), a TypedDict (dicts), ``Partial`` of one (``Partial``
            instances), a ``list`` of one of these (``many=True``), ``Annotated[..., SomeSchema()]``, or a
            Schema class or instance.
        text: Whether the values arrive as text, as in a query or a form.

    Raises:
        ConfigurationError: It is none of these, or a field's annotation has no marshmallow field; the message
            names class, field and annotation.
    """
    if isinstance(tp, Schema):
        return tp
    bare, extras = unwrap(tp)
    for extra in reversed(extras):
        if isinstance(extra, Schema):
            return extra
        if isinstance(extra, type) and issubclass(extra, Schema):
            return _instance(extra)
    if get_origin(bare) is list or bare is list:
        return _many(bare, extras, text)
    return _schema_of(bare, text)


def schema_from_fields(
    name: str,
    annotations: Mapping[str, Any],
    *,
    defaults: Mapping[str, Any],
    text: bool,
    unknown: str,
) -> Schema:
    """Return a schema that loads a dict of these fields; for the parameters in a path and the like.

    Args:
        name: What messages call it, such as the handler's name.
        annotations: The annotation of each field.
        defaults: The values of fields that may be missing.
        text: Whether the values arrive as text.
        unknown: What to do with other fields: ``raise``, ``exclude`` or ``include``.

    Raises:
        ConfigurationError: An annotation has no marshmallow field.
    """
    made = {
        field: _field(name, field, annotation, text, _default_options(defaults.get(field, missing)))
        for field, annotation in annotations.items()
    }
    return _made_class(Schema, name, made, {}, unknown)()


@functools.cache
def _instance(schema_class: type[Schema]) -> Schema:
    return schema_class()


def _schema_of(tp: Any, text: bool) -> Schema:
    try:
        return _cached(tp, text)
    except TypeError as error:
        if "unhashable" not in str(error):
            raise
        return _built(tp, text)


@functools.cache
def _cached(tp: Any, text: bool) -> Schema:
    return _built(tp, text)


def _built(tp: Any, text: bool) -> Schema:
    origin = get_origin(tp) or tp
    if isinstance(origin, type) and issubclass(origin, Schema):
        return _instance(origin)
    if origin is Partial:
        return _partial(tp, text)
    if isinstance(origin, type) and dataclasses.is_dataclass(origin):
        made = {
            field.name: _field(_name(tp), field.name, annotation, text, _dataclass_options(field))
            for field, annotation in _dataclass_fields(tp)
        }
        return _made_class(ObjectSchema, _name(tp), made, {"target": origin})()
    if is_typeddict(origin):
        made = {
            name: _field(_name(tp), name, annotation, text, {"required": required})
            for name, annotation, required in _typeddict_fields(tp)
        }
        return _made_class(Schema, _name(tp), made, {})()
    raise ConfigurationError(
        f"{_name(tp)} has no schema:"
        " use a dataclass, a TypedDict, a list of them, or Annotated[..., SomeSchema()]"
    )


def _partial(tp: Any, text: bool) -> Schema:
    whole = get_args(tp)[0] if get_args(tp) else None
    bare, _ = unwrap(whole)
    origin = get_origin(bare) or bare
    if isinstance(origin, type) and dataclasses.is_dataclass(origin):
        listed = [
            (field.name, annotation, _dataclass_options(field))
            for field, annotation in _dataclass_fields(bare)
        ]
    elif is_typeddict(origin):
        listed = [(name, annotation, {}) for name, annotation, _ in _typeddict_fields(bare)]
    else:
        raise ConfigurationError(f"Partial[{_name(whole)}]: Partial takes a dataclass or a TypedDict")
    made = {}
    for name, annotation, options in listed:
        kept = {key: value for key, value in options.items() if key not in ("load_default", "required")}
        if options.get("load_default", missing) is None:
            kept["allow_none"] = True
        made[name] = _field(_name(bare), name, _partially(annotation), text, kept)
        made[name].required, made[name].load_default = False, missing
    return _made_class(PartialSchema, f"Partial{_name(bare)}", made, {})()


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


def _many(tp: Any, extras: list[Any], text: bool) -> Schema:
    if not get_args(tp):
        raise ConfigurationError("list has no schema: say of what, as in list[User]")
    one = schema_of(get_args(tp)[0], text=text)
    validators = tuple(each for each in extras if callable(each) and not isinstance(each, type | MaxItems))
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


def _made_class(
    base: type[Schema],
    name: str,
    made: Mapping[str, fields.Field[Any]],
    attributes: Mapping[str, Any],
    unknown: str = "raise",
) -> type[Schema]:
    # `include` rather than class attributes: a field may be called `load` or `Meta`.
    meta = type("Meta", (), {"include": dict(made), "register": False, "unknown": unknown})
    return type(name, (base,), {**attributes, "Meta": meta, "__module__": __name__})


def _field(
    owner: str, name: str, annotation: Any, text: bool, options: Mapping[str, Any]
) -> fields.Field[Any]:
    nested = functools.partial(schema_of, text=text)
    try:
        return Reader(text, nested).field(annotation, options)
    except (Unmapped, TypeError, ValueError) as error:
        raise ConfigurationError(f"{owner}.{name}: {_spelt(annotation)}: {error}") from error


def _dataclass_fields(tp: Any) -> list[tuple[dataclasses.Field[Any], Any]]:
    origin = get_origin(tp) or tp
    hints = _hints(tp)
    for parameter in inspect.get_annotations(origin):
        if isinstance(hints.get(parameter), dataclasses.InitVar):
            raise ConfigurationError(f"{_name(tp)}.{parameter}: an InitVar cannot be filled from outside")
    return [(field, hints[field.name]) for field in dataclasses.fields(origin)]


def _dataclass_options(field: dataclasses.Field[Any]) -> dict[str, Any]:
    default: Any = missing
    if field.default_factory is not dataclasses.MISSING:
        default = field.default_factory
    elif field.default is not dataclasses.MISSING:
        default = _constant(field.default)
    options = {**sort_options(field.metadata), **_default_options(default, made=True)}
    if not field.init:
        options |= {"dump_only": True, "required": False}
        options.pop("load_default", None)
    return options


def _typeddict_fields(tp: Any) -> list[tuple[str, Any, bool]]:
    origin = get_origin(tp) or tp
    found = []
    for name, annotation in _hints(tp).items():
        # `__required_keys__` knows nothing of a NotRequired that stands in a string annotation.
        required = name in origin.__required_keys__
        while get_origin(annotation) in (Required, NotRequired) or _is_read_only(annotation):
            required = {Required: True, NotRequired: False}.get(get_origin(annotation), required)
            annotation = get_args(annotation)[0]
        found.append((name, annotation, required))
    return found


def _is_read_only(annotation: Any) -> bool:
    return getattr(get_origin(annotation), "_name", "") == "ReadOnly"


def _default_options(default: Any, made: bool = False) -> dict[str, Any]:
    if default is missing:
        return {"required": True}
    return {"load_default": default if made else _constant(default)}


def _constant(value: Any) -> Any:
    """Return a default that marshmallow takes as it is: it would call one that can be called."""
    return (lambda: value) if callable(value) else value


def _hints(tp: Any) -> dict[str, Any]:
    origin = get_origin(tp) or tp
    try:
        # A class inside a function can still speak of itself.
        hints = get_type_hints(origin, localns={origin.__name__: origin}, include_extras=True)
    except NameError as error:
        raise ConfigurationError(
            f"{_name(tp)}: the annotation {error.name!r} cannot be resolved in {origin.__module__};"
            " define or import it at the top of that module"
        ) from error
    chosen = dict(zip(getattr(origin, "__parameters__", ()), get_args(tp), strict=False))
    return {name: _substituted(hint, chosen) for name, hint in hints.items()} if chosen else hints


def _substituted(hint: Any, chosen: Mapping[Any, Any]) -> Any:
    """Put the types that a generic class was given in the place of its parameters."""
    if isinstance(hint, TypeVar):
        return chosen.get(hint, hint)
    parameters = getattr(hint, "__parameters__", ())
    if isinstance(hint, type) and not get_args(hint):
        return hint
    return hint[tuple(chosen.get(each, each) for each in parameters)] if parameters else hint


def _name(tp: Any) -> str:
    if get_args(tp):
        inner = "_".join(_name(each) for each in get_args(tp))
        return f"{_name(get_origin(tp))}_{inner}"
    return getattr(tp, "__qualname__", repr(tp)).rpartition(".")[2]


def _spelt(annotation: Any) -> str:
    return annotation.__qualname__ if isinstance(annotation, type) else str(annotation)
