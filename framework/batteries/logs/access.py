"""The line that each request leaves behind."""

from __future__ import annotations

import logging
import os
import random
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from time import perf_counter, time
from typing import Any

from aiohttp import web

from framework.adapters.aiohttp.requests import arrival
from framework.adapters.aiohttp.responses import Outcome, brief, is_fresh, outcome, short_body
from framework.batteries.logs.redaction import FIELD_BYTES, shortened
from framework.batteries.logs.rendering import Render
from framework.batteries.logs.stdlib import REQUEST
from framework.battery import Handler, Middleware
from framework.context import PRINCIPAL, REQUEST_ID, REQUEST_ID_HEADER
from framework.streaming import Ending, Sent, deliver, disconnected, is_gone

_USABLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:=+/-]{0,127}")

_PLAIN = re.compile(r"[A-Za-z0-9/._~:@!$&'()*+,;=-]+")  # a path without percent signs (RFC 3986, 3.3)

# However many bytes its characters take, at most four each.
_SURELY_SHORT = FIELD_BYTES // 4

_MOST_PIECES = 256
_THREE_DIGITS = tuple(f"{number:03d}" for number in range(1000))

_FIRST_ERROR = 400

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


class Lines:
    """The access lines of one endpoint, joined from pieces that were rendered for an earlier request.

    PERF: what is said of a usual request differs from what was said of the last one in a few numbers. Making a record
    of it and rendering that takes ten times as long.

    Args:
        route: The endpoint's template.
        levels: The level of each class of status; None where nothing is told.
        put: Takes a line.
        render: Renders a record as JSON.
    """

    def __init__(self, route: str, levels: Levels, put: Callable[[bytes], object], render: Render) -> None:
        self._route = route
        self._plain_route = route if _is_written_as_it_is(route) else None
        self._levels = levels
        self._put = put
        self._render = render
        self._heads: dict[tuple[str, int], tuple[str, str]] = {}
        self._remotes: dict[str, str] = {}
        self._subjects: dict[str, str] = {}
        self._second = 0
        self._stamp = ""

    def write(self, request: web.Request, response: web.StreamResponse, started: float) -> bool:
        """Write the line of a request whose response is fresh; return False, and write nothing, for an unusual one.

        Args:
            started: When the request began, by `time.perf_counter`.
        """
        told = brief(request, response)
        if told is None or self._levels[told[2] // 100] is None:
            return False
        method, target, status, kept, size, remote = told
        if target != self._plain_route and not _is_written_as_it_is(target):
            return False
        now = time()
        second = int(now)
        if second != self._second:
            self._tick(second)
        microsecond = int((now - second) * 1_000_000)
        head, behind_path = self._heads.get((method, status)) or self._head(method, status)
        client = self._remotes.get(remote) or self._remembered(self._remotes, "remote", remote)
        subject, principal = "", kept.get(PRINCIPAL)
        if principal is not None:
            name = principal.subject
            subject = self._subjects.get(name) or self._remembered(self._subjects, "subject", name)
        took = int((perf_counter() - started) * 1_000_000)
        self._put(
            f"{self._stamp}{_THREE_DIGITS[microsecond // 1000]}{_THREE_DIGITS[microsecond % 1000]}{head}"
            f'{target}{behind_path}{took // 1000}.{_THREE_DIGITS[took % 1000]},"bytes":{size}{client}'
            f',"request_id":"{kept[REQUEST_ID]}"{subject}}}\n'.encode()
        )
        return True

    def _tick(self, second: int) -> None:
        """Note that another second has begun."""
        self._second = second
        self._stamp = datetime.fromtimestamp(second, UTC).strftime('{"timestamp":"%Y-%m-%dT%H:%M:%S.')

    def _head(self, method: str, status: int) -> tuple[str, str]:
        """Return what stands between the time and the path, and between that and the duration."""
        first = {"level": self._levels[status // 100], "event": "request", "method": method}
        then = {"route": self._route, "status": status}
        head = f'Z",{self._members(first)},"path":"', f'",{self._members(then)},"duration_ms":'
        if len(self._heads) < _MOST_PIECES:
            self._heads[method, status] = head
        return head

    def _remembered(self, known: dict[str, str], name: str, value: str) -> str:
        """Return one text as it is rendered under a name, and remember it if it is one of few."""
        found = f",{self._members({name: value})}"
        if len(value) <= _SURELY_SHORT and len(known) < _MOST_PIECES:
            known[value] = found
        return found

    def _members(self, members: dict[str, Any]) -> str:
        return self._render(members).decode().rstrip("\n")[1:-1]


def _is_written_as_it_is(target: str) -> bool:
    """Tell whether a target is its own path, and stands in JSON as it is."""
    return len(target) <= _SURELY_SHORT and _PLAIN.fullmatch(target) is not None


def sampled(tell: Tell, one_in: int) -> Tell:
    """Return what tells of one in so many requests that went well, and of all others."""
    passed = 0

    def tell_of_some(told: Mapping[str, Any]) -> None:
        nonlocal passed
        if told["status"] < _FIRST_ERROR:
            passed += 1
            if passed % one_in != 1 % one_in:
                return
            told = {**told, "one_in": one_in}
        tell(told)

    return tell_of_some


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
        if tell is not None and level is not None:
            tell(record(request, response, end, route, level, perf_counter() - started))

    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = perf_counter()
        kept, headers = arrival(request)
        sent = headers.get(REQUEST_ID_HEADER)
        request_id = kept[REQUEST_ID] = _IDS.pop() if sent is None and _IDS else request_id_from(sent)
        REQUEST.set(request_id)
        try:
            response = await handler(request)
            fresh = is_fresh(response)
            if not fresh and short_body(response) is None:
                response = await deliver(request, response)
        except web.HTTPException as error:
            tell_of(request, error, started)
            raise
        except BaseException:
            tell_of(request, _unanswered(request), started)
            raise
        if not fresh or lines is None or not lines.write(request, response, started):
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
