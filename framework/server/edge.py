"""The server of all connections, and the runner that starts it and stops it within a budget."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.http_parser import HttpRequestParser, HttpRequestParserPy

from framework.errors import ConfigurationError
from framework.server import refusals
from framework.server.keys import DISPATCH, REFUSE
from framework.server.lifecycle import CONNECTIONS, LIFECYCLE, Connections, Lifecycle, Phase
from framework.server.protocol import Connection, Terms, make_request
from framework.server.settings import ServerSettings

logger = logging.getLogger("framework.server")


@dataclass(frozen=True, slots=True)
class StopPlan:
    """Share out the seconds of a graceful stop: draining, finishing requests, cancelling them, closing the service."""

    drain: float
    finish: float
    cancel: float
    close: float

    @classmethod
    def from_settings(cls, settings: ServerSettings) -> StopPlan:
        left = settings.stop_seconds - settings.drain_seconds
        return cls(drain=settings.drain_seconds, finish=left * 0.75, cancel=left * 0.1, close=left * 0.15)


class Edge(web.Server):
    """Make a ``Connection`` for each client, and see all of them off at the end."""

    def __init__(self, handler: Any, terms: Terms, lifecycle: Lifecycle) -> None:
        super().__init__(handler, request_factory=make_request)  # type: ignore[arg-type]
        self._terms = terms
        self._options = terms.handler_options()
        self._lifecycle = lifecycle
        self._plan = StopPlan.from_settings(terms.settings)

    def __call__(self) -> Connection:
        return Connection(self, self._terms, self._options, self._loop)

    def announce_closing(self) -> None:
        """Make each answer from now on the last one of its connection."""
        self._terms.closing = True

    def pre_shutdown(self) -> None:
        self.announce_closing()
        for connection in self.connections:
            # aiohttp would close the busy ones too, and bodies that are still arriving would never be complete.
            if isinstance(connection, Connection) and connection.is_idle:
                connection.force_close()

    async def shutdown(self, timeout: float | None = None) -> None:
        """Wait for the requests in progress, then cancel them, then cut the connections."""
        work = {c.work for c in self.connections if isinstance(c, Connection) and c.work is not None}
        pending = await self._wait(work, self._plan.finish)
        if pending:
            logger.warning("Cancelling requests that did not end in time", extra={"requests": len(pending)})
            for task in pending:
                task.cancel()
            await asyncio.wait(pending, timeout=self._plan.cancel)
        for connection in self.connections:
            connection.force_close()
        self._connections.clear()

    async def _wait(self, work: set[asyncio.Task[None]], seconds: float) -> set[asyncio.Task[None]]:
        if not work:
            return set()
        patience = asyncio.create_task(self._lifecycle.patience(seconds))
        finished = asyncio.create_task(asyncio.wait(work))
        try:
            await asyncio.wait({patience, finished}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            patience.cancel()
            finished.cancel()
        return {task for task in work if not task.done()}


class Runner(web.AppRunner):
    """Run an application on an ``Edge``, from its start-up to the end of its graceful stop."""

    __slots__ = ("_lifecycle", "_plan", "settings")

    def __init__(self, app: web.Application, settings: ServerSettings) -> None:
        super().__init__(app)
        require_c_parser(settings)
        self.settings = settings
        self._plan = StopPlan.from_settings(settings)
        self._lifecycle = app.get(LIFECYCLE) or Lifecycle()
        if LIFECYCLE not in app:
            app[LIFECYCLE] = self._lifecycle
        if CONNECTIONS not in app:
            app[CONNECTIONS] = Connections()

    @property
    def lifecycle(self) -> Lifecycle:
        return self._lifecycle

    async def stop(self) -> None:
        """Drain, then close; within ``stop_seconds`` in all."""
        self._lifecycle.phase = Phase.DRAINING
        if isinstance(self.server, Edge):
            self.server.announce_closing()
            await self._lifecycle.patience(self._plan.drain)
        await self.cleanup()

    async def shutdown(self) -> None:
        await _within(self._plan.cancel, self.app[CONNECTIONS].end(), "ending sockets and streams")
        await _within(self._plan.cancel, super().shutdown(), "the application's on_shutdown")

    async def _make_server(self) -> web.Server:
        stock = await super()._make_server()
        handler = self.app.get(DISPATCH) or stock.request_handler
        terms = Terms(self.settings, self.app.get(REFUSE) or refusals.answer)
        return Edge(handler, terms, self._lifecycle)

    async def _cleanup_server(self) -> None:
        await _within(self._plan.close, super()._cleanup_server(), "the application's clean-up")


def require_c_parser(settings: ServerSettings) -> None:
    """Refuse to start on aiohttp's parser in pure Python.

    Raises:
        ConfigurationError: The C extension is missing or switched off, and the settings do not allow that.
    """
    if HttpRequestParser is HttpRequestParserPy and not settings.allow_python_parser:
        raise ConfigurationError(
            "aiohttp runs without its C parser here. Install a wheel that has it, unset AIOHTTP_NO_EXTENSIONS, "
            "or set allow_python_parser."
        )


async def _within(seconds: float, work: Awaitable[object], name: str) -> None:
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        logger.error("Gave up waiting for %s", name, extra={"seconds": seconds})
