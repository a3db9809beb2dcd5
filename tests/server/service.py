"""A small service to be served: it remembers what reached it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web

from framework.server import Running, ServerSettings, serve

CALLS: Final = web.AppKey("calls", list[str])

# Short enough for tests, long enough for a busy machine.
FAST: Final[dict[str, Any]] = {"port": 0, "linger_seconds": 0.3, "drain_seconds": 0}


async def remember(request: web.Request) -> web.Response:
    """Respond with what arrived."""
    request.app[CALLS].append(f"{request.method} {request.path_qs}")
    body = await request.read()
    return web.json_response({"path": request.path, "url": str(request.url), "bytes": len(body)})


def service(*routes: web.RouteDef) -> web.Application:
    """Return an application with routes of its own, and ``remember`` for everything else."""
    app = web.Application()
    app[CALLS] = []
    app.add_routes([*routes, web.route("*", "/{tail:.*}", remember)])
    return app


@asynccontextmanager
async def serving(app: web.Application, **settings: Any) -> AsyncIterator[Running]:
    """Serve on a free port."""
    async with serve(app, ServerSettings(**{**FAST, **settings})) as running:
        yield running


async def until(condition: Any, *, seconds: float = 5) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 -- what is waited for knows no event
            await asyncio.sleep(0.01)


def errors(records: Sequence[Any]) -> list[str]:
    """Return the log lines that somebody would be woken up for, or that hold a traceback."""
    return [
        record.getMessage()
        for record in records
        if record.levelname in ("ERROR", "CRITICAL") or record.exc_info
    ]
