"""Short responses: those whose body is a few bytes in memory leave in one piece, without a wait in between.

aiohttp prepares, signals, writes and ends every response through a chain of coroutines, because any of these steps
may have to wait. Here nothing has to: what this module does is what they do for such a response.
"""

from __future__ import annotations

from typing import Any, Final

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http_writer import _serialize_headers

from framework.adapters.aiohttp.heads import LONGEST_BODY, WITHOUT_BODY
from framework.adapters.aiohttp.responses import JSONResponse

_TYPES: Final = frozenset({web.Response, JSONResponse})
_CONTENT_LENGTH, _CONTENT_TYPE, _CONNECTION = hdrs.CONTENT_LENGTH, hdrs.CONTENT_TYPE, hdrs.CONNECTION
_DATE, _SERVER, _TRANSFER_ENCODING = hdrs.DATE, hdrs.SERVER, hdrs.TRANSFER_ENCODING


def body_of(request: web.BaseRequest, response: web.StreamResponse) -> bytes | None:
    """Return the body of a short response; None for any other, which goes aiohttp's way."""
    if type(response) not in _TYPES:  # somebody's own class may do anything when it is prepared
        return None
    body: Any = b"" if response._body is None else response._body
    headers = response._headers
    is_short = (
        type(body) is bytes
        and len(body) <= LONGEST_BODY
        and response._payload_writer is None
        and not response._eof_sent
        and not request._payload_writer.output_size  # of a response that the handler itself began
        and not response._chunked
        and not response._compression
        and not response._cookies
        and response._status not in WITHOUT_BODY
        and request._method != "HEAD"
        and request._version is HttpVersion11
        and _CONTENT_LENGTH not in headers
        and _TRANSFER_ENCODING not in headers
    )
    return body if is_short else None


def complete(request: web.BaseRequest, response: web.StreamResponse, body: bytes) -> None:
    """Add the headers that HTTP asks for."""
    headers = response._headers
    headers[_CONTENT_LENGTH] = str(len(body))
    if body:
        headers.setdefault(_CONTENT_TYPE, "application/octet-stream")
    headers.setdefault(_DATE, rfc822_formatted_time())
    if response._keep_alive is None:
        response._keep_alive = not request._message.should_close
    if not response._keep_alive:
        headers.setdefault(_CONNECTION, "close")


def take(request: web.BaseRequest, response: web.StreamResponse, body: bytes) -> bytes:
    """Return head and body of a complete response, which counts as sent from now on.

    Raises:
        ValueError: A header holds a line break or NUL.
    """
    headers = response._headers
    headers.popall(_SERVER, None)
    data = _serialize_headers(f"HTTP/1.1 {response._status} {response._reason}", headers) + body
    response._eof_sent = True
    writer: Any = request._payload_writer
    response._body_length = writer.output_size = writer.buffer_size = len(data)
    return data
