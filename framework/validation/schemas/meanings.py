"""What an annotation stands for: aliases, new types, parameters and unions taken apart."""

from __future__ import annotations

import types
from collections.abc import Collection, Iterable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Annotated, Any, Final, NewType, TypeVar, Union, get_args, get_origin

from framework.annotations import alias_value, is_alias, is_typeddict

LISTS = (list, Sequence, MutableSequence, Collection, Iterable)
MAPPINGS = (dict, Mapping, MutableMapping)


def unwrap(annotation: Any) -> tuple[Any, list[Any]]:
    """Take ``Annotated``, ``NewType`` and aliases off; return the type and the extras, outermost last."""
    extras: list[Any] = []
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *found = get_args(annotation)
            extras = found + extras
        elif isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif is_alias(annotation):
            annotation = alias_value(annotation)
        elif get_origin(annotation) is Final:
            (annotation,) = get_args(annotation)
        elif isinstance(annotation, TypeVar):
            annotation = _meant(annotation)
        else:
            return annotation, extras


def _meant(parameter: Any) -> Any:
    """Return what the parameter of a generic class stands for where no type was given."""
    if getattr(parameter, "has_default", bool)():
        return parameter.__default__
    if parameter.__constraints__:
        return Union[parameter.__constraints__]  # noqa: UP007 - built from a tuple
    return Any if parameter.__bound__ is None else parameter.__bound__


def without_none(annotation: Any) -> tuple[Any, bool]:
    """Return an ``X | None`` as X, and whether it was one."""
    if not members_of(annotation):
        return annotation, False
    kinds = [each for each in get_args(annotation) if each is not type(None)]
    nullable = len(kinds) < len(get_args(annotation))
    return (Union[tuple(kinds)] if nullable else annotation), nullable  # noqa: UP007 - built from a tuple


def members_of(annotation: Any) -> tuple[Any, ...]:
    """Return the types of a union; none of anything else."""
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else ()


def is_hashable(annotation: Any) -> bool:
    """Tell whether values of a type may be items of a set."""
    bare, _ = unwrap(annotation)
    if members_of(bare):
        return all(is_hashable(each) for each in get_args(bare))
    origin = get_origin(bare) or bare
    if origin in (Any, object, *LISTS, *MAPPINGS) or is_typeddict(origin):
        return False
    if origin is tuple:
        return all(is_hashable(each) for each in get_args(bare) if each is not Ellipsis)
    return not isinstance(origin, type) or origin.__hash__ is not None
