"""What an annotation says, taken apart: the type, whether it may be None, and what `Annotated` adds."""

from __future__ import annotations

import sys
import types
from typing import Annotated, Any, Final, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints


class Stripped(NamedTuple):
    """An annotation's parts.

    Attributes:
        kind: The annotation without `Annotated` and without None.
        optional: Whether None is allowed.
        extras: The metadata of `Annotated`.
    """

    kind: Any
    optional: bool = False
    extras: tuple[Any, ...] = ()


def strip(annotation: Any) -> Stripped:
    """Take `Annotated`, ``| None``, `Final` and the names of `type` statements off, however they are nested."""
    annotation = _unwrapped(annotation)
    origin = get_origin(annotation)
    if origin is Annotated:
        kind, *extras = get_args(annotation)
        inner = strip(kind)
        return inner._replace(extras=(*extras, *inner.extras))
    if origin not in {Union, types.UnionType}:
        return Stripped(annotation, optional=annotation is None or annotation is types.NoneType)
    members = get_args(annotation)
    rest = tuple(member for member in members if member is not types.NoneType)
    if len(rest) > 1:
        return Stripped(Union[rest], optional=len(rest) < len(members))  # noqa: UP007 - built from a tuple
    return strip(rest[0])._replace(optional=True)


def without_none(annotation: Any) -> Any:
    """Return the annotation without ``| None``, what `Annotated` adds kept."""
    stripped = strip(annotation)
    if not stripped.optional:
        return annotation
    return Annotated[(stripped.kind, *stripped.extras)] if stripped.extras else stripped.kind


def _unwrapped(annotation: Any) -> Any:
    """Return what a `type` statement's name stands for, and what `Final` is written around."""
    while True:
        if is_alias(annotation):
            annotation = alias_value(annotation)
        elif get_origin(annotation) is Final:
            (annotation,) = get_args(annotation)
        else:
            return annotation


def is_alias(annotation: Any) -> bool:
    """Tell whether a `type` statement made it."""
    # NOTE: Python 3.11 has no `typing.TypeAliasType`; that of typing_extensions is another class.
    return "TypeAliasType" in (type(annotation).__name__, type(get_origin(annotation)).__name__)


def alias_value(annotation: Any) -> Any:
    """Return what the name that a `type` statement made stands for, its parameters filled."""
    alias = get_origin(annotation) or annotation
    parameters = alias.__type_params__
    chosen = dict(zip(parameters, get_args(annotation), strict=False))
    value = alias.__value__
    if isinstance(value, str):
        value = _evaluated(value, vars(sys.modules[alias.__module__]))
    if isinstance(value, TypeVar):
        return chosen.get(value, value)
    used = getattr(value, "__parameters__", ())
    return value[tuple(chosen.get(each, each) for each in used)] if used and chosen else value


def _evaluated(annotation: str, names: dict[str, Any]) -> Any:
    """Return what an annotation in quotes means; before Python 3.12 an alias that holds itself needs them."""
    holder = type("Holder", (), {"__annotations__": {"value": annotation}})
    return get_type_hints(holder, names, include_extras=True)["value"]


def is_typeddict(kind: Any) -> bool:
    """Tell whether a class is a ``TypedDict``; that of typing_extensions is another one on older Pythons."""
    return type(kind).__name__ == "_TypedDictMeta"
