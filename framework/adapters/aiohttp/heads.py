"""Heads of short responses, learned from the first of their kind.

A response of JSON that nobody has touched has a head that depends on a few facts: so many that the batteries name them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final

from aiohttp import HttpVersion11, web
from aiohttp.helpers import rfc822_formatted_time

from framework.adapters.aiohttp.responses import JSONResponse

LONGEST_BODY: Final = 16_384  # joining it to its head costs less than a second write
WITHOUT_BODY: Final = frozenset({*range(100, 200), 204, 304})
_MOST_HEADS = 32  # of one endpoint
_VARYING = re.compile(
    r"(?s:(?P<before>.*?\r\nContent-Length: ))(?P<length>\d+)\r\nDate: [^\r]*"
    r"(?s:(?P<between>\r\n.*?X-Request-ID: ))(?P<id>[^\r]*)(?s:(?P<after>.*))"
)

Key = Callable[[web.Request], Hashable]


class Heads:
    """What is known of the heads of an endpoint's responses.

    The first response of a kind is made in the usual way, and its head is kept, cut where its length, the date and the
    request's id stand. Later ones are one formatted text.

    Args:
        keys: Give all that headers depend on besides status and media type; LookupError for what is not to be kept.
    """

    __slots__ = ("_keys", "_templates")

    def __init__(self, keys: Sequence[Key]) -> None:
        self._keys = tuple(keys)
        self._templates: dict[Hashable, str] = {}

    def key(self, request: web.Request, response: Any) -> Hashable:
        """Return what a response's head is kept under; None if it is none to be kept."""
        if not _is_untouched(request, response):
            return None
        try:
            return (
                response._status,
                response._reason,
                response.untouched,
                *[key(request) for key in self._keys],
            )
        except LookupError:
            return None

    def data(self, key: Hashable, response: Any, request_id: str) -> bytes | None:
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


def _is_untouched(request: Any, response: Any) -> bool:
    """Tell whether a response is just as it was made, and will be followed by others on its connection."""
    return (
        type(response) is JSONResponse
        and response.untouched is not None
        and type(response._body) is bytes
        and len(response._body) <= LONGEST_BODY
        and response._status not in WITHOUT_BODY
        and response._keep_alive is None
        and response._payload_writer is None
        and response._cookies is None
        and not response._eof_sent
        and not response._chunked
        and not response._compression
        and not request.has_writer
        and not request._message.should_close
        and request._method != "HEAD"
        and request._version is HttpVersion11
    )
