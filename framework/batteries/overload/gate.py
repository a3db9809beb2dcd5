"""The gate: what a worker takes on of all that is asked of it."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from framework.batteries.overload.limit import AdaptiveLimit
from framework.batteries.overload.settings import LaneSettings
from framework.batteries.overload.turns import Turns
from framework.battery import Handler
from framework.progress import Progress
from framework.streaming import is_begun

_LOOK_SECONDS = 0.1


class Gate:
    """All requests of a worker together.

    Args:
        settings: The limit.
        lanes: Those who wait in lanes of their own, where they take no place.

    Attributes:
        time: Seconds on the clock of the event loop.
    """

    def __init__(self, settings: LaneSettings, lanes: Callable[[], Sequence[Turns]]) -> None:
        self.follow(Progress())
        self.time: Callable[[], float] = float
        self.at_once = settings.at_once
        self.turns = Turns(settings, self._admit)
        self._lanes = lanes
        self._looked = -math.inf

    def follow(self, progress: Progress) -> None:
        """Count these requests."""
        self._progress, self._requests = progress, progress.requests

    def guard(self, request: web.Request, handler: Handler) -> Awaitable[web.StreamResponse]:
        """Let a request through when there is room for it."""
        # PERF: as long as those who wait would have places too, nobody has to be counted.
        if len(self._requests) <= self.at_once:
            return handler(request)
        return self._in_turn(request, handler)

    async def _in_turn(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        await self.find_place(request)
        return await handler(request)

    async def find_place(self, request: web.Request) -> None:
        """Wait until there is room for a request.

        Raises:
            Overloaded: There is none, and none in time.
            ConnectionResetError: The client has gone while it waited.
        """
        if self._taken() <= self.at_once or self._part_streams():
            return
        self._progress.at_end = self._admit
        await self.turns.wait(request)

    def _taken(self) -> int:
        return len(self._requests) - len(self.turns) - sum(map(len, self._lanes()))

    def _part_streams(self) -> bool:
        """Take back the places of sockets and streams; tell whether there is room now."""
        now = self.time()
        if now - self._looked < _LOOK_SECONDS:
            return False
        self._looked = now
        self._progress.part_streams()
        self._admit()
        return self._taken() <= self.at_once

    def _admit(self) -> None:
        """Give the places that are free to those whose turn it is."""
        while self._taken() < self.at_once and self.turns.call():
            pass
        if not len(self.turns):
            self._progress.at_end = None


class AdaptiveGate(Gate):
    """All requests of a worker together, of which it takes on as many as it can answer within a time.

    Args:
        latency_seconds: The time.
    """

    def __init__(
        self, settings: LaneSettings, lanes: Callable[[], Sequence[Turns]], latency_seconds: float
    ) -> None:
        super().__init__(settings, lanes)
        self._limit = AdaptiveLimit(settings.at_once, latency_seconds)
        self._waiting = settings.waiting
        # Who waits for longer than an answer takes is better off elsewhere.
        self.turns.seconds = min(self.turns.seconds, latency_seconds)
        self._follow()

    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let a request through when there is room for it, and learn from how long it takes."""
        if len(self._requests) > self.at_once:
            await self.find_place(request)
        is_full = len(self._requests) >= self.at_once
        started = self.time()
        try:
            return await handler(request)
        finally:
            if not is_begun(request):
                self._limit.note(self.time() - started, is_full=is_full)
                self._follow()

    def _follow(self) -> None:
        self.at_once = int(self._limit.value)
        self.turns.queue.most = min(self._waiting, self.at_once)
