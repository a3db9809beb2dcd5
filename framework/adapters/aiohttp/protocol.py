"""The bytes of one connection: aiohttp's protocol, with the limits of our server around its parser.

Public parts of aiohttp begin behind routing, where malformed, slow and oversized requests never get (aiohttp#3287).
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.tcp_helpers import tcp_keepalive
from aiohttp.web_protocol import RequestHandler, RequestPayloadError, _ErrInfo

from framework.adapters.aiohttp.frames import ClientFrames
from framework.adapters.aiohttp.messages import refused, remote_of
from framework.adapters.aiohttp.parsing import count_behind_chunks, drop_last, new_parser, refuse_large_heads
from framework.errors import BadRequest, RequestTimeout, ServiceError
from framework.problem import Problem
from framework.server import error_responses, request_checks
from framework.server.app_keys import CANCEL_ON_DISCONNECT
from framework.server.arrivals import Body, Head, Reading
from framework.server.config import ConnectionConfig
from framework.server.outlet import Outlet
from framework.server.requests import Requests

logger = logging.getLogger("framework.server")

# PERF: cheaper than super(), and called for each piece that comes in or is read.
_parse, _resume = RequestHandler.data_received, RequestHandler.resume_reading
_HEAD_END = b"\r\n\r\n"


class Connection(RequestHandler):
    """One client's connection: what comes in, and how fast.

    Attributes:
        config: What it has in common with the server's others.
        reading: What its next bytes are.
        body: The body that is arriving.
        ends: Its TLS context, and the addresses of the client's end and ours.
        remote: The client's address as a request tells it.
        outlet: Where responses go.
        requests: What responds to its requests.
    """

    __slots__ = (
        "_head",
        "_headers_limit",
        "_last_bytes",
        "_stays_paused",
        "body",
        "config",
        "ends",
        "outlet",
        "reading",
        "remote",
        "requests",
        "server",
    )

    def __init__(
        self,
        server: web.Server,
        config: ConnectionConfig,
        options: dict[str, Any],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(server, loop=loop, **options)
        self.server = server  # unlike aiohttp's, kept when the connection is lost
        self.config, self.reading = config, Reading.START
        self.body: Body | None = None
        self.outlet = Outlet(config, self.client)
        self._head = Head(config.settings)
        self._headers_limit = config.settings.headers_bytes
        self._last_bytes = b""  # of a chunked body
        self._stays_paused = False  # the parser may be, though reading is not
        self.ends: tuple[Any, Any, Any]
        self.remote: str | None = None
        self.requests: Requests

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.outlet.transport = cast(asyncio.Transport, transport)  # uvloop's do not inherit from it
        # aiohttp's own would start a task that lives as long as the connection.
        BaseProtocol.connection_made(self, transport)
        tcp_keepalive(self.outlet.transport)
        self.server.connection_made(self, self.outlet.transport)
        self.ends = (self.ssl_context, self.peername, self.sockname)
        self.remote = remote_of(self.peername)
        self._expect_head()

    def connection_lost(self, exc: BaseException | None) -> None:
        cancels = self._cancels_on_disconnect()
        self.outlet.lose()
        self._data_received_cb = None  # a WebSocket's own, which knows its request, which knows this
        if self.body is not None:
            self.body.end()
        super().connection_lost(exc)
        if cancels:
            self.requests.cancel()

    def _cancels_on_disconnect(self) -> bool:
        request = self._current_request
        # A WebSocket's handler learns of the end from its socket.
        if request is None or self._payload_parser is not None:
            return False
        by_method = request.method in self.config.settings.cancelled_methods
        return bool(request.get(CANCEL_ON_DISCONNECT, by_method))

    @property
    def is_idle(self) -> bool:
        return not self._request_in_progress and not self._messages

    def client(self) -> dict[str, str]:
        """Return who is at the other end, for the log."""
        return {"client": self.remote or ""}

    def data_received(self, data: bytes) -> None:
        if self.reading is Reading.NOTHING:
            return
        body = self.body
        if body is not None and body.is_chunked:
            self._last_bytes = (self._last_bytes + data)[-len(_HEAD_END) :]
        parsed = self._request_count
        _parse(self, data)
        count = self._request_count - parsed
        if count:
            # PERF: one whole request, first byte to last, in one piece is nearly all that ever comes.
            message, payload = self._messages[-1]
            if (
                count > 1
                or self.reading is not Reading.START
                or not 0 < len(data) <= self._headers_limit
                or isinstance(message, _ErrInfo)
                or message.chunked
                or not payload.is_eof()
            ):
                self._requests_parsed(count, data)
            self.requests.begin()
        elif data and not self._upgraded and self._payload_parser is None:
            self._part_received(len(data))
        elif body is not None and body.has_ended:
            self._body_ended(body)

    def _requests_parsed(self, count: int, data: bytes) -> None:
        message, _ = self._messages[-1]
        if isinstance(message, _ErrInfo):
            self._unreadable(message.exc)
        elif self.body is not None and self.body.is_chunked:
            drop_last(self._messages, count)
            self._read_nothing_more()
        elif behind := count_behind_chunks(self._messages, count):
            drop_last(self._messages, behind)
            self._read_nothing_more()
            refuse_large_heads(self._messages, count - behind, self._headers_limit)
        else:
            self._heads_parsed(count, data)

    def _heads_parsed(self, count: int, data: bytes) -> None:
        # The parser may have kept some of it back, and the end of a piece may be part of the next head.
        is_all = 0 < len(data) <= self._headers_limit
        is_refused = (self.reading is not Reading.START or not is_all) and refuse_large_heads(
            self._messages, count, self._headers_limit
        )
        self._head_arrived()
        self._forget_body()
        message, payload = self._messages[-1]
        if is_refused or isinstance(message, _ErrInfo):
            self.reading = Reading.NOTHING
        elif not payload.is_eof():
            self._expect_body(message, payload)
        elif message.chunked:
            self._last_bytes = data[-len(_HEAD_END) :]
            self._chunks_ended()
        else:
            self.reading = Reading.START if is_all else Reading.HEAD

    def _part_received(self, size: int) -> None:
        body = self.body
        if body is None:
            self._head_grew(size)
        elif body.has_ended:
            self._body_ended(body)
        else:
            body.grow(size)

    def _head_grew(self, size: int) -> None:
        problem = self._head.grow(size)
        if problem is not None:
            self._refuse_head(problem)
        elif not self._head.since:
            self._expect_head()

    def _refuse_head(self, problem: Problem) -> None:
        self.reading = Reading.NOTHING
        self._request_count += 1
        self._messages.append((refused(problem), EMPTY_PAYLOAD))
        self.requests.begin()

    def _unreadable(self, error: BaseException) -> None:
        """Read nothing more: after an error of the parser nobody knows where the next request begins."""
        if self.body is not None and not self.body.has_ended:
            # The parser has let go of the body without a word, and its handler would wait for ever.
            self._fail_body(self.body, BadRequest(self.config.explain(error).detail))
        self.reading = Reading.NOTHING

    def _expect_head(self) -> None:
        self.reading = Reading.HEAD
        self._head.since = self._loop.time()
        self._wake_at(self._head.due)

    def _head_arrived(self) -> None:
        if self._head.since and self._keepalive_handle is not None:
            self._keepalive_handle.cancel()
            self._keepalive_handle = None  # rest() sets another
        self._head.end()

    def _wake_at(self, when: float) -> None:
        if self._keepalive_handle is not None:
            self._keepalive_handle.cancel()
        # Often called within a request, whose context would otherwise live as long as the connection.
        context = self.config.context
        self._keepalive_handle = self._loop.call_at(when, self._process_keepalive, context=context)

    def _process_keepalive(self) -> None:
        self._keepalive_handle = None
        if self._force_close or self.reading is Reading.NOTHING:
            return
        due = self._head.due if self._head.since else self._next_keepalive_close_time
        if self._loop.time() < due:
            self._wake_at(due)
        elif self.is_idle:
            if self._head.has_begun:
                self._refuse_head(error_responses.HEAD_TOO_SLOW)
            else:
                self.force_close()

    def _expect_body(self, message: RawRequestMessage, payload: StreamReader) -> None:
        self.reading = Reading.BODY
        self.body = Body(payload, self.config.pace, self._arrival_stalled)
        self.body.is_chunked, self._last_bytes = message.chunked, b""
        if request_checks.awaits_continue(message):
            self.body.awaits_continue = True
        else:
            self.body.watch()

    def _arrival_stalled(self) -> None:
        body = self.body
        if body is not None and (self._reading_paused or self._buffer_paused):  # the handler is the slow one
            body.watch()
        elif body is not None and not body.has_ended:
            self._fail_body(body, RequestTimeout("The body did not arrive in time."))
            self.reading = Reading.NOTHING

    def _fail_body(self, body: Body, error: ServiceError) -> None:
        """Let the handler's read fail, and close after its response."""
        self.requests.announce_closing()
        self._lingering_time = 0.0
        body.fail(error)
        self.body = None

    def _body_ended(self, body: Body) -> None:
        self._forget_body()
        if body.is_chunked:
            self._chunks_ended()
        else:
            self.reading = Reading.HEAD  # part of the next one may have come with it

    def _forget_body(self) -> None:
        if self.body is not None:
            self.body.end()
            self.body = None

    def _chunks_ended(self) -> None:
        """Go on with a new parser (see `parsing`), unless part of a request came with the end."""
        if self._last_bytes == _HEAD_END and not self._buffer_paused and self._parser is not None:
            self._parser = new_parser(self)
            self._stays_paused = False
            self.reading = Reading.START
        else:
            self._read_nothing_more()

    def _read_nothing_more(self) -> None:
        """Respond to what has come, and then close."""
        self._forget_body()
        self.reading = Reading.NOTHING
        self.requests.announce_closing(behind=len(self._messages) + self._request_in_progress)

    def go_on_parsing(self) -> None:
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
        if self.body is not None:
            self.body.forgive()
        _resume(self, resume_parser)

    def set_parser(self, parser: Any, *args: Any, **kw: Any) -> None:
        super().set_parser(cast(Any, ClientFrames(parser)), *args, **kw)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.outlet.watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.outlet.drained()

    def rest(self) -> None:
        """Wait for the next request, for as long as a connection may be idle."""
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        if self._keepalive_handle is None:
            # PERF: one timer, which looks at the time when it is due, instead of one for each request.
            self._wake_at(self._next_keepalive_close_time)

    def close(self) -> None:
        self._close = True
        if not self._request_in_progress:
            self.outlet.close()

    def force_close(self) -> None:
        self._force_close = True
        self.transport = None
        self.outlet.close()

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Log what reached aiohttp's own last resort: a client's bad framing briefly, our faults in full."""
        error = kw.get("exc_info")
        if isinstance(error, ServiceError | RequestPayloadError | ConnectionError):
            facts = {"reason": str(error)[:200], **self.client()}
            logger.info("Closed a connection within a request", extra=facts)
        else:
            logger.error("Unhandled error in the server", exc_info=error)
