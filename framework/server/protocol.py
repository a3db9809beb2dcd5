"""One connection: aiohttp's request handler with a gate, deadlines and answers of our own.

It leans on private parts of aiohttp 3.14 (``_handle_request``, ``_messages``, ``_process_keepalive``, …), because
the public ones begin after routing; ``tests/server/test_aiohttp_seams.py`` names each of them and fails when one moves.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any, Final, cast

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.helpers import TimerNoop
from aiohttp.http import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import ERROR, RequestHandler, RequestPayloadError, _ErrInfo
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from framework.errors import BadRequest, Problem, RequestTimeout, ServiceError
from framework.server import gate, refusals
from framework.server.keys import CANCEL_ON_DISCONNECT, Handler, Refuse
from framework.server.pace import Pace
from framework.server.settings import REQUEST_LINE_FRAME_BYTES, ServerSettings
from framework.server.watch import ArrivalWatch, FetchWatch
from framework.server.writer import Writer

logger = logging.getLogger("framework.server")

# What a request is made from that could not be read; aiohttp's own would be answered in HTTP/1.0.
_UNREAD: Final = RawRequestMessage(
    "UNKNOWN", "/", HttpVersion11, CIMultiDictProxy(CIMultiDict()), (), True, None, False, False, URL("/")
)
_HEADER_FRAME_BYTES = 4  # colon, space, CR, LF


@dataclass(slots=True)
class Terms:
    """Hold what all connections of a server have in common.

    Attributes:
        settings: The limits.
        refuse: Turns a problem into a response.
        closing: The server is about to stop: each answer is the last one of its connection.
        pace: How fast bodies and answers have to move.
        target_limit: The bytes that a request target may have.
    """

    settings: ServerSettings
    refuse: Refuse = refusals.answer
    closing: bool = False
    pace: Pace = field(init=False)
    target_limit: int = field(init=False)

    def __post_init__(self) -> None:
        self.pace = Pace.from_settings(self.settings)
        self.target_limit = self.settings.request_line_bytes - REQUEST_LINE_FRAME_BYTES

    def handler_options(self) -> dict[str, Any]:
        """Return the keyword arguments of aiohttp's request handler."""
        settings = self.settings
        return {
            "keepalive_timeout": settings.keepalive_seconds,
            "lingering_time": settings.linger_seconds,
            "max_line_size": self.target_limit,
            "max_field_size": settings.header_bytes,
            "max_headers": settings.header_count,
            "auto_decompress": False,
            "access_log": None,
            "logger": logger,
        }


class Connection(RequestHandler):
    """Serve the requests of one connection within the server's terms."""

    __slots__ = (
        "_arrival",
        "_awaits_continue",
        "_body",
        "_deaf",
        "_fetch",
        "_gone",
        "_head_bytes",
        "_head_since",
        "_last",
        "_refusal",
        "_served",
        "_wire",
        "host",
        "terms",
        "work",
    )

    def __init__(
        self, manager: web.Server, terms: Terms, options: dict[str, Any], loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(manager, loop=loop, **options)
        self.terms = terms
        self.host: str | None = None  # the Host that the gate has let through before
        self.work: asyncio.Task[None] | None = None
        self._served = 0
        self._last = False  # the answer in the making is the last one
        self._deaf = False  # an error answer is on its way, and what still comes in is not read
        self._refusal: Problem | None = None
        self._head_since = 0.0
        self._head_bytes = 0
        self._body: StreamReader | None = None
        self._awaits_continue = False
        self._arrival: ArrivalWatch | None = None
        self._fetch: FetchWatch | None = None
        self._wire: asyncio.Transport | None = None
        self._gone: asyncio.Future[None] | None = None

    # Connecting and leaving

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._wire = cast(asyncio.Transport, transport)  # uvloop's do not inherit from it
        super().connection_made(transport)
        self.work = self._task_handler
        if self.work is not None:
            self.work.add_done_callback(self._work_ended)
        due = self._loop.time() + self.terms.settings.header_read_seconds
        self._next_keepalive_close_time = due
        self._wake_at(due)

    def connection_lost(self, exc: BaseException | None) -> None:
        cancel = self._cancels_on_disconnect()
        self._wire = None
        for watch in (self._arrival, self._fetch):
            if watch is not None:
                watch.stop()
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)
        super().connection_lost(exc)
        if cancel and self.work is not None:
            self.work.cancel()

    @property
    def is_idle(self) -> bool:
        return not self._request_in_progress and not self._messages

    def _cancels_on_disconnect(self) -> bool:
        request = self._current_request
        # A WebSocket's handler learns of the end from its socket.
        if request is None or self._payload_parser is not None:
            return False
        return request.get(CANCEL_ON_DISCONNECT, request.method in self.terms.settings.cancelled_methods)

    # Bytes coming in

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        parsed = self._request_count
        super().data_received(data)
        if self._request_count != parsed:
            self._requests_parsed(self._request_count - parsed, len(data))
        elif self._payload_parser is None and not self._upgraded:
            self._part_received(len(data))

    def _requests_parsed(self, count: int, size: int) -> None:
        message, payload = self._messages[-1]
        if type(message) is _ErrInfo:
            self._unreadable()
            return
        if self._head_bytes + size > self.terms.settings.headers_bytes:
            self._check_header_totals(count)
        self._head_bytes = 0
        self._head_since = 0.0
        if self._body is not None:
            self._body_ended()
        if not payload.is_eof() and not self._deaf:
            self._body = payload
            if hdrs.EXPECT not in message.headers:
                self._watch_arrival()

    def _part_received(self, size: int) -> None:
        if self._body is not None:
            if self._body.is_eof():
                self._body_ended()
            elif self._arrival is not None:
                self._arrival.moved(size)
            elif size:  # the client did not wait for 100 Continue
                self._awaits_continue = False
                self._watch_arrival()
        elif size:
            self._head_grew(size)

    def _head_grew(self, size: int) -> None:
        self._head_bytes += size
        limit = self.terms.settings.headers_bytes
        if self._head_bytes > limit + self.terms.settings.request_line_bytes:
            self._refuse_head(refusals.headers_too_large(limit))
        elif not self._head_since:
            self._head_since = self._loop.time()
            self._wake_at(self._head_since + self.terms.settings.header_read_seconds)

    def _check_header_totals(self, count: int) -> None:
        limit = self.terms.settings.headers_bytes
        for position in range(-count, 0):
            message, _ = self._messages[position]
            if (
                sum(len(name) + len(value) + _HEADER_FRAME_BYTES for name, value in message.raw_headers)
                > limit
            ):
                self._messages[position] = (_error(refusals.headers_too_large(limit)), EMPTY_PAYLOAD)
                self._deaf = True

    def _unreadable(self) -> None:
        """Go deaf: after an error of the parser nobody knows where the next request begins."""
        self._deaf = True
        if self._body is None or self._body.is_eof():
            return
        # The parser has let go of the body without a word, and its handler would wait for ever.
        error = self._messages.pop()[0].exc
        detail = refusals.problem_from_parser(error, target_limit=0, header_limit=0).detail
        self._fail_body(BadRequest(detail))

    def _refuse_head(self, problem: Problem) -> None:
        self._deaf = True
        self._request_count += 1
        self._messages.append((_error(problem), EMPTY_PAYLOAD))
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # Deadlines

    def _wake_at(self, when: float) -> None:
        if self._keepalive_handle is not None:
            self._keepalive_handle.cancel()
        self._keepalive_handle = self._loop.call_at(when, self._process_keepalive)

    def _process_keepalive(self) -> None:
        self._keepalive_handle = None
        if self._force_close or self._deaf:
            return
        due = self._next_keepalive_close_time
        if self._head_since:
            due = self._head_since + self.terms.settings.header_read_seconds
        if self._loop.time() < due:
            self._wake_at(due)
        elif self._waiter is not None and not self._waiter.done():
            if self._head_since:
                self._refuse_head(refusals.HEAD_TOO_SLOW)
            else:
                self.force_close()

    def _watch_arrival(self) -> None:
        self._arrival = ArrivalWatch(self._loop, self.terms.pace, self._arrival_stalled)

    def _arrival_stalled(self) -> None:
        if self._reading_paused or self._buffer_paused:
            self._watch_arrival()
        elif self._body is not None and not self._body.is_eof():
            self._deaf = True
            self._fail_body(RequestTimeout("The body did not arrive in time."))

    def _body_ended(self) -> None:
        if self._arrival is not None:
            self._arrival.stop()
        self._arrival = self._body = None
        self._awaits_continue = False

    def _fail_body(self, error: ServiceError) -> None:
        """Let the handler's read fail, and close after its answer."""
        assert self._body is not None
        self._last = True
        self._lingering_time = 0.0
        self._body.set_exception(error)
        self._body_ended()

    def resume_reading(self, resume_parser: bool = True) -> None:
        if self._reading_paused and self._arrival is not None:
            self._arrival.forgive()
        super().resume_reading(resume_parser)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_fetch()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._fetch is not None:
            self._fetch.stop()
            self._fetch = None
        if self.work is not None and self.work.done():
            self._watch_fetch()

    def _work_ended(self, _: asyncio.Task[None]) -> None:
        # The transport closes once all is fetched; a peer who fetches nothing would keep it for ever.
        if self._wire is not None and self._fetch is None and self._wire.get_write_buffer_size():
            self._watch_fetch()

    def _watch_fetch(self) -> None:
        if self._wire is not None:
            self._fetch = FetchWatch(self._wire, self.terms.pace, self._fetch_stalled)

    def _fetch_stalled(self) -> None:
        if self._wire is not None:
            logger.info("Closed a connection whose client did not fetch its answer", extra=self._client())
            self._wire.abort()

    # Requests

    def inspect(self, message: RawRequestMessage, payload: StreamReader, writer: Writer) -> RawRequestMessage:
        """Look closely at a head that is not quite ordinary, and return it as the application will see it."""
        settings = self.terms.settings
        has_body = payload is not EMPTY_PAYLOAD
        self._refusal = gate.find_refusal(
            message, has_body=has_body, accept_encoded=settings.accept_encoded_bodies
        )
        if self._refusal is not None:
            return message
        self.host = message.headers.get(hdrs.HOST)
        if message.url.absolute:
            relative = message.url.relative()
            message = message._replace(url=relative, path=str(relative))
        if hdrs.EXPECT in message.headers:
            if has_body and not payload.is_eof() and gate.awaits_continue(message):
                self._awaits_continue = True
                payload._timer = _Continue(self, writer)
            headers = CIMultiDict(message.headers)
            headers.popall(hdrs.EXPECT)  # aiohttp would answer it before any middleware has run
            message = message._replace(headers=CIMultiDictProxy(headers))
        return message

    def send_continue(self, writer: Writer) -> None:
        """Ask for the body, because the application waits for it now (RFC 9110, 10.1.1)."""
        if self._awaits_continue and self._current_request is not None and self.transport is not None:
            self._awaits_continue = False
            if writer.output_size == 0:
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                self._watch_arrival()

    def _make_error_handler(self, err_info: Any) -> Handler:
        self._refusal = refusals.problem_from_parser(
            err_info.exc,
            target_limit=self.terms.target_limit,
            header_limit=self.terms.settings.header_bytes,
        )
        return _never

    async def _handle_request(
        self, request: web.BaseRequest, start_time: float | None, request_handler: Any
    ) -> tuple[web.StreamResponse, bool]:
        self._request_in_progress = True
        try:
            if self._refusal is not None:
                return await self._send_refusal(request, self._refusal)
            try:
                self._current_request = request
                response = await request_handler(request)
            except web.HTTPException as error:
                response = error
            except Exception as error:
                response = self._fail(request, error)
            finally:
                self._current_request = None
            self._served += 1
            if (
                self._served >= self.terms.settings.requests_per_connection
                or self.terms.closing
                or self._last
                or self._awaits_continue
            ):
                self._close_after(response)
            return await self._send(request, response, start_time)
        finally:
            self._request_in_progress = False

    def _close_after(self, response: Any) -> None:
        if self._awaits_continue:
            self._lingering_time = 0.0  # no body was asked for, so none will come
        if isinstance(response, web.StreamResponse):
            response.force_close()

    async def _send(
        self, request: web.BaseRequest, response: Any, start: float | None
    ) -> tuple[web.StreamResponse, bool]:
        try:
            if not isinstance(response, web.StreamResponse):
                raise TypeError(f"A handler returned {type(response).__name__} instead of a response.")
            return await self.finish_response(request, response, start)
        except ConnectionError:
            raise
        except Exception as error:
            return await self.finish_response(request, self._fail(request, error), start)

    def _fail(self, request: web.BaseRequest, error: Exception) -> web.StreamResponse:
        """Answer an error that nothing above has answered.

        Raises:
            ConnectionError: There is nobody to answer, or part of another answer is out already.
        """
        if isinstance(error, ServiceError) and error.status < 500:
            problem = error.problem()
        elif isinstance(error, RequestPayloadError):
            problem = Problem(status=400, detail="The body is not well-formed.")
        elif isinstance(error, ConnectionError) and self.transport is None:
            raise error
        else:
            problem = error.problem() if isinstance(error, ServiceError) else refusals.SERVER_FAULT
            logger.error(
                "Unhandled error",
                exc_info=error,
                extra={"method": request.method, "path": request.path[:200]},
            )
        if request.writer.output_size > 0:
            raise ConnectionResetError("The answer had begun when it failed.") from error
        request._payload_writer = Writer(self, self._loop)
        response = self.terms.refuse(request, problem)
        response.force_close()
        return response

    async def _send_refusal(
        self, request: web.BaseRequest, problem: Problem
    ) -> tuple[web.StreamResponse, bool]:
        self._refusal = None
        logger.info(
            "Refused a request", extra={"status": problem.status, "reason": problem.detail, **self._client()}
        )
        response = self.terms.refuse(request, problem)
        response.force_close()
        result = await self.finish_response(request, response, None)
        if self._deaf:
            await self._linger()
        return result

    async def _linger(self) -> None:
        """Let the client finish sending: closing at once would reset the connection, and the answer with it."""
        if self._wire is None or self._wire.is_closing():
            return
        if self._wire.can_write_eof():
            self._wire.write_eof()
        self._gone = self._loop.create_future()
        try:
            async with asyncio.timeout(self.terms.settings.linger_seconds):
                await self._gone
        except TimeoutError:
            pass

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Log what reached aiohttp's own last resort: a client's bad framing briefly, our faults in full."""
        error = kw.get("exc_info")
        if isinstance(error, ServiceError | RequestPayloadError | ConnectionError):
            logger.info(
                "Closed a connection with a bad request", extra={"reason": str(error)[:200], **self._client()}
            )
        else:
            logger.error("Unhandled error in the server", exc_info=error)

    def _client(self) -> dict[str, str]:
        peer = self.peername
        return {"client": str(peer[0] if isinstance(peer, tuple | list) and peer else peer or "")}


class _Continue(TimerNoop):
    """Notice that a handler waits for a body; aiohttp enters the timer of a stream before each wait."""

    __slots__ = ("_connection", "_writer")

    def __init__(self, connection: Connection, writer: Writer) -> None:
        self._connection = connection
        self._writer = writer

    def __enter__(self) -> _Continue:
        self._connection.send_continue(self._writer)
        return self


def make_request(
    message: RawRequestMessage,
    payload: StreamReader,
    connection: Connection,
    _: object,
    task: asyncio.Task[None],
) -> web.Request:
    """Build the request that the application sees; ordinary ones pass the gate at a glance."""
    writer = Writer(connection, connection._loop)
    if message is ERROR:
        message = _UNREAD
    else:
        headers = message.headers
        if not (
            message.method in gate.ORDINARY_METHODS
            and gate.is_plain_target(message.path)
            and message.version is HttpVersion11
            and headers.get(hdrs.HOST) == connection.host
            and hdrs.TRANSFER_ENCODING not in headers
            and hdrs.EXPECT not in headers
            and (payload is EMPTY_PAYLOAD or hdrs.CONTENT_ENCODING not in headers)
        ):
            message = connection.inspect(message, payload, writer)
    return web.Request(
        message,
        payload,
        connection,
        writer,
        task,
        connection._loop,
        client_max_size=connection.terms.settings.max_body_bytes,
    )


class _Refused(ServiceError):
    """Carry a problem to where aiohttp expects the parser's error."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self._problem = problem

    def problem(self) -> Problem:
        return self._problem


def _error(problem: Problem) -> _ErrInfo:
    return _ErrInfo(status=problem.status, exc=_Refused(problem), message=problem.detail)


async def _never(_: web.BaseRequest) -> web.StreamResponse:
    raise AssertionError("A refusal is answered before its handler is asked.")
