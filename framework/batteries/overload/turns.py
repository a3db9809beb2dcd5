"""Turns: requests that wait for a place, and what they are told when there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from aiohttp import web

from framework.batteries.overload.queue import FairQueue
from framework.batteries.overload.settings import LaneSettings
from framework.errors import ServiceUnavailable
from framework.http.addresses import site_of
from framework.streaming import is_gone

_RETRY_AFTER_SECONDS = 1


class Overloaded(ServiceUnavailable):
    """The refusal of what there is no room for."""

    def __init__(self) -> None:
        super().__init__("Too much is going on just now.", retry_after_seconds=_RETRY_AFTER_SECONDS)


class _Ticket(NamedTuple):
    site: str
    turn: asyncio.Future[None]

    @property
    def has_place(self) -> bool:
        return self.turn.done() and not self.turn.cancelled() and self.turn.exception() is None


class Turns:
    """The requests that wait for a place.

    Args:
        settings: How many wait, and for how long.
        give_back: Called when a request cannot use the place that it was given.

    Attributes:
        queue: Who waits.
        seconds: How long each waits.
    """

    def __init__(self, settings: LaneSettings, give_back: Callable[[], None]) -> None:
        self.queue: FairQueue[_Ticket] = FairQueue(settings.waiting, settings.waiting_each)
        self.seconds = settings.wait_seconds
        self._give_back = give_back

    def __len__(self) -> int:
        return self.queue.size

    async def wait(self, request: web.Request) -> None:
        """Wait until `call` gives this request a place.

        Raises:
            Overloaded: Too many wait, or no place was free in time.
            ConnectionResetError: The client has gone while it waited; no work was begun yet, so none is lost.
        """
        ticket = _Ticket(site_of(request.remote), asyncio.get_running_loop().create_future())
        displaced = self.queue.put(ticket.site, ticket)
        if displaced is ticket:
            raise Overloaded
        if displaced is not None and not displaced.turn.done():  # its time may be up, unknown to its task
            displaced.turn.set_exception(Overloaded())
        try:
            async with asyncio.timeout(self.seconds):
                await ticket.turn
            if is_gone(request):
                raise ConnectionResetError("The client has gone while it waited.")
        except BaseException as error:
            self.queue.remove(ticket.site, ticket)
            if ticket.has_place:
                self._give_back()
            if isinstance(error, TimeoutError):
                raise Overloaded from None
            raise

    def call(self) -> bool:
        """Give a place to the one whose turn it is; tell whether there was anybody."""
        while (ticket := self.queue.take()) is not None:
            if not ticket.turn.done():
                ticket.turn.set_result(None)
                return True
        return False
