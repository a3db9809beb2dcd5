"""Where a service is between its start and its end."""

from __future__ import annotations

import asyncio
import enum
from contextvars import ContextVar
from typing import Final

from aiohttp import web

from framework.server.connections import CONNECTIONS, Connections


class Phase(enum.Enum):
    """The three parts of a service's life."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"


class Lifecycle:
    """The phase that a service is in; the server moves it on, readiness reads it."""

    def __init__(self) -> None:
        self.phase = Phase.STARTING
        self._hurried = asyncio.Event()

    @property
    def is_ready(self) -> bool:
        return self.phase is Phase.READY

    @property
    def is_hurried(self) -> bool:
        return self._hurried.is_set()

    def hurry(self) -> None:
        """Cut the graceful stop short: every wait of it ends now."""
        self._hurried.set()

    async def rest(self, seconds: float) -> None:
        """Let time pass, unless somebody is in a hurry."""
        try:
            async with asyncio.timeout(seconds):
                await self._hurried.wait()
        except TimeoutError:
            pass

    async def wait(self, work: set[asyncio.Task[None]], seconds: float) -> None:
        """Wait until all the work is done, its time is over, or somebody is in a hurry."""
        if not work:
            return
        done, resting = asyncio.create_task(asyncio.wait(work)), asyncio.create_task(self.rest(seconds))
        try:
            await asyncio.wait({done, resting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            done.cancel()
            resting.cancel()


#: Whether it is a server of ours that starts an application just now.
STARTING_HERE: Final[ContextVar[bool]] = ContextVar("framework.server.starting_here", default=False)

LIFECYCLE: Final = web.AppKey("framework.server.lifecycle", Lifecycle)


def ensure_lifecycle(app: web.Application) -> Lifecycle:
    """Return the lifecycle of an application; give it one, and a registry of connections, if it has none."""
    if LIFECYCLE not in app:
        app[LIFECYCLE] = Lifecycle()
    if CONNECTIONS not in app:
        app[CONNECTIONS] = Connections()
    return app[LIFECYCLE]
