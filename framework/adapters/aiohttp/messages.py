"""Heads as aiohttp's parser gives them, and the requests that an application sees."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, cast

from aiohttp import HttpVersion11, hdrs
from aiohttp.helpers import TimerNoop, parse_http_date
from aiohttp.http import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import _ErrInfo
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from framework.adapters.aiohttp.attributes import made_once
from framework.adapters.aiohttp.heads import Heads
from framework.adapters.aiohttp.reading import ReadableRequest
from framework.adapters.aiohttp.writer import Writer
from framework.errors import ServiceError
from framework.problem import Problem
from framework.server import request_checks

#: What a request is made from that could not be read; aiohttp's own would be answered in HTTP/1.0.
UNREAD: Final = RawRequestMessage(
    "UNKNOWN", "/", HttpVersion11, CIMultiDictProxy(CIMultiDict()), (), True, None, False, False, URL("/")
)

_HEADER_FRAME_BYTES = 4  # colon, space, CR, LF
_HOST, _EXPECT, _CONTENT_TYPE = hdrs.HOST, hdrs.EXPECT, hdrs.CONTENT_TYPE
_TRANSFER_ENCODING, _CONTENT_ENCODING = hdrs.TRANSFER_ENCODING, hdrs.CONTENT_ENCODING
_ORDINARY_TARGET: Final = 512  # bytes: too few for too many segments
_ORDINARY_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Request(ReadableRequest):
    """A request that ignores impossible dates (RFC 9110, 13.1.3); aiohttp's own fails on a year beyond 32 bits.

    Attributes:
        heads: What is known of the heads of responses to it.
        has_writer: Somebody has asked for what writes a response.
    """

    heads: Heads | None = None
    has_writer = False

    # PERF: most requests are answered without either.
    _payload_writer: Any = made_once(lambda self: self._make_writer())
    _cache: Any = made_once(lambda self: {})

    def _make_writer(self) -> Writer:
        self.has_writer = True
        return Writer(self._protocol, self._loop, is_head=self._method == hdrs.METH_HEAD)

    async def _prepare_hook(self, response: Any) -> None:
        await super()._prepare_hook(response)
        connection: Any = self._protocol
        connection.requests.note_head(self, response)

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
    loop, service = connection._loop, connection.config.service
    request = object.__new__(Request)
    request._message = message
    request._protocol = connection
    request._payload = payload
    request._headers = message.headers
    request._method = message.method
    request._version = message.version
    request._rel_url = message.url
    request._state = {}
    request._task = task
    request._client_max_size = service.max_body
    request._client_max_fields = service.max_fields
    request._loop = loop
    request._transport_sslcontext, request._transport_peername, request._transport_sockname = connection.ends
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
        and len(target) <= _ORDINARY_TARGET
        and message.version is HttpVersion11  # which it never is with aiohttp's parser in Python
        and headers.get(_HOST) == known_host
        and _TRANSFER_ENCODING not in headers
        and _EXPECT not in headers
        and len(headers.get(_CONTENT_TYPE, "")) <= request_checks.CONTENT_TYPE_LENGTH
        and (payload is EMPTY_PAYLOAD or _CONTENT_ENCODING not in headers)
    )


def _date_in(value: str | None) -> datetime | None:
    try:
        return parse_http_date(value)
    except OverflowError:
        return None


class _Refused(ServiceError):
    """A problem on its way to where aiohttp expects its parser's error."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self._problem = problem

    def problem(self) -> Problem:
        return self._problem


def refused(problem: Problem) -> _ErrInfo:
    """Return what is queued in the place of a head that is refused."""
    return _ErrInfo(status=problem.status, exc=_Refused(problem), message=problem.detail)


def header_bytes(message: RawRequestMessage) -> int:
    """Return the length of all headers together."""
    return sum(len(name) + len(value) + _HEADER_FRAME_BYTES for name, value in message.raw_headers)


class WaitNotice(TimerNoop):
    """A timer that notices that a handler waits for a body: aiohttp enters a stream's before each wait."""

    __slots__ = ("_notice",)

    def __init__(self, notice: Callable[[], None]) -> None:
        self._notice = notice

    def __enter__(self) -> WaitNotice:
        self._notice()
        return self
