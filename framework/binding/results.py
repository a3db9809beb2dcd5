"""What a handler returns becomes a response, in the way that its return annotation says."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from framework import validation
from framework.adapters.aiohttp.responses import JSONResponse, json_maker
from framework.binding.declared import answers_json, may_be_none, mistake, plainly_declared, returned_type
from framework.endpoint import Endpoint, Renders
from framework.errors import ConfigurationError
from framework.responses import Result
from framework.validation import Misfit
from framework.validation.answers.misfit import described, spelt

Write = Callable[[Any], web.StreamResponse]
Render = Callable[[web.Request, Any], Awaitable[web.StreamResponse]]
Encode = Callable[[Any], bytes]


def writer_for(endpoint: Endpoint) -> Write:
    """Return what turns the handler's result into a response of JSON.

    Raises:
        ConfigurationError: The return annotation is a type that cannot be written as JSON.
    """
    status = endpoint.options.status
    encode, nullable = _encoder(endpoint), may_be_none(endpoint.returns)
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
        if value is not None:
            _ensure_value(endpoint, value)
            return JSONResponse(encode(value), status=status, headers=headers)
        if not nullable:
            raise mistake(endpoint, Misfit(spelt(endpoint.returns), "None"))
        return web.Response(status=204 if status == 200 else status, headers=headers)

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
    if not answers_json(endpoint):
        return _refuser(endpoint)
    try:
        return validation.writer_of(
            Any if endpoint.find(Renders) else returned_type(endpoint),
            conventions=endpoint.options.conventions,
            refusal=functools.partial(mistake, endpoint),
        )
    except ConfigurationError as error:
        raise ConfigurationError(f"{endpoint}: the return annotation: {error}") from error


def _ensure_value(endpoint: Endpoint, value: Any) -> None:
    """Refuse a response in a Result: it has headers, and might pass for an object with the fields declared."""
    if isinstance(value, web.StreamResponse):
        raise mistake(endpoint, Misfit(spelt(endpoint.returns), "a Result that holds a response"))


def _refuser(endpoint: Endpoint) -> Encode:
    def refuse(value: Any) -> bytes:
        raise mistake(endpoint, Misfit(spelt(endpoint.returns), described(value)))

    return refuse
