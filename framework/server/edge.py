"""The server of all connections, and the runner that starts it and stops it within a budget."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, NamedTuple

from aiohttp import web
from aiohttp.http_parser import HttpRequestParser, HttpRequestParserPy

from framework.errors import ConfigurationError
from framework.server import refusals
from framework.server.connection import Connection
from framework.server.deadline import within
from framework.server.keys import DISPATCH, PREPARE, REFUSE, STARTED
from framework.server.lifecycle import CONNECTIONS, Lifecycle, Phase, ensure_lifecycle
from framework.server.settings import ServerSettings
from framework.server.terms import Terms

logger = logging.getLogger("framework.server")


class StopPlan(NamedTuple):
    """Share out the seconds of a graceful stop.

    Attributes:
        drain: Serve on, with readiness at 503.
        part: Take leave: of sockets and streams, and of the application's ``on_shutdown``; so long for each.
        finish: Wait for requests in progress, counted from the end of draining, taking leave included.
        cancel: Let cancelled handlers clean up.
        close: Close what the application has opened.
    """

    drain: float
    part: float
    finish: float
    cancel: float
    close: float

    @classmethod
    def from_settings(cls, settings: ServerSettings) -> StopPlan:
        left = settings.stop_seconds - settings.drain_seconds
        return cls(
            drain=settings.drain_seconds,
            part=0.15 * left,
            finish=0.7 * left,
            cancel=0.1 * left,
            close=0.15 * left,
        )


class Edge(web.Server):
    """Make a ``Connection`` for each client, and see all of them off at the end."""

    def __init__(self, handler: Any, terms: Terms, lifecycle: Lifecycle) -> None:
        super().__init__(handler)
        self._terms = terms
        self._options = terms.handler_options()
        self._lifecycle = lifecycle
        self._plan = StopPlan.from_settings(terms.settings)

    def __call__(self) -> Connection:
        return Connection(self, self._terms, self._options, self._loop)

    def announce_closing(self) -> None:
        """Make each answer from now on the last one of its connection."""
        self._terms.closing = True
        for connection in self.connections:
            if isinstance(connection, Connection):
                connection.announce_closing()

    def pre_shutdown(self) -> None:
        self.announce_closing()
        for connection in self.connections:
            # aiohttp would close busy ones too, and a body that is still arriving would never be complete.
            if isinstance(connection, Connection) and connection.is_idle:
                connection.force_close()

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 -- aiohttp's
        """Wait for the requests in progress, then cancel them, then cut the connections."""
        work = {c.work for c in self.connections if isinstance(c, Connection) and c.work is not None}
        if work:
            await self._lifecycle.wait(work, self._plan.finish if timeout is None else timeout)
        unfinished = [task for task in work if not task.done()]
        if unfinished:
            logger.warning("Cancelling requests that did not end in time", extra={"count": len(unfinished)})
            for task in unfinished:
                task.cancel()
            await asyncio.wait(unfinished, timeout=self._plan.cancel)
        for connection in self.connections:
            connection.force_close()
        self._connections.clear()


class Runner(web.AppRunner):
    """Run an application on an ``Edge``, from its start-up to the end of its graceful stop."""

    __slots__ = ("_finish_at", "_plan", "lifecycle", "settings")

    def __init__(self, app: web.Application, settings: ServerSettings) -> None:
        super().__init__(app)
        require_c_parser(settings)
        self.settings = settings
        self.lifecycle = ensure_lifecycle(app)
        self._plan = StopPlan.from_settings(settings)
        self._finish_at = 0.0

    async def stop(self) -> None:
        """Drain, then close, within ``stop_seconds`` in all."""
        self.lifecycle.phase = Phase.DRAINING
        if isinstance(self.server, Edge):
            self.server.announce_closing()
            await self.lifecycle.rest(self._plan.drain)
        self._finish_at = asyncio.get_running_loop().time() + self._plan.finish
        await self.cleanup()

    async def shutdown(self) -> None:
        """Take leave; aiohttp calls this when the listener is closed, and waits for the requests next."""
        await self._end_connections()
        try:
            await within(self._plan.part, super().shutdown(), name="the application's on_shutdown")
        except Exception:  # the connections and what the application has opened must be closed all the same
            logger.exception("The application's on_shutdown failed")
        self._shutdown_timeout = max(0.0, self._finish_at - asyncio.get_running_loop().time())

    async def _end_connections(self) -> None:
        ending = asyncio.create_task(self.app[CONNECTIONS].end(), name="framework.server.ending")
        await self.lifecycle.wait({ending}, self._plan.part)
        if not ending.done():
            logger.info("Cutting off sockets whose clients did not say good-bye in time")
            ending.cancel()

    async def _make_server(self) -> web.Server:
        if STARTED in self.app:
            self.app.on_startup.append(self.app[STARTED])
        stock = await super()._make_server()
        handler = self.app.get(DISPATCH) or stock.request_handler
        app, refuse = self.app, self.app.get(REFUSE) or refusals.answer
        prepare = app.get(PREPARE) or (None if app.on_response_prepare else _add_nothing)
        terms = Terms(self.settings, app._client_max_size, app._client_max_fields, refuse, prepare=prepare)
        return Edge(handler, terms, self.lifecycle)

    async def _cleanup_server(self) -> None:
        await within(self._plan.close, super()._cleanup_server(), name="the application's clean-up")


def _add_nothing(request: web.Request, response: web.StreamResponse) -> bool:
    """Stand in for a signal that nobody receives."""
    return True


def require_c_parser(settings: ServerSettings) -> None:
    """Refuse to start on aiohttp's parser in pure Python.

    Raises:
        ConfigurationError: The C extension is missing or switched off, and the settings do not allow that.
    """
    if HttpRequestParser is HttpRequestParserPy and not settings.allow_python_parser:
        raise ConfigurationError(
            "aiohttp runs without its C parser here: install a wheel that has it, unset "
            "AIOHTTP_NO_EXTENSIONS, or set allow_python_parser."
        )
