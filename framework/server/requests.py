"""The request that an application sees, made from a head that passed the gate or from one that did not."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Final, cast

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.helpers import parse_http_date
from aiohttp.http import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from framework.server import gate
from framework.server.writer import Writer

#: What a request is made from that could not be read; aiohttp's own would be answered in HTTP/1.0.
UNREAD: Final = RawRequestMessage(
    "UNKNOWN", "/", HttpVersion11, CIMultiDictProxy(CIMultiDict()), (), True, None, False, False, URL("/")
)

_HOST, _EXPECT, _CONTENT_TYPE = hdrs.HOST, hdrs.EXPECT, hdrs.CONTENT_TYPE
_TRANSFER_ENCODING, _CONTENT_ENCODING = hdrs.TRANSFER_ENCODING, hdrs.CONTENT_ENCODING
_ORDINARY_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Request(web.Request):
    """A request whose clones are the same request, and which ignores a date that there never is.

    RFC 9110 (13.1.3) asks for the latter; aiohttp's own fails on a year beyond 32 bits.
    """

    def clone(self, **changes: Any) -> Request:
        """Return the request with other headers and so on: what is kept under its keys is one state.

        A battery that passes a clone on must not part those in front of it from what those behind it keep there, such
        as services to be closed.
        """
        clone = cast("Request", super().clone(**changes))
        clone._state = self._state
        return clone

    @property
    def if_modified_since(self) -> datetime | None:
        return _date_in(self.headers.get(hdrs.IF_MODIFIED_SINCE))

    @property
    def if_unmodified_since(self) -> datetime | None:
        return _date_in(self.headers.get(hdrs.IF_UNMODIFIED_SINCE))

    @property
    def if_range(self) -> datetime | None:
        return _date_in(self.headers.get(hdrs.IF_RANGE))


def ordinary_request(
    message: RawRequestMessage, payload: StreamReader, connection: Any, task: asyncio.Task[None]
) -> Request:
    """Make a request whose target is a path."""
    # PERF: what aiohttp does at length, for targets of other forms too.
    loop, terms = connection._loop, connection.terms
    request = object.__new__(Request)
    request._message = message
    request._protocol = connection
    request._payload_writer = Writer(connection, loop)
    request._payload = payload
    request._headers = message.headers
    request._method = message.method
    request._version = message.version
    request._cache = {}
    request._rel_url = message.url
    request._state = {}
    request._task = task
    request._client_max_size = terms.max_body
    request._client_max_fields = terms.max_fields
    request._loop = loop
    request._transport_sslcontext = connection.ssl_context
    request._transport_peername = connection.peername
    request._transport_sockname = connection.sockname
    return request


def is_ordinary(message: RawRequestMessage, payload: StreamReader, known_host: str | None) -> bool:
    """Tell at a glance that there is nothing in a head that a closer look would refuse or change."""
    headers, target = message.headers, message.path
    return (
        message.method in _ORDINARY_METHODS
        and target[0] == "/"
        and "/." not in target
        and "%2" not in target
        and "#" not in target
        and message.version is HttpVersion11  # which it never is with aiohttp's parser in Python
        and headers.get(_HOST) == known_host
        and _TRANSFER_ENCODING not in headers
        and _EXPECT not in headers
        and len(headers.get(_CONTENT_TYPE, "")) <= gate.CONTENT_TYPE_LENGTH
        and (payload is EMPTY_PAYLOAD or _CONTENT_ENCODING not in headers)
    )


def _date_in(value: str | None) -> datetime | None:
    try:
        return parse_http_date(value)
    except OverflowError:
        return None
