"""Lanes: so many requests of some endpoints at once, so many that wait for their turn, and no more."""

from __future__ import annotations

from aiohttp import web

from framework.batteries.overload.settings import LaneSettings
from framework.batteries.overload.turns import Turns
from framework.battery import Handler


class Lane:
    """The requests that share one limit.

    Attributes:
        taken: How many places are.
        turns: Those who wait for one.
    """

    def __init__(self, settings: LaneSettings) -> None:
        self.settings = settings
        self.taken = 0
        self.turns = Turns(settings, self._leave)

    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let a request through when there is room for it.

        Raises:
            Overloaded: There is none, and none in time.
            ConnectionResetError: The client has gone while it waited.
        """
        if self.taken < self.settings.at_once:
            self.taken += 1
        else:
            await self.turns.wait(request)
        try:
            return await handler(request)
        finally:
            self._leave()

    def _leave(self) -> None:
        """Leave one's place to the next."""
        if not self.turns.call():
            self.taken -= 1
