"""What a handler declares that it returns, and whether what it returned is that.

A schema writes the fields that it finds: a forgotten ``await`` would become ``{}`` for the client, and nobody is told.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import CoroutineType, NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, is_typeddict

from aiohttp import web
from marshmallow import Schema

from framework.annotations import strip, without_none
from framework.endpoint import Endpoint
from framework.responses import Result

Ensure = Callable[[Any], None]
Find = Callable[[Any], str]

_PLAIN = (str, bytes, int, float, list, tuple, set, frozenset)
_ANYTHING = {Any, object, inspect.Signature.empty}


def returned_type(endpoint: Endpoint) -> Any:
    """Return the type of the JSON that the endpoint answers; `typing.Any` when its annotation does not say."""
    values: list[Any] = []
    for value in _values(endpoint.returns):
        if value not in values:
            values.append(value)
    return values[0] if len(values) == 1 and values[0] is not inspect.Signature.empty else Any


def may_be_none(annotation: Any) -> bool:
    """Tell whether a return annotation allows None."""
    kind, optional, _ = strip(annotation)
    if optional or any(kind is each for each in _ANYTHING):
        return True
    if get_origin(kind) in {Union, UnionType} or get_origin(kind) is Result:
        return any(may_be_none(each) for each in get_args(kind))
    return kind is Result or (get_origin(kind) is Literal and None in get_args(kind))


def ensurer(endpoint: Endpoint) -> Ensure:
    """Return what checks that a result other than None is what the handler declares.

    It raises TypeError, with a message to the handler's author.
    """
    declared = returned_type(endpoint)
    find = _finder(declared)

    def ensure(value: Any) -> None:
        fault = "a coroutine: is an 'await' missing?" if type(value) is CoroutineType else find(value)
        if fault:
            if type(value) is CoroutineType:
                value.close()  # or Python would warn of it, at some other place
            raise mistake(endpoint, fault)

    return ensure


def plainly_declared(endpoint: Endpoint) -> Any:
    """Return the class whose direct instances need no further check; None where each value is looked at."""
    kind = strip(returned_type(endpoint)).kind
    origin = get_origin(kind) or kind
    if origin is list and get_args(kind) and _is_record(strip(get_args(kind)[0]).kind):
        return None
    if origin in (dict, list, str, int, float, bool):
        return origin
    return origin if isinstance(origin, type) and dataclasses.is_dataclass(origin) else None


def mistake(endpoint: Endpoint, returned: str) -> TypeError:
    """Return the error for a handler that returns something else than it declares."""
    return TypeError(f"{endpoint}: the handler declares '{_spelt(endpoint.returns)}' and returned {returned}")


def _values(annotation: Any) -> Iterator[Any]:
    """Yield the types in a return annotation that are written as JSON: no responses, and what is in a Result."""
    annotation = without_none(annotation)
    kind = strip(annotation).kind
    if get_origin(kind) in {Union, UnionType}:
        for member in get_args(kind):
            yield from _values(member)
    elif get_origin(kind) is Result:
        yield from _values(get_args(kind)[0])
    elif kind is Result:
        yield Any
    elif kind not in (None, NoneType) and not is_response(kind):
        yield annotation


def is_response(kind: Any) -> bool:
    """Tell whether a type is a response of aiohttp's."""
    return isinstance(kind, type) and issubclass(kind, web.StreamResponse)


def _finder(declared: Any) -> Find:
    """Return what describes a value that is not what is declared; an empty text for one that is."""
    kind, _, extras = strip(declared)
    schemas = [each for each in (declared, *extras) if isinstance(each, Schema)]
    if schemas:
        return _items(_plain_object) if schemas[-1].many else _plain_object
    origin = get_origin(kind) or kind
    if origin is list and get_args(kind):
        item = strip(get_args(kind)[0]).kind
        return _items(_finder(get_args(kind)[0]), item) if _is_record(item) else _nothing
    return _record(kind, origin) if _is_record(kind) else _nothing


def _is_record(kind: Any) -> bool:
    origin = get_origin(kind) or kind
    return is_typeddict(origin) or (isinstance(origin, type) and dataclasses.is_dataclass(origin))


def _record(kind: Any, origin: Any) -> Find:
    if is_typeddict(origin):
        names = frozenset(origin.__required_keys__)
    else:
        names = frozenset(
            each.name
            for each in dataclasses.fields(origin)
            if each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING
        )

    def find(value: Any) -> str:
        if not is_typeddict(origin) and isinstance(value, origin):
            return ""
        plain = _plain_object(value)
        if plain:
            return plain
        has = value.__contains__ if isinstance(value, Mapping) else lambda name: hasattr(value, name)
        lacking = sorted(name for name in names if not has(name))
        return f"{_described(value)} without {', '.join(lacking)}" if lacking else ""

    return find


def _items(find: Find, kind: Any = None) -> Find:
    def find_all(value: Any) -> str:
        if not isinstance(value, Iterable) or isinstance(value, str | bytes | Mapping):
            return _described(value)
        if not isinstance(value, list | tuple):
            return ""
        if {*map(type, value)} <= {kind}:  # PERF: nearly always, and no call for each item
            return ""
        for position, item in enumerate(value):
            fault = find(item)
            if fault:
                return f"a list whose item {position} is {fault}"
        return ""

    return find_all


def _plain_object(value: Any) -> str:
    return _described(value) if value is None or isinstance(value, _PLAIN) else ""


def _nothing(_: Any) -> str:
    return ""


def _described(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, tuple) and value:
        kinds = ", ".join(type(each).__name__ for each in value)
        return f"a tuple ({kinds}); a status goes into Result(value, 201)"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return f"a value of type {type(value).__name__}"


def _spelt(annotation: Any) -> str:
    return getattr(annotation, "__name__", "") if isinstance(annotation, type) else repr(annotation)
