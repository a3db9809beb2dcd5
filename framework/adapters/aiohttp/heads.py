"""Heads of short responses, learned from the first of their kind.

A response of JSON that nobody has touched has a head that depends on a few facts: so many that the batteries name them.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Final

from aiohttp import HttpVersion11
from aiohttp.helpers import rfc822_formatted_time

from framework.adapters.aiohttp.responses import JSONResponse
from framework.battery import Facts

LONGEST_BODY: Final = 16_384  # joining it to its head costs less than a second write
WITHOUT_BODY: Final = frozenset({*range(100, 200), 204, 304})
_MOST_HEADS = 32  # of one endpoint
_VARYING = re.compile(
    r"(?s:(?P<before>.*?\r\nContent-Length: ))(?P<length>\d+)\r\nDate: [^\r]*"
    r"(?s:(?P<between>\r\n.*?X-Request-ID: ))(?P<id>[^\r]*)(?s:(?P<after>.*))"
)


class Heads:
    """What is known of the heads of an endpoint's responses.

    The first response of a kind is made in the usual way, and its head is kept, cut where its length, the date and the
    request's id stand. Later ones are one formatted text.

    Args:
        facts: All that headers depend on besides status, media type, request id and TLS.
        waits: Where a request keeps what its response has to wait for; no head of such a one is kept.
    """

    __slots__ = ("_headers", "_kept", "_templates", "_waits")

    def __init__(self, facts: Iterable[Facts] = (), waits: Sequence[Any] = ()) -> None:
        facts = tuple(facts)
        self._kept = tuple(dict.fromkeys(key for each in facts for key in each.kept))
        self._headers = tuple(item for each in facts for item in each.headers.items())
        self._waits = tuple(waits)
        self._templates: dict[Hashable, str] = {}

    def key(self, request: Any, response: Any) -> Hashable:
        """Return what a response's head is kept under; None if it is none to be kept."""
        # Is the response just as it was made, and will be followed by others on its connection?
        if (
            type(response) is not JSONResponse
            or response.untouched is None
            or type(response._body) is not bytes
            or len(response._body) > LONGEST_BODY
            or response._keep_alive is not None
            or response._payload_writer is not None
            or response._cookies is not None
            or response._eof_sent
            or response._chunked
            or response._compression
            or response._status in WITHOUT_BODY
            or request.has_writer
            or request._message.should_close
            or request._method == "HEAD"
            or request._version is not HttpVersion11
        ):
            return None
        kept, sent = request._state, request._headers
        key = [response._status, response._reason, response.untouched, request._transport_sslcontext is None]
        for place in self._waits:
            if place in kept:
                return None
        # PERF: a comprehension is a call on Python 3.11.
        for place in self._kept:
            key.append(place in kept)  # noqa: PERF401
        try:
            for name, amounts in self._headers:
                key.append(amounts[sent.get(name)])
        except LookupError:
            return None
        return tuple(key)

    def data(self, key: Hashable, response: Any, request_id: str | None) -> bytes | None:
        """Return the whole response, which counts as sent from now on; None if its head is not known."""
        template = self._templates.get(key)
        # A line break in an id would begin a header, or another response; the usual way refuses it.
        if template is None or not request_id or not request_id.isprintable():
            return None
        body = response._body
        data: bytes = (template % (len(body), rfc822_formatted_time(), request_id)).encode() + body
        response._keep_alive = response._eof_sent = True
        response._body_length = len(data)
        return data

    def learn(self, key: Hashable, data: bytes, size: int, request_id: str) -> None:
        """Keep the head of a response that was made in the usual way, and that all stamps were put on."""
        if len(self._templates) >= _MOST_HEADS:
            return
        head = data[: len(data) - size].decode()
        found = _VARYING.fullmatch(head)
        if found is not None and (found["length"], found["id"]) == (str(size), request_id):
            pieces = [found[name].replace("%", "%%") for name in ("before", "between", "after")]
            if any(request_id in piece for piece in pieces):
                return  # a stamp of somebody's repeats the id, which the next request would be given too
            self._templates[key] = f"{pieces[0]}%d\r\nDate: %s{pieces[1]}%s{pieces[2]}"
