"""What a handler declares that it returns: which of it is JSON, and what is said of another value."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from aiohttp import web

from framework.annotations import strip, without_none
from framework.endpoint import Endpoint
from framework.responses import Result
from framework.validation import Misfit
from framework.validation.answers.misfit import spelt

_ANYTHING = {Any, object, inspect.Signature.empty}


def returned_type(endpoint: Endpoint) -> Any:
    """Return the type of the JSON that the endpoint answers; `typing.Any` when its annotation does not say.

    Of several types it is the union.
    """
    values: list[Any] = []
    for value in _values(endpoint.returns):
        if value not in values:
            values.append(value)
    if not values or any(each is inspect.Signature.empty for each in values):
        return Any
    return values[0] if len(values) == 1 else Union[tuple(values)]  # noqa: UP007 - built from a tuple


def may_be_none(annotation: Any) -> bool:
    """Tell whether a return annotation allows None."""
    kind, optional, _ = strip(annotation)
    if optional or any(kind is each for each in _ANYTHING):
        return True
    if get_origin(kind) in {Union, UnionType} or get_origin(kind) is Result:
        return any(may_be_none(each) for each in get_args(kind))
    return kind is Result


def answers_json(endpoint: Endpoint) -> bool:
    """Tell whether a return annotation allows other values than responses and None."""
    return endpoint.returns is inspect.Signature.empty or any(True for _ in _values(endpoint.returns))


def plainly_declared(endpoint: Endpoint) -> Any:
    """Return a class whose direct instances can be no responses; None where each value is looked at."""
    kind = strip(returned_type(endpoint)).kind
    origin = get_origin(kind) or kind
    if origin in (dict, list, str, int, float, bool):
        return origin
    return origin if isinstance(origin, type) and dataclasses.is_dataclass(origin) else None


def mistake(endpoint: Endpoint, misfit: Misfit) -> TypeError:
    """Return the error for a handler that returns something else than it declares."""
    return TypeError(
        f"{endpoint}: the handler declares '{spelt(endpoint.returns)}' and returned something else: {misfit}"
    )


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


def members_of(annotation: Any) -> list[Any]:
    """Return the types that a return annotation allows besides None; what is in a Result counts for it."""
    kind = strip(annotation).kind
    if get_origin(kind) in {Union, UnionType}:
        return [each for member in get_args(kind) for each in members_of(member)]
    if get_origin(kind) is Result:
        return members_of(get_args(kind)[0])
    return [Any if kind is Result else annotation]


def returns_file(endpoint: Endpoint) -> bool:
    """Tell whether an endpoint answers with a file, so that clients may ask for a range of it."""
    kinds = [strip(each).kind for each in members_of(endpoint.returns)]
    return any(isinstance(kind, type) and issubclass(kind, web.FileResponse) for kind in kinds)


def is_response(kind: Any) -> bool:
    """Tell whether a type is a response of aiohttp's."""
    return isinstance(kind, type) and issubclass(kind, web.StreamResponse)
