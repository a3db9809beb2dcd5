"""Heads as aiohttp's parser gives them, and the requests that an application sees."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, cast

from aiohttp import HttpVersion11, hdrs
from aiohttp.helpers import TimerNoop, parse_http_date
from aiohttp.http import RawRequestMessage
from aiohttp.web_protocol import _ErrInfo
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from framework.adapters.aiohttp.attributes import made_once
from framework.adapters.aiohttp.heads import Heads
from framework.adapters.aiohttp.reading import ReadableRequest
from framework.adapters.aiohttp.routes import Match, Way
from framework.adapters.aiohttp.writer import Writer
from framework.errors import ServiceError
from framework.problem import Problem

#: What a request is made from that could not be read; aiohttp's own would be answered in HTTP/1.0.
UNREAD: Final = RawRequestMessage(
    "UNKNOWN", "/", HttpVersion11, CIMultiDictProxy(CIMultiDict()), (), True, None, False, False, URL("/")
)

_HEADER_FRAME_BYTES = 4  # colon, space, CR, LF


class Request(ReadableRequest):
    """A request that ignores impossible dates (RFC 9110, 13.1.3); aiohttp's own fails on a year beyond 32 bits.

    Attributes:
        found: The route that it goes to, if aiohttp's router did not find it and nobody has asked for aiohttp's record.
        heads: What is known of the heads of responses to it.
        has_writer: Somebody has asked for what writes a response.
    """

    ATTRS = ReadableRequest.ATTRS | {"found", "has_writer", "heads", "headers", "remote"}

    found: Way | None = None
    heads: Heads | None = None
    has_writer = False

    # PERF: most requests are answered without these.
    _payload_writer: Any = made_once(lambda self: self._make_writer())
    _cache: Any = made_once(lambda self: {})
    _match_info: Any = made_once(lambda self: self._make_match())
    # PERF: aiohttp's own are kept in the cache; these are attributes, which our server sets.
    headers: Any = made_once(lambda self: self._headers)
    remote: Any = made_once(lambda self: self._find_remote())

    # PERF: a mapping's own ask for the key, and catch the KeyError.
    def get(self, key: Any, default: Any = None) -> Any:
        return self._state.get(key, default)

    def __contains__(self, key: object) -> bool:
        return key in self._state

    def _make_writer(self) -> Writer:
        self.has_writer = True
        return Writer(self._protocol, self._loop, is_head=self._method == hdrs.METH_HEAD)

    async def _prepare_hook(self, response: Any) -> None:
        await super()._prepare_hook(response)
        connection: Any = self._protocol
        connection.requests.note_head(self, response)

    def _make_match(self) -> Match | None:
        # From now on the record is what counts: somebody may change it.
        found, self.found = self.found, None
        return None if found is None else Match(*found)

    def _find_remote(self) -> str | None:
        return super().remote

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


def remote_of(peer: Any) -> str | None:
    """Return the other end of a connection as a request tells it; what `request.remote` is unless it is set."""
    if peer is None:
        return None
    return str(peer[0] if isinstance(peer, tuple | list) and peer else peer)


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
