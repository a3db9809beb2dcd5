"""Which type of a union a value is most likely of."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin

from framework.annotations import is_typeddict, strip

_EXACT, _NEAR, _LIKE, _OTHER, _NEVER = 0, 100, 1_000, 10_000, 100_000


def closest(members: Sequence[Any], value: Any) -> Iterator[tuple[int, bool]]:
    """Yield the positions of a union's types, the closest to a value first, each with whether it is of its class.

    An instance of a dataclass is of no other one, though it may have the same fields.
    """
    distances = sorted((_distance(member, value), index) for index, member in enumerate(members))
    for distance, index in distances:
        if distance < _NEVER:
            yield index, distance < _LIKE


def _distance(annotation: Any, value: Any) -> int:
    kind = strip(annotation).kind
    origin, args = get_origin(kind) or kind, get_args(kind)
    if is_typeddict(origin) or (isinstance(value, Mapping) and dataclasses.is_dataclass(origin)):
        return _to_keys(origin, value)
    if not isinstance(origin, type):
        return _NEAR if any(type(each) is type(value) and each == value for each in args) else _LIKE
    if not isinstance(value, origin):
        if not dataclasses.is_dataclass(origin):
            return _OTHER
        return _NEVER if dataclasses.is_dataclass(value) else _LIKE
    items = _items(args, value)
    if items:
        return max(_distance(each, item) for each, item in items)
    mro = type(value).__mro__
    return _EXACT + mro.index(origin) if origin in mro else _NEAR


def _to_keys(origin: Any, value: Any) -> int:
    """Return how far a mapping is from a type with keys: one that leaves fewer of its keys out is closer."""
    if not isinstance(value, Mapping):
        return _OTHER
    names = set(getattr(origin, "__dataclass_fields__", None) or origin.__annotations__)
    return _NEAR + min(len(value.keys() - names), _LIKE - _NEAR - 1)


def _items(args: Sequence[Any], value: Any) -> list[tuple[Any, Any]]:
    if not args:
        return []
    if isinstance(value, Mapping):
        return [(args[-1], item) for item in value.values()]
    if isinstance(value, tuple) and args[-1] is not Ellipsis:
        return list(zip(args, value, strict=False))
    return [(args[0], item) for item in value] if isinstance(value, list | tuple | set | frozenset) else []
