"""The bytes of one connection: what comes in, how fast it comes, and how fast answers are fetched.

Here and in ``connection.py`` private parts of aiohttp 3.14 are leaned on, because the public ones begin after
routing. A test, ``test_aiohttp_seams.py``, names each of them and fails when one moves.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.tcp_helpers import tcp_keepalive
from aiohttp.web_protocol import RequestHandler, _ErrInfo

from framework.errors import BadRequest, Problem, RequestTimeout, ServiceError
from framework.server import gate, refusals
from framework.server.terms import Terms
from framework.server.watch import ArrivalWatch, FetchWatch

logger = logging.getLogger("framework.server")

# PERF: cheaper than super(), and called for each piece that comes in or is read.
_parse, _resume = RequestHandler.data_received, RequestHandler.resume_reading

_HEADER_FRAME_BYTES = 4  # colon, space, CR, LF


class Wire(RequestHandler):
    """Receive requests within the server's terms; ``Connection`` answers them."""

    __slots__ = (
        "_arrival",
        "_awaits_continue",
        "_body",
        "_deaf",
        "_fetch",
        "_gone",
        "_head_bytes",
        "_head_since",
        "_headers_limit",
        "_is_midway",
        "_left",
        "_server",
        "_stays_paused",
        "_transport",
        "terms",
        "work",
    )

    def __init__(
        self, manager: web.Server, terms: Terms, options: dict[str, Any], loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(manager, loop=loop, **options)
        self.terms = terms
        self._server = manager  # unlike aiohttp's, kept when the connection is lost
        self.work: asyncio.Task[None] | None = None  # that answers the request in progress
        self._transport: asyncio.Transport | None = None  # unlike aiohttp's, kept until it is really closed
        self._gone: asyncio.Future[None] | None = None
        self._left = 1 if terms.closing else terms.settings.requests_per_connection  # answers
        self._deaf = False  # an error answer is on its way, and what still comes in is not read
        self._headers_limit = terms.settings.headers_bytes
        self._is_midway = False  # part of a head or of a body may have arrived, or a first head is waited for
        self._head_since = 0.0
        self._head_bytes = 0
        self._body: StreamReader | None = None  # a body that is still arriving
        self._stays_paused = False  # the parser may be, though reading is not
        self._awaits_continue = False
        self._arrival: ArrivalWatch | None = None
        self._fetch: FetchWatch | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's do not inherit from it
        # aiohttp's own would start a task that lives as long as the connection.
        BaseProtocol.connection_made(self, transport)
        tcp_keepalive(self._transport)
        self._server.connection_made(self, self._transport)
        self._expect_head()

    def begin(self) -> None:
        """Answer the request that waits longest, unless another one is being answered."""
        raise NotImplementedError

    def connection_lost(self, exc: BaseException | None) -> None:
        self._transport = None
        for watch in (self._arrival, self._fetch):
            if watch is not None:
                watch.stop()
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)
        super().connection_lost(exc)

    def announce_closing(self) -> None:
        """Make the next answer the last one."""
        self._left = 1

    @property
    def is_idle(self) -> bool:
        return not self._request_in_progress and not self._messages

    # Heads

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        parsed = self._request_count
        _parse(self, data)
        count = self._request_count - parsed
        if count:
            # PERF: one whole request, first byte to last, in one piece is nearly all that ever comes.
            message, payload = self._messages[-1]
            if (
                count > 1
                or self._is_midway
                or not 0 < len(data) <= self._headers_limit
                or type(message) is _ErrInfo
                or not payload.is_eof()
            ):
                self._requests_parsed(count, len(data))
            self.begin()
        elif data and not self._upgraded and self._payload_parser is None:
            self._part_received(len(data))
        elif self._body is not None and self._body.is_eof():
            self._body_ended()
            self._is_midway = True

    def _requests_parsed(self, count: int, size: int) -> None:
        message, payload = self._messages[-1]
        if isinstance(message, _ErrInfo):
            self._unreadable(message.exc)
            return
        # The parser may have kept some of it back, and the end of a piece may be part of the next head.
        is_all = 0 < size <= self._headers_limit
        if self._is_midway or not is_all:
            self._check_header_totals(count)
        if self._is_midway:
            self._head_arrived()
            self._body_ended()
        self._is_midway = not is_all
        if not payload.is_eof() and not self._deaf:
            self._is_midway = True
            self._body = payload
            if not gate.awaits_continue(message):
                self._watch_arrival()

    def _part_received(self, size: int) -> None:
        if self._body is None:
            self._head_grew(size)
        elif self._body.is_eof():
            self._body_ended()
            self._is_midway = True  # part of the next head may have come with it
        elif self._arrival is not None:
            self._arrival.moved(size)
        else:  # the client does not wait for 100 Continue any longer
            self._awaits_continue = False
            self._watch_arrival()

    def _head_grew(self, size: int) -> None:
        self._head_bytes += size
        settings = self.terms.settings
        if self._head_bytes > settings.request_line_bytes + settings.headers_bytes:
            self._refuse_head(refusals.headers_too_large(settings.headers_bytes))
        elif not self._head_since:
            self._expect_head()

    def _check_header_totals(self, count: int) -> None:
        limit = self._headers_limit
        for position in range(-count, 0):
            message, _ = self._messages[position]
            if not isinstance(message, _ErrInfo) and _header_bytes(message.raw_headers) > limit:
                self._messages[position] = (_error(refusals.headers_too_large(limit)), EMPTY_PAYLOAD)
                self._deaf = True

    def _refuse_head(self, problem: Problem) -> None:
        self._deaf = True
        self._request_count += 1
        self._messages.append((_error(problem), EMPTY_PAYLOAD))
        self.begin()

    def _unreadable(self, error: BaseException) -> None:
        """Go deaf: after an error of the parser nobody knows where the next request begins."""
        self._deaf = True
        if self._body is not None and not self._body.is_eof():
            # The parser has let go of the body without a word, and its handler would wait for ever.
            self._fail_body(self._body, BadRequest(self._explain(error).detail))

    def _explain(self, error: BaseException) -> Problem:
        return refusals.problem_from_parser(
            error, target_limit=self.terms.target_limit, header_limit=self.terms.settings.header_bytes
        )

    def _expect_head(self) -> None:
        self._is_midway = True
        self._head_since = self._loop.time()
        self._wake_at(self._head_since + self.terms.settings.header_read_seconds)

    def _head_arrived(self) -> None:
        self._is_midway = False
        self._head_bytes = 0
        if self._head_since and self._keepalive_handle is not None:
            self._keepalive_handle.cancel()
            self._keepalive_handle = None  # rest() sets another
        self._head_since = 0.0

    def _wake_at(self, when: float) -> None:
        if self._keepalive_handle is not None:
            self._keepalive_handle.cancel()
        # Often called within a request, whose context would otherwise live as long as the connection.
        self._keepalive_handle = self._loop.call_at(when, self._process_keepalive, context=self.terms.context)

    def _process_keepalive(self) -> None:
        self._keepalive_handle = None
        if self._force_close or self._deaf:
            return
        due = self._next_keepalive_close_time
        if self._head_since:
            due = self._head_since + self.terms.settings.header_read_seconds
        if self._loop.time() < due:
            self._wake_at(due)
        elif self.is_idle:
            if self._head_bytes:
                self._refuse_head(refusals.HEAD_TOO_SLOW)
            else:
                self.force_close()

    # Bodies

    def _watch_arrival(self) -> None:
        self._arrival = ArrivalWatch(self._loop, self.terms.pace, self._arrival_stalled)

    def _arrival_stalled(self) -> None:
        if self._reading_paused or self._buffer_paused:  # the handler is the slow one
            self._watch_arrival()
        elif self._body is not None and not self._body.is_eof():
            self._deaf = True
            self._fail_body(self._body, RequestTimeout("The body did not arrive in time."))

    def _fail_body(self, body: StreamReader, error: ServiceError) -> None:
        """Let the handler's read fail, and close after its answer."""
        self._left = 1
        self._lingering_time = 0.0
        body.set_exception(error)
        self._body_ended()

    def _body_ended(self) -> None:
        if self._arrival is not None:
            self._arrival.stop()
        self._arrival = self._body = None
        self._is_midway = bool(self._head_since)
        self._awaits_continue = False

    def body_taken(self) -> None:
        """Let the parser go on behind a body that was still arriving when its request was taken.

        It counts requests that wait by their ends, and holds back what comes behind too many of them.
        """
        if self._parser is not None:
            self._parser.message_consumed()
            self.data_received(b"")

    def resume_reading(self, resume_parser: bool = True) -> None:
        # PERF: a stream asks after each read; where nothing was paused, nothing has been left to be parsed.
        if not self._reading_paused and not self._stays_paused:
            return
        # NOTE: a body that was paused at its very end leaves the parser paused, which then stops in the next body.
        self._stays_paused = self._stays_paused or not resume_parser
        if self._arrival is not None:
            self._arrival.forgive()
        _resume(self, resume_parser)

    # Answers

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_fetch()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._fetch is not None:
            self._fetch.stop()
            self._fetch = None
        if self._transport is not None and self._transport.is_closing():
            self._watch_fetch()

    def rest(self) -> None:
        """Wait for the next request, for as long as a connection may be idle."""
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        if self._keepalive_handle is None:
            # PERF: one timer, which looks at the time when it is due, instead of one for each request.
            self._wake_at(self._next_keepalive_close_time)

    def part(self) -> None:
        """Close the connection when all that has been written is fetched."""
        # NOTE: a TLS transport that is closed twice fails when it is asked for its buffer.
        if self._transport is not None and not self._transport.is_closing():
            self._transport.close()
            self._watch_fetch()  # a peer who fetches nothing would keep it open for ever

    def close(self) -> None:
        self._close = True
        if not self._request_in_progress:
            self.part()

    def force_close(self) -> None:
        self._force_close = True
        self.transport = None
        self.part()

    def _watch_fetch(self) -> None:
        if self._fetch is None and self._transport is not None and self._transport.get_write_buffer_size():
            self._fetch = FetchWatch(self._transport, self.terms.pace, self._fetch_stalled)

    def _fetch_stalled(self) -> None:
        if self._transport is not None:
            logger.info("Closed a connection whose client does not fetch its answer", extra=self._client())
            self._transport.abort()

    def _client(self) -> dict[str, str]:
        peer = self.peername
        return {"client": str(peer[0] if isinstance(peer, tuple | list) and peer else peer or "")}


class _Refused(ServiceError):
    """Carry a problem to where aiohttp expects its parser's error."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self._problem = problem

    def problem(self) -> Problem:
        return self._problem


def _error(problem: Problem) -> _ErrInfo:
    return _ErrInfo(status=problem.status, exc=_Refused(problem), message=problem.detail)


def _header_bytes(headers: tuple[tuple[bytes, bytes], ...]) -> int:
    return sum(len(name) + len(value) + _HEADER_FRAME_BYTES for name, value in headers)
