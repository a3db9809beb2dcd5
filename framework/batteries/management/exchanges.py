"""The last requests: how they were answered, and what was logged meanwhile."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
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
_LONGEST_LINE = 1000
_MOST_LINES = 20

_LINES: ContextVar[list[str]] = ContextVar("lines_of_an_exchange")

Note = Callable[[str, int, float], None]


class Exchanges:
    """The last exchanges of a worker; queries, headers and bodies, which may hold secrets, are not kept.

    Args:
        most: How many.
        note: ``(route, status, seconds)``: is told of each.
    """

    def __init__(self, most: int, note: Note) -> None:
        self._kept: deque[tuple[float, str | None, str, str, str, int, float, list[str]]] = deque(maxlen=most)
        self._note = note

    def plan(self, endpoint: Endpoint) -> Middleware | None:
        """Return what remembers the requests of an endpoint, unless they are probes."""
        if endpoint.find(Quiet) is not None:
            return None
        route, keep, note = endpoint.path, self._kept.append, self._note

        async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            started, status = perf_counter(), 500
            lines: list[str] = []
            _LINES.set(lines)
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
                keep((time(), find(request, REQUEST_ID), request.method, path, route, status, took, lines))
                note(route, status, took)

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
                "lines": lines,
            }
            for ended, request_id, method, path, route, status, took, lines in reversed(self._kept)
        ]


class Listener(logging.Handler):
    """A handler of log records that gives each to the exchange in which it was made.

    Fields beside the message, which may hold secrets, are left out.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record's level, logger and message."""
        lines = _LINES.get(None)
        if lines is not None and len(lines) < _MOST_LINES:
            line = f"{record.levelname.lower()} {record.name}: {record.getMessage()}"
            if record.exc_info and record.exc_info[1] is not None:
                line = f"{line} ({type(record.exc_info[1]).__name__})"
            lines.append(line[:_LONGEST_LINE])
