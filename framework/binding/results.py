"""What a handler returns becomes a response, in the way that its return annotation says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import UnionType
from typing import Any, Union, get_args, get_origin, is_typeddict

from aiohttp import web
from marshmallow import Schema

from framework import validation
from framework.adapters.aiohttp.responses import JSONResponse, json_maker
from framework.annotations import strip
from framework.binding.declared import ensurer, may_be_none, mistake, plainly_declared, returned_type
from framework.endpoint import Endpoint, Renders
from framework.errors import ConfigurationError
from framework.responses import Result

Write = Callable[[Any], web.StreamResponse]
Render = Callable[[web.Request, Any], Awaitable[web.StreamResponse]]
Encode = Callable[[Any], bytes]


def writer_for(endpoint: Endpoint) -> Write:
    """Return what turns the handler's result into a response of JSON.

    Raises:
        ConfigurationError: The return annotation is a type that cannot be written as JSON.
    """
    status = endpoint.options.status
    encode, ensure, nullable = _encoder(endpoint), ensurer(endpoint), may_be_none(endpoint.returns)
    expected, make = plainly_declared(endpoint), json_maker(status)

    def write(result: Any) -> web.StreamResponse:
        # PERF: StreamResponse is an abstract class, and asking isinstance costs most for what is none.
        kind = type(result)
        if kind is expected:
            return make(encode(result))
        if kind is not dict and isinstance(result, web.StreamResponse):
            return result
        if isinstance(result, Result):
            return answer(result.value, result.status or status, result.headers)
        return answer(result, status, None)

    def answer(value: Any, status: int, headers: Mapping[str, str] | None) -> web.Response:
        if value is None:
            if not nullable:
                raise mistake(endpoint, "None")
            return web.Response(status=204 if status == 200 else status, headers=headers)
        ensure(value)
        return JSONResponse(encode(value), status=status, headers=headers)

    return write


def renderer_for(endpoint: Endpoint) -> Render | None:
    """Return what renders the handler's result as a page; None if the endpoint has no mark for that."""
    status = endpoint.options.status
    renders = endpoint.find(Renders)
    if renders is None:
        return None

    async def render(request: web.Request, result: Any) -> web.StreamResponse:
        if isinstance(result, web.StreamResponse):
            return result
        if not isinstance(result, Result):
            result = Result(result)
        response = await renders.render(request, result.value)
        response.set_status(result.status or status)
        response.headers.update(result.headers)
        return response

    return render


def _encoder(endpoint: Endpoint) -> Encode:
    returned = returned_type(endpoint)
    if endpoint.find(Renders) is not None or not _has_schema(returned):
        return validation.encode
    try:
        schema = validation.schema_of(returned, conventions=endpoint.options.conventions)
        return validation.compile(schema).dump_json
    except ConfigurationError as error:
        raise ConfigurationError(f"{endpoint}: the return annotation: {error}") from error


_MADE_OF_PLAIN = {list, tuple, dict, Mapping, Sequence, Union, UnionType}
_PLAIN = {Any, None, type(None), str, int, float, bool, dict, list, tuple, Mapping, object}


def _has_schema(annotation: Any) -> bool:
    stripped = strip(annotation)
    if isinstance(annotation, Schema) or any(isinstance(extra, Schema) for extra in stripped.extras):
        return True
    kind = stripped.kind
    if get_origin(kind) in _MADE_OF_PLAIN and not is_typeddict(kind):
        return any(_has_schema(argument) for argument in get_args(kind))
    return kind not in _PLAIN
