"""What an annotation says, taken apart: the type, whether it may be None, and what `Annotated` adds."""

from __future__ import annotations

import types
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin


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
    """Take `Annotated` and ``| None`` off an annotation."""
    extras: tuple[Any, ...] = ()
    if get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        extras = tuple(more)
    if get_origin(annotation) not in {Union, types.UnionType}:
        return Stripped(
            annotation,
            optional=annotation in {None, types.NoneType} if _hashable(annotation) else False,
            extras=extras,
        )
    members = get_args(annotation)
    rest = tuple(member for member in members if member is not types.NoneType)
    kind = rest[0] if len(rest) == 1 else Union[rest]  # noqa: UP007 - built from a tuple
    inner = strip(kind) if get_origin(kind) is Annotated else Stripped(kind)
    return Stripped(inner.kind, optional=len(rest) < len(members), extras=(*extras, *inner.extras))


def without_none(annotation: Any) -> Any:
    """Return the annotation without ``| None``, what `Annotated` adds kept."""
    stripped = strip(annotation)
    if not stripped.optional:
        return annotation
    return Annotated[(stripped.kind, *stripped.extras)] if stripped.extras else stripped.kind


def _hashable(value: object) -> bool:
    return getattr(value, "__hash__", None) is not None
