"""The line that each request leaves behind."""

from __future__ import annotations

import logging
import os
import random
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from aiohttp import web

from framework.adapters.aiohttp.requests import arrival
from framework.adapters.aiohttp.responses import Outcome, outcome, short_body
from framework.batteries.logs.lines import Lines
from framework.batteries.logs.redaction import FIELD_BYTES, shortened
from framework.batteries.logs.stdlib import REQUEST
from framework.battery import Handler, Middleware
from framework.context import PRINCIPAL, REQUEST_ID, REQUEST_ID_HEADER
from framework.streaming import Ending, Sent, deliver, disconnected, is_gone

_USABLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:=+/-]{0,127}")

# However many bytes its characters take, at most four each.
_SURELY_SHORT = FIELD_BYTES // 4

Tell = Callable[[Mapping[str, Any]], None]
Levels = Mapping[int, str | None]


def request_id_from(sent: str | None) -> str:
    """Return a client's id for its request if it is short and plain; otherwise a new one of 128 random bits."""
    if sent is not None and _USABLE.fullmatch(sent):
        return sent
    # An id is no secret, and unlike the secure sources this one costs no system call; it is reseeded behind a fork.
    if not _IDS:
        text = random.randbytes(_ID_BYTES * _IDS_AT_ONCE).hex()  # noqa: S311 - PERF: many at once cost a fifth
        size = 2 * _ID_BYTES
        _IDS.extend(text[start : start + size] for start in range(0, len(text), size))
    return _IDS.pop()


_ID_BYTES, _IDS_AT_ONCE = 16, 128
_IDS: list[str] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_IDS.clear)  # two processes would give the same ones


def levels_for(threshold: int, *, quiet: bool) -> Levels:
    """Return how important a request is that ended with a status of each class, 1 to 5; None below the threshold.

    Args:
        threshold: A level of `logging`.
        quiet: Whether it is no news that a request went well.
    """
    well = "debug" if quiet else "info"
    levels = {1: well, 2: well, 3: well, 4: "info", 5: "error"}
    numbers = logging.getLevelNamesMapping()
    return {kind: level if numbers[level.upper()] >= threshold else None for kind, level in levels.items()}


def access_middleware(
    route: str, tell: Tell | None, levels: Levels, lines: Lines | None = None
) -> Middleware:
    """Return what gives an endpoint's requests their id and tells of each at its end.

    Args:
        route: The endpoint's template.
        tell: Writes a record; None to tell of none.
        levels: See `levels_for`.
        lines: Writes the lines of usual requests by itself.
    """

    def tell_of(request: web.Request, response: web.StreamResponse, started: float) -> None:
        end = outcome(request, response)
        level = levels[end[2] // 100]
        if tell is None or level is None:
            return
        if lines is None or not lines.write(request, response, end, started):
            tell(record(request, response, end, route, level, perf_counter() - started))

    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = perf_counter()
        kept, headers = arrival(request)
        request_id = kept[REQUEST_ID] = request_id_from(headers.get(REQUEST_ID_HEADER))
        REQUEST.set(request_id)
        try:
            response = await handler(request)
            if short_body(response) is None:
                response = await deliver(request, response)
        except web.HTTPException as error:
            tell_of(request, error, started)
            raise
        except BaseException:
            tell_of(request, _unanswered(request), started)
            raise
        tell_of(request, response, started)
        return response

    return middleware


def _unanswered(request: web.Request) -> Sent:
    """Return what stands for the answer that an exception or a cancellation has prevented."""
    return disconnected(request) if is_gone(request) else Sent(500, ending=Ending.ABORTED)


def record(
    request: web.Request, response: web.StreamResponse, end: Outcome, route: str, level: str, seconds: float
) -> dict[str, Any]:
    """Return what is told of a request.

    ``bytes`` is the length of the body; of a stream or a file it is all that was sent.
    """
    method, target, status, kept, connected = end
    body = short_body(response)
    path = request.path if "%" in target or "?" in target else target
    told: dict[str, Any] = {
        "timestamp": datetime.now(UTC),
        "level": level,
        "event": "request",
        "method": method,
        "path": path if len(path) <= _SURELY_SHORT else shortened(path),
        "route": route,
        "status": status,
        # PERF: round() takes three times as long.
        "duration_ms": int(seconds * 1_000_000) / 1000,
        "bytes": response.body_length if body is None else len(body) if method != "HEAD" else 0,
        "remote": request.remote,
        "request_id": kept[REQUEST_ID],
    }
    principal = kept.get(PRINCIPAL)
    if principal is not None:
        subject = principal.subject
        told["subject"] = subject if len(subject) <= _SURELY_SHORT else shortened(subject)
    if type(response) is Sent:
        if response.ending is not Ending.COMPLETE:
            told[response.ending.value] = True
    elif not connected:
        told[Ending.DISCONNECTED.value] = True
    return told
