"""The fields of a type: its names, annotations and defaults."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Mapping
from typing import (
    Annotated,
    Any,
    Generic,
    NotRequired,
    Required,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

from marshmallow import missing

from framework.annotations import is_typeddict
from framework.errors import ConfigurationError
from framework.validation.schemas.options import sort_options


class Computed:
    """A mark of what stands in answers and is never read: ``Annotated[int, Computed]``, on a property or a field."""


def dataclass_fields(tp: Any) -> list[tuple[dataclasses.Field[Any], Any]]:
    """Return a dataclass's fields that its constructor takes, each with its resolved annotation."""
    hints = hints_of(tp)
    return [(field, hints[field.name]) for field in dataclasses.fields(get_origin(tp) or tp)]


def init_variables(tp: Any) -> list[tuple[str, Any, dict[str, Any]]]:
    """Return what a dataclass's constructor takes and does not keep: names, annotations and options."""
    origin = get_origin(tp) or tp
    return [
        (name, hint.type, {**default_options(getattr(origin, name, missing)), "load_only": True})
        for name, hint in hints_of(tp).items()
        if isinstance(hint, dataclasses.InitVar)
    ]


def dataclass_options(field: dataclasses.Field[Any]) -> dict[str, Any]:
    """Return the options of the marshmallow field that a dataclass's field says by its default and metadata."""
    default: Any = missing
    if field.default_factory is not dataclasses.MISSING:
        default = field.default_factory
    elif field.default is not dataclasses.MISSING:
        default = _constant(field.default)
    options = {**sort_options(field.metadata), **default_options(default, made=True)}
    if not field.init:
        options |= {"dump_only": True, "required": False}
        options.pop("load_default", None)
    return options


def computed_fields(tp: Any) -> list[tuple[str, Any]]:
    """Return a class's properties that are declared as `Computed`, with their annotations."""
    found = {}
    for kind in reversed((get_origin(tp) or tp).__mro__):
        for name, value in vars(kind).items():
            getter = value.fget if isinstance(value, property) else getattr(value, "func", None)
            if isinstance(value, property | functools.cached_property) and getter is not None:
                annotation = get_type_hints(getter, include_extras=True).get("return")
                if is_computed(annotation):
                    found[name] = annotation
    return [*found.items()]


def is_computed(annotation: Any) -> bool:
    """Tell whether an annotation has the mark `Computed`."""
    return get_origin(annotation) is Annotated and any(
        each is Computed or isinstance(each, Computed) for each in get_args(annotation)[1:]
    )


def typeddict_fields(tp: Any) -> list[tuple[str, Any, bool]]:
    """Return a ``TypedDict``'s keys, each with its annotation and whether it is required."""
    origin = get_origin(tp) or tp
    found = []
    for name, annotation in hints_of(tp).items():
        # `__required_keys__` knows nothing of a NotRequired that stands in a string annotation.
        required = name in origin.__required_keys__
        extras: tuple[Any, ...] = ()
        while get_origin(annotation) in (Required, NotRequired, Annotated) or _is_read_only(annotation):
            required = {Required: True, NotRequired: False}.get(get_origin(annotation), required)
            annotation, *more = get_args(annotation)
            extras = (*more, *extras)
        found.append((name, Annotated[(annotation, *extras)] if extras else annotation, required))
    return found


def _is_read_only(annotation: Any) -> bool:
    return getattr(get_origin(annotation), "_name", "") == "ReadOnly"


def default_options(default: Any, made: bool = False) -> dict[str, Any]:
    """Return the options that a default says; ``missing`` makes the field required."""
    if default is missing:
        return {"required": True}
    return {"load_default": default if made else _constant(default)}


def _constant(value: Any) -> Any:
    """Return a default that marshmallow takes as it is: it would call one that can be called."""
    return (lambda: value) if callable(value) else value


def hints_of(tp: Any) -> dict[str, Any]:
    """Return the annotations of a class, with the types that a generic class was given."""
    origin = get_origin(tp) or tp
    try:
        # A class inside a function can still speak of itself.
        hints = get_type_hints(origin, localns={origin.__name__: origin}, include_extras=True)
    except NameError as error:
        raise ConfigurationError(
            f"{name_of(tp)}: the annotation {error.name!r} cannot be resolved in {origin.__module__};"
            " define or import it at the top of that module"
        ) from error
    chosen = _chosen(tp)
    return {name: substituted(hint, chosen.get(name, {})) for name, hint in hints.items()}


def _chosen(tp: Any) -> dict[str, Mapping[Any, Any]]:
    """Return for each field the types in the place of the parameters of the generic class that declares it."""
    origin = get_origin(tp) or tp
    own = dict(zip(getattr(origin, "__parameters__", ()), get_args(tp), strict=False))
    found: dict[str, Mapping[Any, Any]] = {}
    for base in reversed(vars(origin).get("__orig_bases__", origin.__bases__)):
        if inspect.isclass(get_origin(base) or base) and get_origin(base) is not Generic:
            found |= _chosen(substituted(base, own))
    declared = inspect.get_annotations(origin)
    # The annotations of a TypedDict hold those that it inherits, too.
    return found | {name: own for name in declared if not (is_typeddict(origin) and name in found)}


def substituted(hint: Any, chosen: Mapping[Any, Any]) -> Any:
    """Put the types that a generic class was given in the place of its parameters."""
    if isinstance(hint, dataclasses.InitVar):
        return dataclasses.InitVar(substituted(hint.type, chosen))
    if isinstance(hint, TypeVar):
        return chosen.get(hint, hint)
    parameters = getattr(hint, "__parameters__", ())
    if isinstance(hint, type) and not get_args(hint):
        return hint
    return hint[tuple(chosen.get(each, each) for each in parameters)] if parameters else hint


def name_of(tp: Any) -> str:
    """Return a name for a type's schema, its parameters included."""
    if get_args(tp):
        inner = "_".join(name_of(each) for each in get_args(tp))
        return f"{name_of(get_origin(tp))}_{inner}"
    return getattr(tp, "__qualname__", repr(tp)).rpartition(".")[2]


def spelt(annotation: Any) -> str:
    """Return an annotation as it is shown in a message."""
    return annotation.__qualname__ if isinstance(annotation, type) else str(annotation)
