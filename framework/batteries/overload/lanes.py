"""Lanes: so many requests at once, so many that wait for their turn, and no more."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from aiohttp import web

from framework.batteries.overload.queue import FairQueue
from framework.batteries.overload.settings import LaneSettings
from framework.battery import Handler, Middleware
from framework.errors import ServiceUnavailable
from framework.http.addresses import site_of
from framework.streaming import is_begun, is_gone

_RETRY_AFTER_SECONDS = 1


class Overloaded(ServiceUnavailable):
    """The refusal of what there is no room for."""

    def __init__(self) -> None:
        super().__init__("Too much is going on just now.", retry_after_seconds=_RETRY_AFTER_SECONDS)


class _Ticket(NamedTuple):
    key: int
    request: web.Request
    turn: asyncio.Future[None]


class Lane:
    """The requests that share one limit.

    Args:
        settings: The limit.
        frees_streams: Whether a request gives up its place when part of its response has left, as a socket's has: it
            may last for days, and waits for its client nearly all the time.
    """

    def __init__(self, settings: LaneSettings, *, frees_streams: bool = False) -> None:
        self.settings = settings
        self._at_once = settings.at_once
        self._frees_streams = frees_streams
        self._present: dict[int, web.Request] = {}
        self._queue: FairQueue[_Ticket] = FairQueue(settings.waiting, settings.waiting_each)
        self.guard = self._guard(self._present, settings.at_once)

    def __len__(self) -> int:
        return len(self._present)

    @property
    def waiting(self) -> int:
        return self._queue.size

    def _guard(self, present: dict[int, web.Request], at_once: int) -> Middleware:
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            """Let a request through when there is room for it.

            Raises:
                Overloaded: There is none, and none in time.
            """
            key = id(request)
            if len(present) < at_once:
                present[key] = request
            else:
                await self._wait(key, request)
            try:
                return await handler(request)
            finally:
                present.pop(key, None)
                if self._queue.size:
                    self._admit()

        return guard

    async def _wait(self, key: int, request: web.Request) -> None:
        if self._frees_streams and self._forget_streams():
            self._present[key] = request
            return
        ticket = _Ticket(key, request, asyncio.get_running_loop().create_future())
        site = site_of(request.remote)
        displaced = self._queue.put(site, ticket)
        if displaced is ticket:
            raise Overloaded
        if displaced is not None:
            displaced.turn.set_exception(Overloaded())
        try:
            async with asyncio.timeout(self.settings.wait_seconds):
                await ticket.turn
            _ensure_awaited(request)
        except BaseException as error:
            self._queue.remove(site, ticket)
            if self._present.pop(key, None) is not None:
                self._admit()
            if isinstance(error, TimeoutError):
                raise Overloaded from None
            raise

    def _admit(self) -> None:
        """Give the places that are free to those whose turn it is."""
        while len(self._present) < self._at_once and (ticket := self._queue.take()) is not None:
            if not ticket.turn.done():
                self._present[ticket.key] = ticket.request
                ticket.turn.set_result(None)

    def _forget_streams(self) -> bool:
        """Take back the places of those whose response has begun; tell whether there is room now."""
        for key in [key for key, request in self._present.items() if is_begun(request)]:
            del self._present[key]
        self._admit()
        return len(self._present) < self._at_once


def _ensure_awaited(request: web.Request) -> None:
    """Check that somebody still waits for the response; no work was begun yet, so none is lost.

    Raises:
        ConnectionResetError: The client has gone while it waited for its turn.
    """
    if is_gone(request):
        raise ConnectionResetError("The client has gone while it waited.")
