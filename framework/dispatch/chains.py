"""The path of a request: one chain of middlewares for each endpoint, composed before the first request.

aiohttp builds a chain for each request that matches no route, and keeps the others in one cache for all applications
of a process. Here the application has a single middleware, which looks the endpoint's own chain up.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import hdrs, web
from aiohttp.web_urldispatcher import SystemRoute

from framework.adapters.aiohttp.heads import Heads, Key
from framework.adapters.aiohttp.requests import (
    method_of,
    set_body_limit,
    state_of,
    target_of,
)
from framework.adapters.aiohttp.routes import Match, forget_heads, handle, set_match
from framework.adapters.versions import is_plain
from framework.battery import Battery, Handler, Middleware, Stamp
from framework.context import CONTAINER, ENDPOINT, GUARD_SOCKET, SOCKET, services
from framework.dispatch.lookup import Lookup
from framework.endpoint import Endpoint, marks_of
from framework.error_handling import ErrorHandling
from framework.errors import MethodNotAllowed, NotFound
from framework.problem import Problem
from framework.server.connections import CONNECTIONS
from framework.server.service import Refuse

_log = logging.getLogger("framework.dispatch")


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
            handler = _around(middleware, _sharing(handler) if _CLONES_PART else handler)
    return handler


def heads_for(batteries: Sequence[Battery], endpoint: Endpoint) -> Heads | None:
    """Return what learns the heads of an endpoint's responses; None if a stamp does not say what it depends on."""
    keys: list[Key] = []
    for battery in batteries:
        if battery.preparation is not None:
            keys.append(_unless(battery.preparation.concerns))
        if battery.stamp is None:
            continue
        if battery.stamp_key is None:
            return None
        key = battery.stamp_key(endpoint)
        if key is not None:
            keys.append(key)
    return Heads(keys)


def _unless(concerns: Callable[[web.Request], bool]) -> Key:
    def key(request: web.Request) -> Hashable:
        if concerns(request):
            raise LookupError
        return None

    return key


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


def _around(middleware: Middleware, handler: Handler) -> Handler:
    def answer(request: web.Request) -> Awaitable[web.StreamResponse]:
        return middleware(request, handler)  # PERF: half the cost of a functools.partial with a keyword

    return answer


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
    """

    def __init__(self, chains: Mapping[Any, Chain], batteries: Sequence[Battery]) -> None:
        self._chains = chains
        self._batteries = batteries
        self._added: dict[tuple[web.AbstractRoute, str], Chain] = {}
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
            chain = self._chain(request.match_info, handler, request.method)
            begin(request, chain)
            try:
                return await chain.handler(request)
            finally:
                releasing = release(request)
                if releasing is not None:
                    await releasing
                if outer is not None:
                    state_of(request)[CONTAINER] = outer

        return dispatch

    def direct(self, app: web.Application) -> Handler:
        """Return what answers a request without passing through the application's own machinery.

        Call it when the application is started: routes that are added later are not seen.
        """
        look_up, resolve, chains = Lookup(app.router).find, app.router.resolve, self._chains

        def answer(request: web.Request) -> Awaitable[web.StreamResponse]:
            # PERF: this is no coroutine itself, to save the one around the other.
            target = target_of(request)
            path = request.rel_url.path_safe if "?" in target or "%" in target else target
            found = look_up(method_of(request), path)
            chain = None if found is None else chains.get(found[0].handler)
            if found is None or chain is None:
                return search(request)
            set_match(request, Match(*found, app), chain.heads)
            begin(request, chain)
            return chain.handler(request)

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
            return Chain(chain.endpoint, compose(self._batteries, chain.endpoint, handler))
        if not isinstance(match.route, SystemRoute):
            added = self._added.get((match.route, method)) or self._added.get((match.route, hdrs.METH_ANY))
            if added is not None and handler is match.handler:
                return added
            return _foreign(match, handler, self._batteries)
        if handler == match.handler:
            return self._unmatched
        # They may know what is meant, such as a path with one slash too many.
        return Chain(UNMATCHED, compose(self._batteries, UNMATCHED, _refusing(handler)))


def begin(request: web.Request, chain: Chain) -> None:
    """Note which endpoint answers a request."""
    endpoint = state_of(request)[ENDPOINT] = chain.endpoint
    if endpoint.options.max_body is not None:
        set_body_limit(request, endpoint.options.max_body)


def release(request: web.Request) -> Awaitable[None] | None:
    """Close a request's services, if it has any."""
    # PERF: the two know each other; parted, they go without the garbage collector.
    container = state_of(request).pop(CONTAINER, None)
    return None if container is None else container.aclose()


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


class Preparer:
    """What is done to every response before it starts: stamps, and what batteries have to wait for."""

    def __init__(self, batteries: Sequence[Battery]) -> None:
        self.stamps = [battery.stamp for battery in batteries if battery.stamp is not None]
        self._preparations = [each.preparation for each in batteries if each.preparation is not None]
        self._concerns = [preparation.concerns for preparation in self._preparations]

    async def __call__(self, request: web.Request, response: web.StreamResponse) -> None:
        """Receive the signal ``on_response_prepare``.

        Raises:
            Forbidden: It is a WebSocket for a page of a stranger.
        """
        if isinstance(response, web.WebSocketResponse):
            guard = request.config_dict.get(GUARD_SOCKET)
            if guard is not None:
                guard(request, response)
            state_of(request)[SOCKET] = response
        _put(self.stamps, request, response)
        response.headers.popall(hdrs.SERVER, None)  # another server has put its name and version in
        connections = request.config_dict.get(CONNECTIONS)
        if connections is not None:
            connections.hold(request, response)
        for preparation in self._preparations:
            if preparation.concerns(request):
                await preparation.prepare(request, response)

    def at_once(self, request: web.Request, response: web.StreamResponse) -> bool:
        """Do the same without a wait; return False where a battery has to wait, and nothing was done."""
        for concerns in self._concerns:
            if concerns(request):
                return False
        _put(self.stamps, request, response)
        return True


def refuser(stamps: Sequence[Stamp], handling: ErrorHandling) -> Refuse:
    """Return what answers a request that the server refuses, in the shape and with the headers of any other error."""

    def refuse(request: web.BaseRequest, problem: Problem) -> web.Response:
        body, media_type = handling.body_of(problem)
        headers = {hdrs.CACHE_CONTROL: "no-store", **problem.headers, hdrs.CONTENT_TYPE: media_type}
        response = web.Response(status=problem.status, body=body, headers=headers)
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
            forget_heads(request)
