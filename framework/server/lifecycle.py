"""Where a service is between its start and its end, and which long connections it has to end."""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import WSCloseCode, web

logger = logging.getLogger("framework.server")

End = Callable[[], Awaitable[object]]


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
        done, resting = asyncio.create_task(asyncio.wait(work)), asyncio.create_task(self.rest(seconds))
        try:
            await asyncio.wait({done, resting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            done.cancel()
            resting.cancel()


class Connections:
    """The WebSockets and streams that are open, to be ended politely before the process ends.

    ::

        async with request.app[CONNECTIONS].socket(ws):
            async for message in ws: ...

        async with request.app[CONNECTIONS].stream() as ending:
            while not ending.is_set(): ...
    """

    def __init__(self) -> None:
        self._ends: dict[object, End] = {}
        self._ending = False

    def __len__(self) -> int:
        return len(self._ends)

    @asynccontextmanager
    async def socket(self, ws: web.WebSocketResponse) -> AsyncIterator[None]:
        """Close the socket with 1001 (going away, RFC 6455, 7.4.1) when the service stops."""

        async def end() -> None:
            await ws.close(code=WSCloseCode.GOING_AWAY, message=b"The service is stopping.")

        async with self._held(end):
            yield

    @asynccontextmanager
    async def stream(self) -> AsyncIterator[asyncio.Event]:
        """Give an event that is set when the service stops and the stream has to come to its end."""
        ending = asyncio.Event()

        async def end() -> None:
            ending.set()

        async with self._held(end):
            yield ending

    async def end(self) -> None:
        """End all that is open, and whatever opens from now on."""
        self._ending = True
        results = await asyncio.gather(*(end() for end in list(self._ends.values())), return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                logger.warning("A connection could not be ended politely", exc_info=result)

    @asynccontextmanager
    async def _held(self, end: End) -> AsyncIterator[None]:
        ticket = object()
        self._ends[ticket] = end
        try:
            if self._ending:
                await end()
            yield
        finally:
            del self._ends[ticket]


LIFECYCLE: Final = web.AppKey("framework.server.lifecycle", Lifecycle)
CONNECTIONS: Final = web.AppKey("framework.server.connections", Connections)


def ensure_lifecycle(app: web.Application) -> Lifecycle:
    """Return the lifecycle of an application; give it one, and a registry of connections, if it has none."""
    if LIFECYCLE not in app:
        app[LIFECYCLE] = Lifecycle()
    if CONNECTIONS not in app:
        app[CONNECTIONS] = Connections()
    return app[LIFECYCLE]
