"""The path of a request: one chain of middlewares for each endpoint, composed before the first request.

aiohttp builds a chain for each request that matches no route, and keeps the others in one cache for all applications
of a process. Here the application has a single middleware, which looks the endpoint's own chain up.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web
from aiohttp.web_urldispatcher import SystemRoute

from framework.battery import Answer, Battery, Stamp
from framework.context import CONTAINER, ENDPOINT
from framework.endpoint import Endpoint, marks_of
from framework.errors import MethodNotAllowed, NotFound, Problem
from framework.server import refusals
from framework.server.keys import Refuse

_log = logging.getLogger("framework.pipeline")

Prepare = Callable[[web.Request, web.StreamResponse], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Chain:
    """Hold an endpoint and its handler with every battery's middleware around it."""

    endpoint: Endpoint
    answer: Answer


def compose(batteries: Sequence[Battery], endpoint: Endpoint, handler: Answer) -> Answer:
    """Put the batteries' middlewares around a handler, the first battery outermost."""
    for battery in reversed(batteries):
        middleware = battery.middleware_for(endpoint)
        if middleware is not None:
            handler = partial(middleware, handler=handler)  # type: ignore[call-arg] # aiohttp calls it by that name
    return handler


async def _refuse(request: web.Request) -> web.StreamResponse:
    """Answer a request that matches no route.

    Raises:
        MethodNotAllowed: The path is there, with other methods.
        NotFound: It is not.
    """
    error = request.match_info.http_exception
    if isinstance(error, web.HTTPMethodNotAllowed):
        raise MethodNotAllowed(error.method, error.allowed_methods)
    raise NotFound("page", request.path)


UNMATCHED = Endpoint(method="*", path="", handler=_refuse, origin="no route")


def dispatcher(chains: Mapping[Any, Chain], batteries: Sequence[Battery]) -> Any:
    """Return the application's one middleware.

    Args:
        chains: The chain of each handler that is registered in the router.
        batteries: What goes around a handler that is not: one that was added to the application by other hands.
    """
    unmatched = Chain(UNMATCHED, compose(batteries, UNMATCHED, _refuse))

    @web.middleware
    async def dispatch(request: web.Request, handler: Answer) -> web.StreamResponse:
        match = request.match_info
        chain = chains.get(match.handler)
        if chain is None:
            chain = unmatched if isinstance(match.route, SystemRoute) else _foreign(match, handler, batteries)
        endpoint = request[ENDPOINT] = chain.endpoint
        if endpoint.options.max_body is not None:
            # NOTE: request.clone(client_max_size=...) would part the request's state from aiohttp's own.
            request._client_max_size = endpoint.options.max_body
        try:
            return await chain.answer(request)
        finally:
            container = request.get(CONTAINER)
            if container is not None:
                # PERF: the two know each other; parted, they go without the garbage collector.
                del request[CONTAINER]
                await container.aclose()

    return dispatch


def _foreign(match: web.UrlMappingMatchInfo, handler: Answer, batteries: Sequence[Battery]) -> Chain:
    """Return a chain for a route of a sub-application, with the middlewares of that application inside."""
    resource = match.route.resource
    path = resource.canonical if resource is not None else "/"
    endpoint = Endpoint(
        method=match.route.method,
        path=path,
        handler=handler,
        marks=marks_of(match.handler),
        origin="sub-application",
    )
    return Chain(endpoint, compose(batteries, endpoint, handler))


def preparer(stamps: Sequence[Stamp]) -> Prepare:
    """Return the signal handler that lets every stamp set its headers before a response starts."""

    async def prepare(request: web.Request, response: web.StreamResponse) -> None:
        _put(stamps, request, response)

    return prepare


def refuser(stamps: Sequence[Stamp]) -> Refuse:
    """Return what answers a request that the server refuses, with the same headers as any other answer."""

    def refuse(request: web.BaseRequest, problem: Problem) -> web.Response:
        response = refusals.answer(request, problem)
        if isinstance(request, web.Request):
            _put(stamps, request, response)
        return response

    return refuse


def _put(stamps: Sequence[Stamp], request: web.Request, response: web.StreamResponse) -> None:
    for stamp in stamps:
        try:
            stamp(request, response)
        except Exception:  # noqa: BLE001
            # NOTE: an exception here would make aiohttp drop the connection without any answer.
            _log.exception("stamp_failed")
