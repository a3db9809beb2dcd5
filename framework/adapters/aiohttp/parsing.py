"""The queue of requests that aiohttp's parser fills, and what may stay in it.

aiohttp's C parser keeps the last trailer of a chunked body (RFC 9112, 7.1.2), and puts it in front of the headers of
the request that it parses next: perhaps somebody else's, behind a proxy that uses connections again. So a parser that
has seen the end of chunks parses nothing more, and what it has parsed behind them is dropped.
"""

from __future__ import annotations

from collections import deque

from aiohttp.http import RawRequestMessage
from aiohttp.http_parser import HttpRequestParser
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import RequestHandler, RequestPayloadError, _ErrInfo

from framework.adapters.aiohttp.messages import header_bytes, refused
from framework.server.error_responses import headers_too_large

Messages = deque[tuple[RawRequestMessage | _ErrInfo, StreamReader]]


def new_parser(protocol: RequestHandler) -> HttpRequestParser:
    """Return a parser with a protocol's limits, as aiohttp makes it for a new connection."""
    return HttpRequestParser(
        protocol,
        protocol._loop,
        protocol._read_bufsize,
        max_line_size=protocol.max_line_size,
        max_field_size=protocol.max_field_size,
        max_headers=protocol.max_headers,
        payload_exception=RequestPayloadError,
        auto_decompress=False,
        max_msg_queue_size=protocol._max_msg_queue_size,
    )


def count_behind_chunks(messages: Messages, count: int) -> int:
    """Return how many of the last ``count`` requests stand behind one with a chunked body."""
    for behind in range(count - 1, 0, -1):
        message, _ = messages[-behind - 1]
        if not isinstance(message, _ErrInfo) and message.chunked:
            return behind
    return 0


def drop_last(messages: Messages, count: int) -> None:
    """Forget the last ``count`` requests."""
    for _ in range(count):
        messages.pop()


def refuse_large_heads(messages: Messages, count: int, limit_bytes: int) -> bool:
    """Refuse those of the last requests whose headers are too much together; tell whether there was one."""
    found = False
    for position in range(-count, 0):
        message, _ = messages[position]
        if not isinstance(message, _ErrInfo) and header_bytes(message) > limit_bytes:
            messages[position] = (refused(headers_too_large(limit_bytes)), EMPTY_PAYLOAD)
            found = True
    return found
