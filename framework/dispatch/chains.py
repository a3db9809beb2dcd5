"""The path of a request: one chain of middlewares for each endpoint, composed before the first request.

aiohttp builds a chain for each request that matches no route, and keeps the others in one cache for all applications
of a process. Here the application has a single middleware, which looks the endpoint's own chain up.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from aiohttp import hdrs, web
from aiohttp.web_urldispatcher import SystemRoute

from framework.adapters.aiohttp.heads import Heads
from framework.adapters.aiohttp.requests import set_body_limit, state_of, target_of
from framework.adapters.aiohttp.routes import (
    Lookup,
    Way,
    handle,
    line_of,
    set_found,
    set_match,
)
from framework.adapters.versions import is_plain
from framework.battery import Battery, Handler, Middleware
from framework.context import CONTAINER, ENDPOINT, SOCKET, services
from framework.endpoint import Endpoint, marks_of
from framework.errors import MethodNotAllowed, NotFound
from framework.marks import public, undocumented
from framework.progress import WORK, Progress, Work


@dataclass(frozen=True, slots=True)
class Chain:
    """An endpoint, and its handler with every battery's middleware around it."""

    endpoint: Endpoint
    handler: Handler
    heads: Heads | None = None


def compose(batteries: Sequence[Battery], endpoint: Endpoint, handler: Handler) -> Handler:
    """Put the batteries' middlewares around a handler, the first battery outermost."""
    for battery in reversed(batteries):
        middleware = battery.middleware_for(endpoint)
        if middleware is not None:
            handler = bound(middleware, _sharing(handler) if _CLONES_PART else handler)
    return handler


def bound(middleware: Middleware, handler: Handler) -> Handler:
    """Return a middleware that goes on to this handler."""
    if _is_plain_function(middleware):
        # PERF: the same function with the handler as its default, so that nothing is called in between.
        function: Any = middleware
        return FunctionType(
            function.__code__, function.__globals__, function.__name__, (handler,), function.__closure__
        )

    def answer(request: web.Request) -> Awaitable[web.StreamResponse]:
        return middleware(request, handler)

    return answer


def _is_plain_function(middleware: Any) -> bool:
    """Tell whether it is a function of exactly two parameters, without defaults."""
    if type(middleware) is not FunctionType or middleware.__defaults__ is not None:
        return False
    code = middleware.__code__
    more = code.co_kwonlyargcount or code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS)
    return code.co_argcount == 2 and not more


def heads_for(batteries: Sequence[Battery], endpoint: Endpoint) -> Heads | None:
    """Return what learns the heads of an endpoint's responses; None if a stamp does not say what it depends on."""
    stamping = [battery for battery in batteries if battery.stamp is not None]
    facts = [each.stamp_facts(endpoint) for each in stamping if each.stamp_facts is not None]
    waits = [battery.preparation.key for battery in batteries if battery.preparation is not None]
    return Heads(facts, waits) if len(facts) == len(stamping) else None


def _sharing(handler: Handler) -> Handler:
    """Return a handler that gives what is kept on a clone of aiohttp's own requests back to the request."""

    async def answer(request: web.Request) -> web.StreamResponse:
        first = request.setdefault(_FIRST, request)
        try:
            return await handler(request)
        finally:
            if first is not request:
                first.update(request)

    return answer


_CLONES_PART = is_plain("aiohttp")  # those of our requests share what they keep
_FIRST: web.RequestKey[web.Request] = web.RequestKey("first", web.Request)


async def _refuse(request: web.Request) -> web.StreamResponse:
    """Respond to a request that matches no route.

    ``OPTIONS *`` asks after the whole server (RFC 9110, 9.3.7), and is a ping.

    Raises:
        MethodNotAllowed: The path is there, with other methods.
        NotFound: It is not.
    """
    if request.method == hdrs.METH_OPTIONS and target_of(request) == "*":
        return web.Response(status=204)
    error = request.match_info.http_exception
    if isinstance(error, web.HTTPMethodNotAllowed):
        raise MethodNotAllowed(error.method, error.allowed_methods)
    raise NotFound("page", request.path)


def _refusing(handler: Handler) -> Handler:
    """Return middlewares around nothing, and let our refusal take the place of aiohttp's."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as error:
            if error is not request.match_info.http_exception:
                raise
        return await _refuse(request)

    return answer


UNMATCHED = Endpoint(method="*", path="", handler=_refuse, origin="no route")


class Dispatcher:
    """The way from a request to its endpoint's chain.

    Args:
        chains: The chain of each handler that is registered in the router.
        batteries: What goes around a handler that is not: one that was added to the application by other hands.
        progress: Where requests are noted that are in progress.
    """

    def __init__(self, chains: Mapping[Any, Chain], batteries: Sequence[Battery], progress: Progress) -> None:
        self._chains = chains
        self._begin, self.release = _beginner(progress), _releaser(progress)
        self._batteries = batteries
        self._added: dict[tuple[web.AbstractRoute, str], Chain] = {}
        self._around: dict[web.AbstractRoute, tuple[Handler, Chain]] = {}
        self._unmatched = Chain(UNMATCHED, compose(batteries, UNMATCHED, _refuse))

    def add(self, route: web.AbstractRoute, endpoint: Endpoint, handler: Handler) -> None:
        """Lead a route that other hands have added to the endpoint that was read from its handler."""
        self._added[route, endpoint.method] = Chain(endpoint, compose(self._batteries, endpoint, handler))

    def middleware(self) -> Any:
        """Return the application's one middleware."""

        @web.middleware
        async def dispatch(request: web.Request, handler: Handler) -> web.StreamResponse:
            outer = state_of(request).pop(
                CONTAINER, None
            )  # a service within another one has its own services
            services(request)  # clones of aiohttp's own requests copy what is kept there, and so find it
            request[WORK] = Work(id(request), asyncio.current_task())
            chain = self._chain(request.match_info, handler, request.method)
            self._begin(request, chain)
            try:
                return await chain.handler(request)
            finally:
                releasing = self.release(request)
                if releasing is not None:
                    await releasing
                if outer is not None:
                    state_of(request)[CONTAINER] = outer

        return dispatch

    def direct(self, app: web.Application) -> Handler:
        """Return what answers a request without passing through the application's own machinery.

        Call it when the application is started: routes that are added later are not seen.
        """
        lookup, resolve, chains = Lookup(app.router), app.router.resolve, self._chains
        begin = self._begin
        ready: dict[tuple[str, str], tuple[Chain, Way]] = {
            line: (chains[route.handler], (route, variables, app))
            for line, (route, variables) in lookup.exact()
            if route.handler in chains
        }

        def answer(request: web.Request) -> Awaitable[web.StreamResponse]:
            # PERF: this is no coroutine itself, to save the one around the other.
            line = line_of(request)
            known = ready.get(line) or look_up(request, *line)
            if known is None:
                return search(request)
            chain, way = known
            set_found(request, way, chain.heads)
            begin(request, chain)
            return chain.handler(request)

        def look_up(request: web.Request, method: str, target: str) -> tuple[Chain, Way] | None:
            path = request.rel_url.path_safe if "?" in target or "%" in target else target
            found = lookup.find(method, path)
            chain = None if found is None else chains.get(found[0].handler)
            return None if found is None or chain is None else (chain, (*found, app))

        async def search(request: web.Request) -> web.StreamResponse:
            match = await resolve(request)
            if len(match.apps) > 0:  # a sub-application has its own middlewares
                return await handle(app, request)
            match.add_app(app)
            match.freeze()
            set_match(request, match)
            chain = self._chain(match, match.handler, request.method)
            begin(request, chain)
            return await chain.handler(request)

        return answer

    def _chain(self, match: web.UrlMappingMatchInfo, handler: Handler, method: str) -> Chain:
        chain = self._chains.get(match.handler)
        if chain is not None:
            if handler is match.handler:
                return chain
            # Middlewares that were appended to the application stand between us and the handler.
            return self._composed(chain.endpoint, match, handler)
        if not isinstance(match.route, SystemRoute):
            added = self._added.get((match.route, method)) or self._added.get((match.route, hdrs.METH_ANY))
            if added is not None and handler is match.handler:
                return added
            return self._composed(None if added is None else added.endpoint, match, handler)
        if handler == match.handler:
            return self._unmatched
        # They may know what is meant, such as a path with one slash too many.
        return Chain(UNMATCHED, compose(self._batteries, UNMATCHED, _refusing(handler)))

    def _composed(self, endpoint: Endpoint | None, match: web.UrlMappingMatchInfo, handler: Handler) -> Chain:
        """Return the chain around what other hands' middlewares have made of a route's handler.

        Args:
            endpoint: The route's; None for one of a sub-application.
        """
        # PERF: aiohttp keeps what it has made of them, so that this is composed once for each route.
        known = self._around.get(match.route)
        if known is None or known[0] is not handler:
            endpoint = endpoint or _foreign(match, handler)
            chain = Chain(endpoint, compose(self._batteries, endpoint, handler))
            known = self._around[match.route] = handler, chain
        return known[1]


def _beginner(progress: Progress) -> Callable[[web.Request, Chain], None]:
    requests = progress.requests

    def begin(request: web.Request, chain: Chain) -> None:
        """Note that a request is in progress, and which endpoint answers it."""
        requests[id(request)] = request
        endpoint = state_of(request)[ENDPOINT] = chain.endpoint
        if endpoint.options.max_body is not None:
            set_body_limit(request, endpoint.options.max_body)

    return begin


def _releaser(progress: Progress) -> Callable[[web.Request], Awaitable[None] | None]:
    requests, streams = progress.requests, progress.streams

    def release(request: web.Request) -> Awaitable[None] | None:
        """Note that a request has come to its end, and close its services if it has any."""
        number = id(request)
        if requests.pop(number, None) is None:
            streams.pop(number, None)
        if progress.at_end is not None:
            progress.at_end()
        # PERF: they and the request know each other; parted, they go without the garbage collector.
        kept = state_of(request)
        if SOCKET in kept:
            del kept[SOCKET]
        container = kept.pop(CONTAINER, None)
        return None if container is None else container.aclose()

    return release


def _foreign(match: web.UrlMappingMatchInfo, handler: Handler) -> Endpoint:
    """Return the endpoint of a route that only aiohttp can call, such as one of a sub-application.

    A static folder is public, as it is among the routes of a service: nobody could mark what aiohttp itself sends.
    """
    resource = match.route.resource
    own = (public, undocumented) if isinstance(resource, web.StaticResource) else ()
    return Endpoint(
        method=match.route.method,
        path=resource.canonical if resource is not None else "/",
        handler=handler,
        marks=(*own, *marks_of(match.handler)),
        origin="sub-application",
    )
