"""The requests of one connection: through the gate, to the application, and an answer whatever happens.

aiohttp serves a connection from one task that waits for requests and starts another task for each. Here a request
that has arrived gets its task at once, and where Python can it runs in the very turn of the loop that read it: with
nothing to wait for, it is answered before that turn is over. Between requests a connection has no task at all.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

from aiohttp import HttpVersion10, HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.client_exceptions import ClientConnectionResetError
from aiohttp.helpers import TimerNoop
from aiohttp.http import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import _PAYLOAD_ACCESS_ERROR, RequestPayloadError, _ErrInfo
from multidict import CIMultiDict, CIMultiDictProxy

from framework.errors import Problem, ServiceError
from framework.server import brief, gate, refusals
from framework.server.keys import CANCEL_ON_DISCONNECT
from framework.server.requests import UNREAD, Request, is_ordinary, ordinary_request
from framework.server.terms import Terms
from framework.server.wire import Wire
from framework.server.writer import Writer

logger = logging.getLogger("framework.server")

# A task that starts at once saves a turn of the loop; Python 3.11 has none.
_START: dict[str, Any] = {"eager_start": True} if sys.version_info >= (3, 12) else {}


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

    # Turns: one request after the other

    def begin(self) -> None:
        """Answer the request that waits longest, unless another one is being answered."""
        if self._request_in_progress or not self._messages or self._force_close or self._parser is None:
            return
        self._request_in_progress = True
        message, payload = self._messages.popleft()
        if is_whole := payload.is_eof():
            self._parser.message_consumed()
        if self._buffer_paused and len(self._messages) <= self._msg_queue_resume_size:
            self._resume_reading_if_drained()  # which may parse further requests; they wait for this one
        turn = self._turn(message, payload, is_whole=is_whole)
        try:
            work = asyncio.Task(turn, loop=self._loop, context=self.terms.context.copy(), **_START)
        except (SystemExit, KeyboardInterrupt) as error:  # uvloop would drop it while it receives data
            self._loop.call_soon(_end_process, error)
            return
        self.work = self._task_handler = None if work.done() else work

    async def _turn(
        self, message: RawRequestMessage | _ErrInfo, payload: StreamReader, *, is_whole: bool
    ) -> None:
        if self._parser is None:
            return  # the client has gone since the task was made
        goes_on = False
        request = self._make_request(message, payload)
        try:
            response = await self._answer(request)
            self._keepalive = response is not None and bool(response.keep_alive)
            if not payload.is_eof():
                await self._read_rest(payload)
            if not is_whole:
                self.body_taken()
            payload.set_exception(_PAYLOAD_ACCESS_ERROR)
            goes_on = self._keepalive and not self._close
        except ConnectionError:
            pass  # nobody is there any more
        except asyncio.CancelledError:
            self.force_close()
            raise
        except Exception as error:  # noqa: BLE001 -- the task is nobody's to ask
            self.log_exception(exc_info=error)
        finally:
            request._task = None  # type: ignore[assignment] # they know each other, and a traceback knows one
            self._end_turn(goes_on=goes_on)

    def _end_turn(self, *, goes_on: bool) -> None:
        self._request_in_progress = False
        self.work = self._task_handler = None
        if not goes_on or self._force_close:
            self.part()
        elif self._messages:
            self._loop.call_soon(self.begin)  # not from here: requests in a pipeline would take all of a turn
        else:
            self.rest()

    def _make_request(self, message: RawRequestMessage | _ErrInfo, payload: StreamReader) -> Request:
        loop, terms = self._loop, self.terms
        task: Any = asyncio.current_task(loop)
        self._server.requests_count += 1
        if isinstance(message, _ErrInfo):
            self._refusal = self._explain(message.exc)
            message = UNREAD
        elif is_ordinary(message, payload, self.host):
            return ordinary_request(message, payload, self, task)
        writer = Writer(self, loop)
        return Request(
            self.inspect(message, payload, writer) if self._refusal is None else message,
            payload,
            self,
            writer,
            task,
            loop,
            client_max_size=terms.max_body,
            client_max_fields=terms.max_fields,
        )

    async def _read_rest(self, payload: StreamReader) -> None:
        """Let the client send what nobody has read, for a while; a client that still sends sees no answer."""
        try:
            async with asyncio.timeout(0 if self._force_close else self._lingering_time):
                while not payload.is_eof():
                    await payload.readany()
        except TimeoutError:
            self.close()

    # Heads

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

    def _decline_upgrade(self) -> None:
        """Take what came behind a request for another protocol as requests, unless that protocol is spoken now.

        aiohttp would do so as it sends the answer, and past all limits.
        """
        parser = self._parser
        if not self._upgraded or self._messages or self._payload_parser is not None or parser is None:
            return
        parser.set_upgraded(False)
        self._upgraded = False
        tail, self._message_tail = self._message_tail, b""
        self.data_received(tail)
        if self._buffer_paused:
            self._resume_reading_if_drained()

    # Answers

    async def _answer(self, request: Request) -> web.StreamResponse | None:
        """Let the application answer, and send it; None if that has failed for want of a client."""
        if self._refusal is not None:
            return await self._send_refusal(request, self._refusal)
        try:
            self._current_request = request
            response = await self._server.request_handler(request)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 -- nobody behind can answer it
            response = self._answer_to(request, error)
        finally:
            self._current_request = None
        self._left -= 1
        if self._left <= 0 or self._awaits_continue:
            self._close_after(response)
        try:
            if not self._send_brief(request, response):
                return await self._send(request, response)
        except Exception as error:  # noqa: BLE001 -- as above; a header that cannot be written comes here
            return await self._send(request, self._failure(request, error))
        if self._paused:
            await self._drain_helper()
        return response

    async def _send(self, request: Request, response: web.StreamResponse) -> web.StreamResponse | None:
        _ensure_one_answer(request, response)
        self._decline_upgrade()
        _, is_gone = await self.finish_response(request, response, None)
        return None if is_gone else response

    def _send_brief(self, request: Request, response: web.StreamResponse) -> bool:
        """Send an answer in one piece, if it is of that kind."""
        prepare, match = self.terms.prepare, request._match_info
        if prepare is None or match is None or len(match._apps) > 1 or self._upgraded:
            return False
        body = brief.body_of(request, response)
        if body is None:
            return False
        brief.complete(request, response, body)
        if not prepare(request, response):
            return False
        data = brief.take(request, response, body)
        request._finish()
        if self.transport is None or self.transport.is_closing():
            raise ClientConnectionResetError("Nobody is there to send an answer to.")
        self.transport.write(data)
        return True

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

    async def _send_refusal(self, request: web.BaseRequest, problem: Problem) -> web.StreamResponse | None:
        self._refusal = None
        facts = {"status": problem.status, "reason": problem.detail, **self._client()}
        logger.info("Refused a request", extra=facts)
        response = self.terms.refuse(request, problem)
        response.force_close()
        self._deaf = True
        self._lingering_time = 0.0
        await self.finish_response(request, response, None)
        await self._linger()
        return response

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


def _end_process(error: BaseException) -> None:
    raise error


def _ensure_one_answer(request: web.BaseRequest, response: Any) -> None:
    """Check that what a handler has returned can be sent.

    Raises:
        TypeError: It is no response.
        RuntimeError: Another answer has begun, or the response is another request's.
    """
    if not isinstance(response, web.StreamResponse):
        raise TypeError(f"A handler returned {type(response).__name__} instead of a response.")
    if not response.prepared and request.writer.output_size > 0:
        raise RuntimeError(f"A handler began an answer and then returned another one: {response!r}.")
    is_spent = response._eof_sent and request.writer.output_size == 0
    if is_spent or response._payload_writer not in {None, request.writer}:
        raise RuntimeError("The response was sent to another request: make a new one for each.")
