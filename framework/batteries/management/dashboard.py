"""The dashboard: one page on the management port that shows what the service does just now."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from time import time
from typing import Any, Final

from aiohttp import hdrs, web

from framework.batteries.management.pulse import merged
from framework.resources import shipped
from framework.validation import json

#: Asks all workers for a report, and returns their answers by number; empty where there is no such report.
Ask = Callable[[str], Awaitable[Mapping[str, Any]]]

DASHBOARD: Final = "/dashboard"
_SECONDS = 1.0
_MOST_EXCHANGES = 50
_FILES: Final = {"": "text/html", "style.css": "text/css", "live.js": "text/javascript"}
# The page loads what stands beside it, asks this port, and nothing else.
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Dashboard:
    """The page, and what it is told every second.

    Args:
        ask: Gives the reports of all workers.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        folder = shipped("templates") / "dashboard"
        self._files = {name: (folder / (name or "index.html")).read_bytes() for name in _FILES}

    async def lead(self, _: web.Request) -> web.StreamResponse:
        """Lead to where the page is."""
        return web.Response(status=HTTPStatus.FOUND, headers={hdrs.LOCATION: f"{DASHBOARD}/"})

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Return the page, its style or its script; they hold no data."""
        name = request.match_info["file"]
        if name not in self._files:
            raise web.HTTPNotFound
        headers = {
            hdrs.CACHE_CONTROL: "no-store",
            "Content-Security-Policy": _POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }
        kind = _FILES[name]
        return web.Response(body=self._files[name], content_type=kind, charset="utf-8", headers=headers)

    async def live(self, request: web.Request) -> web.StreamResponse:
        """Send what the page shows, now and every second, as server-sent events."""
        response = web.StreamResponse(headers={hdrs.CACHE_CONTROL: "no-store"})
        response.content_type = "text/event-stream"
        await response.prepare(request)
        while True:
            document = json.encode(await self._snapshot())
            await response.write(b"data: " + document + b"\n\n")
            await asyncio.sleep(_SECONDS)

    async def _snapshot(self) -> dict[str, Any]:
        names = ("pulse", "exchanges", "upstreams", "health", "load")
        told = dict(zip(names, await asyncio.gather(*map(self._ask, names)), strict=True))
        exchanges = [
            {**each, "worker": worker} for worker, kept in told["exchanges"].items() for each in kept
        ]
        exchanges.sort(key=lambda each: str(each["ended"]), reverse=True)
        return {
            "seconds": merged(told["pulse"].values(), int(time())),
            "routes": {worker: each["routes"] for worker, each in told["pulse"].items()},
            "exchanges": exchanges[:_MOST_EXCHANGES],
            **{name: told[name] for name in ("upstreams", "health", "load")},
        }
