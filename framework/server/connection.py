"""The requests of one connection: through the gate, to the application, and an answer whatever happens."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from typing import Any, Final

from aiohttp import HttpVersion10, HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import TimerNoop, parse_http_date
from aiohttp.http import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import ERROR, RequestPayloadError
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from framework.errors import Problem, ServiceError
from framework.server import gate, refusals
from framework.server.keys import CANCEL_ON_DISCONNECT
from framework.server.terms import Terms
from framework.server.wire import Wire
from framework.server.writer import Writer

logger = logging.getLogger("framework.server")

# What a request is made from that could not be read; aiohttp's own would be answered in HTTP/1.0.
_UNREAD: Final = RawRequestMessage(
    "UNKNOWN", "/", HttpVersion11, CIMultiDictProxy(CIMultiDict()), (), True, None, False, False, URL("/")
)
_HOST, _EXPECT, _CONTENT_TYPE = hdrs.HOST, hdrs.EXPECT, hdrs.CONTENT_TYPE
_TRANSFER_ENCODING, _CONTENT_ENCODING = hdrs.TRANSFER_ENCODING, hdrs.CONTENT_ENCODING
_ORDINARY_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Connection(Wire):
    """Answer the requests of one connection."""

    __slots__ = ("_refusal", "host")

    def __init__(
        self, manager: web.Server, terms: Terms, options: dict[str, Any], loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(manager, terms, options, loop)
        self.host: str | None = None  # the Host that the gate has let through before
        self._refusal: Problem | None = None

    def connection_lost(self, exc: BaseException | None) -> None:
        cancels = self._cancels_on_disconnect()
        super().connection_lost(exc)
        if cancels and self.work is not None:
            self.work.cancel()

    def _cancels_on_disconnect(self) -> bool:
        request = self._current_request
        # A WebSocket's handler learns of the end from its socket.
        if request is None or self._payload_parser is not None:
            return False
        by_method = request.method in self.terms.settings.cancelled_methods
        return bool(request.get(CANCEL_ON_DISCONNECT, by_method))

    def inspect(
        self, message: RawRequestMessage, payload: StreamReader, writer: AbstractStreamWriter
    ) -> RawRequestMessage:
        """Look closely at a head that is not quite ordinary, and return it as the application will see it."""
        has_body = payload is not EMPTY_PAYLOAD
        self._refusal = gate.find_refusal(
            message, has_body=has_body, accept_encoded=self.terms.settings.accept_encoded_bodies
        )
        if self._refusal is not None:
            # Whatever version was asked for: the answer is in ours, or the client's if that is older.
            return message if message.version == HttpVersion10 else message._replace(version=HttpVersion11)
        self.host = message.headers.get(hdrs.HOST)
        if message.url.absolute:
            relative = gate.origin_form(message.url)
            message = message._replace(url=relative, path=str(relative))
        if hdrs.EXPECT in message.headers:
            if gate.awaits_continue(message) and not payload.is_eof():
                self._awaits_continue = True
                payload._timer = _Continue(self, writer)
            headers = CIMultiDict(message.headers)
            headers.popall(hdrs.EXPECT)  # aiohttp would answer it before any middleware has run
            message = message._replace(headers=CIMultiDictProxy(headers))
        return message

    def send_continue(self, writer: AbstractStreamWriter) -> None:
        """Ask for the body, because the application waits for it now (RFC 9110, 10.1.1)."""
        if not self._awaits_continue or self._current_request is None or self.transport is None:
            return
        self._awaits_continue = False
        self._watch_arrival()
        if writer.output_size == 0:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _make_error_handler(self, err_info: Any) -> Any:
        self._refusal = self._explain(err_info.exc)
        return None  # a refusal is answered before its handler is asked

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
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 -- nobody behind can answer it
                response = self._answer_to(request, error)
            finally:
                self._current_request = None
            self._left -= 1
            if self._left <= 0 or self._awaits_continue:
                self._close_after(response)
            mistake = _mistake_in(request, response)
            if mistake is not None:
                response = self._failure(request, mistake)
            try:
                return await self.finish_response(request, response, None)
            except Exception as error:  # noqa: BLE001 -- as above; a header that cannot be written comes here
                return await self.finish_response(request, self._failure(request, error), None)
        finally:
            self._request_in_progress = False

    def _answer_to(self, request: web.BaseRequest, error: BaseException) -> web.StreamResponse:
        if isinstance(error, web.HTTPException):
            return error
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
            raise error  # otherwise it got out of something that the handler waited for
        return self._failure(request, error)

    def _close_after(self, response: Any) -> None:
        if self._awaits_continue:
            self._lingering_time = 0.0  # no body was asked for, so none will come
        if isinstance(response, web.StreamResponse):
            response.force_close()

    def _failure(self, request: web.BaseRequest, error: BaseException) -> web.StreamResponse:
        """Make an answer to an error that nothing above has answered.

        Raises:
            ConnectionError: There is nobody to answer, or part of another answer is out already.
        """
        if isinstance(error, ConnectionError) and (self.transport is None or self.transport.is_closing()):
            raise error
        problem = refusals.problem_from_failure(error)
        if problem.status >= 500:
            where = {"method": request.method, "path": request.path[:200]}
            logger.error("Unhandled error", exc_info=error, extra=where)
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
        facts = {"status": problem.status, "reason": problem.detail, **self._client()}
        logger.info("Refused a request", extra=facts)
        response = self.terms.refuse(request, problem)
        response.force_close()
        self._deaf = True
        self._lingering_time = 0.0
        result = await self.finish_response(request, response, None)
        await self._linger()
        return result

    async def _linger(self) -> None:
        """Let the client finish sending: closing at once would reset the connection and lose the answer."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if transport.can_write_eof():
            transport.write_eof()
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
            facts = {"reason": str(error)[:200], **self._client()}
            logger.info("Closed a connection within a request", extra=facts)
        else:
            logger.error("Unhandled error in the server", exc_info=error)


class _Continue(TimerNoop):
    """Notice that a handler waits for a body: aiohttp enters the timer of a stream before each wait."""

    __slots__ = ("_connection", "_writer")

    def __init__(self, connection: Connection, writer: AbstractStreamWriter) -> None:
        self._connection = connection
        self._writer = writer

    def __enter__(self) -> _Continue:
        self._connection.send_continue(self._writer)
        return self


class _Request(web.Request):
    """Ignore a date that there never is, as RFC 9110 (13.1.3) asks; aiohttp's own fails on a year beyond 32 bits."""

    @property
    def if_modified_since(self) -> datetime | None:
        return _date_in(self.headers.get(hdrs.IF_MODIFIED_SINCE))

    @property
    def if_unmodified_since(self) -> datetime | None:
        return _date_in(self.headers.get(hdrs.IF_UNMODIFIED_SINCE))

    @property
    def if_range(self) -> datetime | None:
        return _date_in(self.headers.get(hdrs.IF_RANGE))


def make_request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: Any,
    _: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.Request:
    """Build the request that the application sees; ordinary ones pass the gate at a glance."""
    connection: Connection = protocol
    loop = connection._loop
    writer = Writer(connection, loop)
    if message is ERROR:
        message = _UNREAD
    elif not is_ordinary(message, payload, connection.host):
        message = connection.inspect(message, payload, writer)
    terms = connection.terms
    return _Request(
        message,
        payload,
        connection,
        writer,
        task,
        loop,
        client_max_size=terms.max_body,
        client_max_fields=terms.max_fields,
    )


def is_ordinary(message: RawRequestMessage, payload: StreamReader, known_host: str | None) -> bool:
    """Tell at a glance that there is nothing in a head that ``inspect`` would refuse or change."""
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


def _mistake_in(request: web.BaseRequest, response: Any) -> Exception | None:
    if not isinstance(response, web.StreamResponse):
        return TypeError(f"A handler returned {type(response).__name__} instead of a response.")
    if not response.prepared and request.writer.output_size > 0:
        return RuntimeError(f"A handler began an answer and then returned another one: {response!r}.")
    return None
