"""What is done to every response before it starts, be it an endpoint's or a refusal of the server's."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Sequence

from aiohttp import hdrs, web

from framework.adapters.aiohttp.requests import find, state_of
from framework.adapters.aiohttp.routes import forget_heads
from framework.battery import Battery, Stamp
from framework.context import GUARD_SOCKET, SOCKET
from framework.error_handling import ErrorHandling
from framework.problem import Problem
from framework.progress import WORK
from framework.server.connections import CONNECTIONS
from framework.server.service import Refuse

_log = logging.getLogger("framework.dispatch")


class Preparer:
    """What is done to every response before it starts: stamps, and what batteries have to wait for."""

    def __init__(self, batteries: Sequence[Battery]) -> None:
        self.stamps = [battery.stamp for battery in batteries if battery.stamp is not None]
        self._preparations = [each.preparation for each in batteries if each.preparation is not None]

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
        waiting = self.prepare(request, response)
        response.headers.popall(hdrs.SERVER, None)  # another server has put its name and version in
        work, connections = find(request, WORK), request.config_dict.get(CONNECTIONS)
        if work is not None and connections is not None:  # our server holds its own requests' responses
            connections.hold(request, response, work.task)
        if waiting is not None:
            await waiting

    def prepare(self, request: web.Request, response: web.StreamResponse) -> Awaitable[None] | None:
        """Do all that can be done at once, and return what has to be waited for."""
        _put(self.stamps, request, response)
        kept = state_of(request)
        for preparation in self._preparations:
            if preparation.key in kept:
                return self._wait(request, response)
        return None

    async def _wait(self, request: web.Request, response: web.StreamResponse) -> None:
        for preparation in self._preparations:
            if preparation.key in state_of(request):
                await preparation.prepare(request, response)


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
