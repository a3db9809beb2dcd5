"""A service of somebody else's that says what a test wants it to say."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from yarl import URL


@dataclass(frozen=True, slots=True)
class Received:
    """A request that an upstream got."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Script:
    status: int
    json: Any
    text: str | None
    headers: Mapping[str, str]
    seconds: float
    resets: bool


class Upstream:
    """A server that follows a script: each `answer` once, in their order, the last one for good.

    Attributes:
        url: Where it runs.
        requests: What it got, the last one last.
    """

    def __init__(self) -> None:
        self.url = URL()
        self.requests: list[Received] = []
        self._scripts: dict[tuple[str, str], deque[_Script]] = defaultdict(deque)

    def answer(
        self,
        method: str,
        path: str,
        *,
        status: int = 200,
        json: Any = None,
        text: str | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float = 0.0,
        resets: bool = False,
    ) -> Upstream:
        """Script how the next request to a path is answered; return the upstream, for more.

        Args:
            method: The method.
            path: The path, without a query.
            status: The status.
            json: A value to send as JSON.
            text: Text to send instead.
            headers: Further headers.
            seconds: How long it takes.
            resets: Whether the connection is cut instead.
        """
        script = _Script(status, json, text, headers or {}, seconds, resets)
        self._scripts[method.upper(), path].append(script)
        return self

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Upstream]:
        """Run it on a free port of this machine."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._respond)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = URL(f"http://127.0.0.1:{runner.addresses[0][1]}")
            yield self
        finally:
            await runner.cleanup()

    async def _respond(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.requests.append(Received(request.method, request.path_qs, request.headers, body))
        scripts = self._scripts.get((request.method, request.path))
        if not scripts:
            return web.Response(
                status=404, text=f"No answer was scripted for {request.method} {request.path}."
            )
        script = scripts.popleft() if len(scripts) > 1 else scripts[0]
        await asyncio.sleep(script.seconds)
        if script.resets and request.transport is not None:
            request.transport.abort()
        if script.text is not None:
            return web.Response(status=script.status, text=script.text, headers=script.headers)
        return web.json_response(script.json, status=script.status, headers=script.headers)
