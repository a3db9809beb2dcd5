"""Serve an application by aiohttp's public path alone: without the guarantees in `framework.server.guarantees`."""

from __future__ import annotations

from socket import socket
from ssl import SSLContext
from typing import Any, NamedTuple

from aiohttp import hdrs, web
from aiohttp.http import HttpVersion
from multidict import CIMultiDictProxy
from yarl import URL

from framework.server.app_keys import SERVER_SETTINGS
from framework.server.connections import CONNECTIONS
from framework.server.lifecycle import Phase, ensure_lifecycle
from framework.server.request_checks import find_refusal
from framework.server.service import Handler, Refuse
from framework.server.settings import REQUEST_LINE_FRAME_BYTES, ServerSettings
from framework.server.stopping import StopPlan, end_connections


class Runner(web.AppRunner):
    """An application on aiohttp's own server, from its start-up to the end of its graceful stop."""

    __slots__ = ("_plan", "lifecycle", "settings")

    def __init__(self, app: web.Application, settings: ServerSettings) -> None:
        plan = StopPlan.from_settings(settings)
        super().__init__(
            app,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=settings.keepalive_seconds,
            lingering_time=settings.linger_seconds,
            max_line_size=settings.request_line_bytes - REQUEST_LINE_FRAME_BYTES,
            max_field_size=settings.header_bytes,
            max_headers=settings.header_count,
            # aiohttp waits so long for requests in progress, and again for what it has cancelled.
            shutdown_timeout=plan.finish / 2,
        )
        self.settings = settings
        self.lifecycle = ensure_lifecycle(app)
        self._plan = plan
        if not app.frozen:
            app.on_response_prepare.append(_finish_head)

    def new_site(self, sock: socket | None, ssl_context: SSLContext | None) -> web.BaseSite:
        """Return a listener on a socket, or on the address in the settings."""
        settings, backlog = self.settings, self.settings.backlog
        if sock is not None:
            return web.SockSite(self, sock, ssl_context=ssl_context, backlog=backlog)
        reuse_port = settings.reuse_port or None
        return web.TCPSite(
            self,
            settings.host,
            settings.port,
            ssl_context=ssl_context,
            backlog=backlog,
            reuse_port=reuse_port,
        )

    async def stop(self) -> None:
        """Drain, then close, within ``stop_seconds`` in all."""
        self.lifecycle.phase = Phase.DRAINING
        if self.server is not None:
            await end_connections(
                self.app[CONNECTIONS], self.lifecycle, self._plan.part, lasted_seconds=self._plan.drain
            )
            await self.lifecycle.rest(self._plan.drain)
        await self.cleanup()

    async def shutdown(self) -> None:
        """Take leave; aiohttp calls this when the listener is closed, and waits for the requests next."""
        await end_connections(self.app[CONNECTIONS], self.lifecycle, self._plan.part)
        await super().shutdown()


class _Head(NamedTuple):
    method: str
    path: str
    version: HttpVersion
    headers: CIMultiDictProxy[str]
    url: URL


def checking(refuse: Refuse) -> Any:
    """Return the middleware that refuses what our own server refuses before routing."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        head = _Head(request.method, request.raw_path, request.version, request.headers, request.rel_url)
        settings = request.app.get(SERVER_SETTINGS) or ServerSettings()
        accepted, hosts = settings.accept_encoded_bodies, settings.hosts
        refusal = find_refusal(head, has_body=request.body_exists, accept_encoded=accepted, hosts=hosts)
        return await handler(request) if refusal is None else refuse(request, refusal)

    return check


async def _finish_head(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.popall(hdrs.SERVER, None)
    if hdrs.TRANSFER_ENCODING in request.headers:
        # aiohttp's parser would put a trailer in front of the next request's headers: let there be no next one.
        response.force_close()
        if response.status != 101:
            response.headers[hdrs.CONNECTION] = "close"
