"""The last requests and how they were answered."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from time import perf_counter, time
from typing import Any

from aiohttp import web

from framework.battery import Handler, Middleware
from framework.context import REQUEST_ID, find
from framework.endpoint import Endpoint
from framework.marks import Quiet
from framework.streaming import is_gone

_LONGEST_PATH = 256


class Exchanges:
    """The last exchanges of a worker; queries, headers and bodies, which may hold secrets, are not kept.

    Args:
        most: How many.
    """

    def __init__(self, most: int) -> None:
        self._kept: deque[tuple[float, str | None, str, str, str, int, float]] = deque(maxlen=most)

    def plan(self, endpoint: Endpoint) -> Middleware | None:
        """Return what remembers the requests of an endpoint, unless they are probes."""
        if endpoint.find(Quiet) is not None:
            return None
        route, keep = endpoint.path, self._kept.append

        async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            started, status = perf_counter(), 500
            try:
                response = await handler(request)
                status = response.status
                return response
            except web.HTTPException as error:
                status = error.status
                raise
            except BaseException:
                status = 499 if is_gone(request) else 500
                raise
            finally:
                took = perf_counter() - started
                path = request.path[:_LONGEST_PATH]
                keep((time(), find(request, REQUEST_ID), request.method, path, route, status, took))

        return middleware

    async def report(self) -> list[dict[str, Any]]:
        """Return them, the last one first."""
        return [
            {
                "ended": datetime.fromtimestamp(ended, UTC).isoformat(),
                "request_id": request_id,
                "method": method,
                "path": path,
                "route": route,
                "status": status,
                "duration_ms": round(took * 1000, 3),
            }
            for ended, request_id, method, path, route, status, took in reversed(self._kept)
        ]
