"""The line that each request leaves behind."""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from aiohttp import web

from framework.adapters.aiohttp.requests import arrival
from framework.adapters.aiohttp.responses import outcome, short_body
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
    return "%032x" % random.getrandbits(128)  # noqa: UP031 - PERF: two thirds of an f-string's cost


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


def access_middleware(route: str, tell: Tell | None, levels: Levels) -> Middleware:
    """Return what gives an endpoint's requests their id and tells of each at its end.

    Args:
        route: The endpoint's template.
        tell: Writes a record; None to tell of none.
        levels: See `levels_for`.
    """

    def tell_of(request: web.Request, response: web.StreamResponse, started: float) -> None:
        told = None if tell is None else record(request, route, response, levels, perf_counter() - started)
        if tell is not None and told is not None:
            tell(told)

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
    request: web.Request, route: str, response: web.StreamResponse, levels: Levels, seconds: float
) -> dict[str, Any] | None:
    """Return what is told of a request; None if that is less important than what is kept.

    ``bytes`` is the length of the body; of a stream or a file it is all that was sent.
    """
    method, target, status, kept, connected = outcome(request, response)
    level, body = levels[status // 100], short_body(response)
    if level is None:
        return None
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
