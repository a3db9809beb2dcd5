"""The path of a request: one chain of middlewares for each endpoint, composed before the first request.

aiohttp builds a chain for each request that matches no route, and keeps the others in one cache for all applications
of a process. Here the application has a single middleware, which looks the endpoint's own chain up.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.web_urldispatcher import SystemRoute

from framework.battery import Battery, Handler, Middleware, Stamp
from framework.context import CONTAINER, ENDPOINT, find, services
from framework.dispatch.lookup import Lookup
from framework.endpoint import Endpoint, marks_of
from framework.errors import MethodNotAllowed, NotFound, Problem
from framework.server import refusals
from framework.server.keys import Prepare, Refuse
from framework.streaming import Receiver

_log = logging.getLogger("framework.dispatch")


@dataclass(frozen=True, slots=True)
class Chain:
    """Hold an endpoint and its handler with every battery's middleware around it."""

    endpoint: Endpoint
    answer: Handler


def compose(batteries: Sequence[Battery], endpoint: Endpoint, handler: Handler) -> Handler:
    """Put the batteries' middlewares around a handler, the first battery outermost."""
    for battery in reversed(batteries):
        middleware = battery.middleware_for(endpoint)
        if middleware is not None:
            handler = _around(middleware, handler)
    return handler


def _around(middleware: Middleware, handler: Handler) -> Handler:
    def answer(request: web.Request) -> Awaitable[web.StreamResponse]:
        return middleware(request, handler)  # PERF: half the cost of a functools.partial with a keyword

    return answer


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


class _Match(web.UrlMappingMatchInfo):
    """Match a path in an application that is no other's."""

    def __init__(self, route: web.AbstractRoute, variables: Mapping[str, str], app: web.Application) -> None:
        # PERF: what adding the application and freezing come to, without five calls.
        if variables:
            self.update(variables)
        self._route = route
        self._apps = [app]
        self._current_app = app
        self._frozen = True


class Dispatcher:
    """Send each request down its endpoint's chain.

    Args:
        chains: The chain of each handler that is registered in the router.
        batteries: What goes around a handler that is not: one that was added to the application by other hands.
    """

    def __init__(self, chains: Mapping[Any, Chain], batteries: Sequence[Battery]) -> None:
        self._chains = chains
        self._batteries = batteries
        self._unmatched = Chain(UNMATCHED, compose(batteries, UNMATCHED, _refuse))

    def middleware(self) -> Any:
        """Return the application's one middleware."""

        @web.middleware
        async def dispatch(request: web.Request, handler: Handler) -> web.StreamResponse:
            # aiohttp's own clones copy what a request keeps: made before anybody clones, the container is theirs too.
            services(request)
            return await run(request, self._chain(request.match_info, handler))

        return dispatch

    def direct(self, app: web.Application) -> Handler:
        """Return what answers a request without passing through the application's own machinery.

        Call it when the application is started: routes that are added later are not seen.
        """
        find, resolve, chains = Lookup(app.router).find, app.router.resolve, self._chains

        def answer(request: web.Request) -> Awaitable[web.StreamResponse]:
            # PERF: this is no coroutine itself, to save the one around the other.
            target = request._message.path
            path = request.rel_url.path_safe if "?" in target or "%" in target else target
            found = find(request._method, path)
            chain = None if found is None else chains.get(found[0].handler)
            if found is None or chain is None:
                return search(request)
            request._match_info = _Match(*found, app)
            return run(request, chain)

        async def search(request: web.Request) -> web.StreamResponse:
            match = await resolve(request)
            if len(match.apps) > 0:  # a sub-application has its own middlewares
                return await app._handle(request)
            match.add_app(app)
            match.freeze()
            request._match_info = match
            return await run(request, self._chain(match, match.handler))

        return answer

    def _chain(self, match: web.UrlMappingMatchInfo, handler: Handler) -> Chain:
        chain = self._chains.get(match.handler)
        if chain is not None:
            if handler is match.handler:
                return chain
            # Middlewares that were appended to the application stand between us and the handler.
            return Chain(chain.endpoint, compose(self._batteries, chain.endpoint, handler))
        return (
            self._unmatched
            if isinstance(match.route, SystemRoute)
            else _foreign(match, handler, self._batteries)
        )


async def run(request: web.Request, chain: Chain) -> web.StreamResponse:
    """Answer a request by its chain, and close its services behind the answer."""
    # PERF: request[KEY] looks for keys that are texts, to warn of them.
    endpoint = request._state[ENDPOINT] = chain.endpoint
    if endpoint.options.max_body is not None:
        # NOTE: request.clone(client_max_size=...) would part the request's state from aiohttp's own.
        request._client_max_size = endpoint.options.max_body
    try:
        return await chain.answer(request)
    finally:
        container = find(request, CONTAINER)
        if container is not None:
            # PERF: the two know each other; parted, they go without the garbage collector.
            del request[CONTAINER]
            await container.aclose()


def _foreign(match: web.UrlMappingMatchInfo, handler: Handler, batteries: Sequence[Battery]) -> Chain:
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


class Stamper:
    """Let every stamp set its headers before a response starts."""

    def __init__(self, stamps: Sequence[Stamp]) -> None:
        self._stamps = stamps

    async def __call__(self, request: web.Request, response: web.StreamResponse) -> None:
        """Receive the signal ``on_response_prepare``."""
        _put(self._stamps, request, response)

    def alone(self, receivers: Sequence[object]) -> Prepare | None:
        """Return what stands in for the signal at brief answers; None if it has receivers of other hands."""
        concerns = [receiver.concerns for receiver in receivers if isinstance(receiver, Receiver)]
        if len(concerns) + 1 != len(receivers) or self not in receivers:
            return None

        def prepare(request: web.Request, response: web.StreamResponse) -> bool:
            for concern in concerns:
                if concern(request):
                    return False
            _put(self._stamps, request, response)
            return True

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
