"""aiohttp's server with connections of ours, and the runner that starts it and stops it within a budget."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from socket import socket
from ssl import SSLContext
from typing import Any

from aiohttp import web
from aiohttp.http_parser import HttpRequestParser, HttpRequestParserPy

from framework.adapters.aiohttp.applications import stock_service
from framework.adapters.aiohttp.exchange import connect
from framework.adapters.aiohttp.protocol import Connection
from framework.adapters.aiohttp.sites import Site
from framework.errors import ConfigurationError
from framework.server.config import ConnectionConfig
from framework.server.connections import CONNECTIONS
from framework.server.deadline import within
from framework.server.lifecycle import Lifecycle, Phase, ensure_lifecycle
from framework.server.service import SERVICE
from framework.server.settings import ServerSettings
from framework.server.stopping import StopPlan, end_connections

logger = logging.getLogger("framework.server")

_LOOK_SECONDS = 0.02  # between two looks at connections that are about to close


class Server(web.Server):
    """The connections of all clients."""

    def __init__(self, handler: Any, config: ConnectionConfig, lifecycle: Lifecycle) -> None:
        super().__init__(handler)
        self._config = config
        self._options = handler_options(config)
        self._lifecycle = lifecycle
        self._plan = StopPlan.from_settings(config.settings)

    def __call__(self) -> Connection:
        return connect(self, self._config, self._options, self._loop)

    def _work(self) -> Iterator[asyncio.Task[None]]:
        for connection in self.connections:
            if isinstance(connection, Connection) and connection.requests.work is not None:
                yield connection.requests.work

    def announce_closing(self) -> None:
        """Make each response from now on the last one of its connection."""
        self._config.closing = True
        for connection in self.connections:
            if isinstance(connection, Connection):
                connection.requests.announce_closing()

    def pre_shutdown(self) -> None:
        self.announce_closing()
        self._close_silent()

    def _close_silent(self) -> None:
        before = self._loop.time() - self._plan.drain
        for connection in self.connections:
            # aiohttp would close busy ones too, and a body that is still arriving would never be complete.
            if isinstance(connection, Connection) and _may_close(connection, before):
                connection.force_close()

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 -- aiohttp's
        """Wait for the requests in progress and on their way, then cancel them, then cut the connections.

        A connection that is closed is waited for until its peer has fetched the last response.
        """
        until = self._loop.time() + (self._plan.finish if timeout is None else timeout)
        while self.connections and (left := until - self._loop.time()) > 0 and not self._lifecycle.is_hurried:
            work = set(self._work())
            if work:
                await self._lifecycle.wait(work, min(left, _LOOK_SECONDS))
            else:
                await self._lifecycle.rest(min(left, _LOOK_SECONDS))
            self._close_silent()
        unfinished = [task for task in self._work() if not task.done()]
        if unfinished:
            logger.warning("Cancelling requests that did not end in time", extra={"count": len(unfinished)})
            for task in unfinished:
                task.cancel()
            await asyncio.wait(unfinished, timeout=self._plan.cancel)
        for connection in self.connections:
            connection.force_close()
        self._connections.clear()


def _may_close(connection: Connection, before: float) -> bool:
    """Tell whether nothing is on its way on a connection: no request, and nobody who came later than that."""
    head = connection._head
    if not connection.is_idle or head.has_begun or head.since > before:
        return False
    return connection.outlet.unread() == 0


class Runner(web.AppRunner):
    """An application on a `Server`, from its start-up to the end of its graceful stop."""

    __slots__ = ("_finish_at", "_plan", "lifecycle", "settings")

    def __init__(self, app: web.Application, settings: ServerSettings) -> None:
        super().__init__(app)
        require_c_parser(settings)
        self.settings = settings
        self.lifecycle = ensure_lifecycle(app)
        self._plan = StopPlan.from_settings(settings)
        self._finish_at = 0.0

    def new_site(self, sock: socket | None, ssl_context: SSLContext | None) -> web.BaseSite:
        """Return a listener on a socket, or on the address in the settings."""
        settings = self.settings
        where = {"host": settings.host, "port": settings.port} if sock is None else {"sock": sock}
        listen: dict[str, Any] = {**where, "ssl": ssl_context, "backlog": settings.backlog}
        if sock is None and settings.reuse_port:
            listen["reuse_port"] = True
        if ssl_context is not None:
            listen["ssl_handshake_timeout"] = settings.handshake_seconds
        return Site(self, listen)

    async def stop(self) -> None:
        """Drain, then close, within ``stop_seconds`` in all."""
        self.lifecycle.phase = Phase.DRAINING
        if isinstance(self.server, Server):
            self.server.announce_closing()
            ending = asyncio.create_task(self._end_connections(lasted_seconds=self._plan.drain))
            await self.lifecycle.rest(self._plan.drain)
            await ending
        self._finish_at = asyncio.get_running_loop().time() + self._plan.finish
        await self.cleanup()

    async def _end_connections(self, *, lasted_seconds: float = 0.0) -> None:
        connections = self.app[CONNECTIONS]
        await end_connections(connections, self.lifecycle, self._plan.part, lasted_seconds=lasted_seconds)

    async def shutdown(self) -> None:
        """Take leave; aiohttp calls this when the listener is closed, and waits for the requests next."""
        await self._end_connections()
        try:
            left = max(0.0, self._finish_at - asyncio.get_running_loop().time())
            await within(left, super().shutdown(), name="the application's on_shutdown")
        except Exception:  # the connections and what the application has opened must be closed all the same
            logger.exception("The application's on_shutdown failed")
        self._shutdown_timeout = max(0.0, self._finish_at - asyncio.get_running_loop().time())

    async def _make_server(self) -> web.Server:
        await super()._make_server()  # starts the application
        service = self.app[SERVICE](self.app) if SERVICE in self.app else stock_service(self.app)
        config = ConnectionConfig(self.settings, service, self.app[CONNECTIONS])
        return Server(service.handler, config, self.lifecycle)

    async def _cleanup_server(self) -> None:
        await within(self._plan.close, super()._cleanup_server(), name="the application's clean-up")


def handler_options(config: ConnectionConfig) -> dict[str, Any]:
    """Return the keyword arguments of aiohttp's request handler."""
    settings = config.settings
    return {
        "keepalive_timeout": settings.keepalive_seconds,
        "lingering_time": settings.linger_seconds,
        "max_line_size": config.target_limit,
        "max_field_size": settings.header_bytes,
        "max_headers": settings.header_count,
        "auto_decompress": False,
        "access_log": None,
    }


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
