"""Access lines that are joined from pieces, which were rendered for an earlier request.

PERF: what is said of a usual request differs from what was said of the last one in a few numbers. Making a record of
it and rendering that takes ten times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from time import perf_counter, time
from typing import Any

from aiohttp import web

from framework.adapters.aiohttp.responses import JSONResponse, Outcome, short_body
from framework.batteries.logs.redaction import FIELD_BYTES
from framework.batteries.logs.rendering import Render
from framework.context import PRINCIPAL, REQUEST_ID

_MOST_PIECES = 256
_SURELY_SHORT = FIELD_BYTES // 4
_THREE_DIGITS = tuple(f"{number:03d}" for number in range(1000))

Piece = Callable[[str], str]


class Lines:
    """The access lines of one endpoint.

    Args:
        route: The endpoint's template; the line of a path with variables is made in the usual way.
        levels: The level of each class of status; None where nothing is told.
        put: Takes a line.
        render: Renders a record as JSON.
    """

    def __init__(
        self, route: str, levels: Mapping[int, str | None], put: Callable[[bytes], object], render: Render
    ) -> None:
        self._route = route
        self._levels = levels
        self._put = put
        self._render = render
        self._heads: dict[tuple[str, int], str] = {}
        self._remote = self._remembered("remote")
        self._subject = self._remembered("subject")
        self._second = 0
        self._stamp = ""

    def write(
        self, request: web.Request, response: web.StreamResponse, outcome: Outcome, started: float
    ) -> bool:
        """Write the line of a request whose response is short JSON; return False, and write nothing, for any other.

        Args:
            outcome: See `framework.adapters.aiohttp.responses.outcome`.
            started: When the request began, by `time.perf_counter`.
        """
        method, target, status, kept, connected = outcome
        if type(response) is not JSONResponse or target != self._route or not connected or method == "HEAD":
            return False
        body, remote = short_body(response), request.remote
        if body is None or remote is None:
            return False
        head = self._heads.get((method, status)) or self._head(method, status)
        microsecond = self._tick(time())
        took = int((perf_counter() - started) * 1_000_000)
        principal = kept.get(PRINCIPAL)
        subject = "" if principal is None else self._subject(principal.subject)
        self._put(
            f"{self._stamp}{_THREE_DIGITS[microsecond // 1000]}{_THREE_DIGITS[microsecond % 1000]}{head}"
            f'{took // 1000}.{_THREE_DIGITS[took % 1000]},"bytes":{len(body)}{self._remote(remote)}'
            f',"request_id":"{kept[REQUEST_ID]}"{subject}}}\n'.encode()
        )
        return True

    def _tick(self, now: float) -> int:
        """Return the microsecond of a time, and see that the stamp is that of its second."""
        second = int(now)
        if second != self._second:
            self._second = second
            self._stamp = datetime.fromtimestamp(second, UTC).strftime('{"timestamp":"%Y-%m-%dT%H:%M:%S.')
        return int((now - second) * 1_000_000)

    def _head(self, method: str, status: int) -> str:
        """Return what stands between the time and the duration."""
        members = {
            "level": self._levels[status // 100],
            "event": "request",
            "method": method,
            "path": self._route,
            "route": self._route,
            "status": status,
        }
        head = f'Z",{self._members(members)},"duration_ms":'
        if len(self._heads) < _MOST_PIECES:
            self._heads[method, status] = head
        return head

    def _remembered(self, name: str) -> Piece:
        """Return what renders one text under a name, and remembers some of them."""
        known: dict[str, str] = {}

        def piece(value: str) -> str:
            found = known.get(value)
            if found is None:
                found = f",{self._members({name: value})}"
                if len(value) <= _SURELY_SHORT and len(known) < _MOST_PIECES:
                    known[value] = found
            return found

        return piece

    def _members(self, members: dict[str, Any]) -> str:
        return self._render(members).decode().rstrip("\n")[1:-1]
