"""The wiring of the logs."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from framework.adapters.aiohttp.requests import find
from framework.batteries.logs.access import Lines, access_middleware, levels_for, sampled
from framework.batteries.logs.ecs import ecs_renderer
from framework.batteries.logs.pipe import Pipe, Write
from framework.batteries.logs.redaction import Cleaner
from framework.batteries.logs.rendering import Render, console_renderer, json_renderer, now
from framework.batteries.logs.settings import Format, LogsSettings
from framework.batteries.logs.stdlib import taken_over
from framework.battery import Battery, Facts, Middleware
from framework.context import REQUEST_ID, REQUEST_ID_HEADER
from framework.endpoint import Endpoint
from framework.marks import Quiet

_CLOSE_SECONDS = 2.0


def battery(settings: LogsSettings | None = None, *, write: Write | None = None) -> Battery:
    """Return the battery that logs what a service does, and gives each request an id.

    Args:
        settings: The defaults when None.
        write: Takes the lines instead of stderr; it is called in a thread of its own.
    """
    settings = settings or LogsSettings()
    clean = Cleaner(settings.redacted)
    is_json = settings.format == "json" or (settings.format == "auto" and not sys.stderr.isatty())
    render = _renderer(settings.format, clean, is_json=is_json)
    pipe = Pipe(limit_bytes=settings.buffer_bytes, report=lambda count: render(_dropped(count)), write=write)
    threshold = logging.getLevelNamesMapping()[settings.level.upper()]

    def tell(record: Mapping[str, Any]) -> None:
        pipe.put(render(record))

    def plan(endpoint: Endpoint) -> Middleware:
        is_quiet = endpoint.find(Quiet) is not None
        if is_quiet and settings.access and settings.quiet_one_in:
            every = levels_for(threshold, quiet=False)
            return access_middleware(endpoint.path, sampled(tell, settings.quiet_one_in), every)
        levels = levels_for(threshold, quiet=is_quiet)
        lines = Lines(endpoint.path, levels, pipe.put, render) if is_json and settings.access else None
        return access_middleware(endpoint.path, tell if settings.access else None, levels, lines)

    @asynccontextmanager
    async def lifespan(app: web.Application) -> AsyncIterator[None]:
        pipe.open()
        try:
            with taken_over(pipe.put, render, clean, threshold):
                yield
        finally:
            await asyncio.to_thread(pipe.close, wait_seconds=_CLOSE_SECONDS)

    return Battery(
        name="logs", plan=plan, stamp=_stamp, stamp_facts=lambda endpoint: Facts(), lifespan=lifespan
    )


def _stamp(request: web.Request, response: web.StreamResponse) -> None:
    request_id = find(request, REQUEST_ID)
    if request_id is not None:
        response.headers[REQUEST_ID_HEADER] = request_id


def _renderer(kind: Format, clean: Cleaner, *, is_json: bool) -> Render:
    if kind == "ecs":
        return ecs_renderer(json_renderer(clean))
    if is_json:
        return json_renderer(clean)
    return console_renderer(colours=sys.stderr.isatty() and not os.environ.get("NO_COLOR"))


def _dropped(count: int) -> dict[str, Any]:
    return {
        "timestamp": now(),
        "level": "warning",
        "logger": "framework.logs",
        "event": "lines_dropped",
        "count": count,
    }
