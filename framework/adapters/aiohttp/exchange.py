"""The requests of one connection: checked, given to the application, and responded to whatever happens.

aiohttp serves a connection from one task that waits for requests and starts another task for each. Here a request
that has arrived gets its task at once, and where Python can it runs in the very iteration of the event loop that read
it: with nothing to wait for, its response leaves before that is over. Between requests a connection has no task at all.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any, Final

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.client_exceptions import ClientConnectionResetError
from aiohttp.http import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import _PAYLOAD_ACCESS_ERROR, _ErrInfo

from framework.adapters.aiohttp import short_responses
from framework.adapters.aiohttp.inspection import awaits_continue, decline_upgrade, inspect_head
from framework.adapters.aiohttp.messages import UNREAD, Request
from framework.adapters.aiohttp.protocol import Connection
from framework.adapters.aiohttp.responses import ask_to_close, ensure_one_response, raised
from framework.adapters.aiohttp.writer import Writer
from framework.context import REQUEST_ID
from framework.problem import Problem
from framework.server import error_responses, request_checks
from framework.server.arrivals import Reading
from framework.server.config import ConnectionConfig
from framework.server.connections import end_early

logger = logging.getLogger("framework.server")

_HOST, _EXPECT, _CONTENT_TYPE = hdrs.HOST, hdrs.EXPECT, hdrs.CONTENT_TYPE
_TRANSFER_ENCODING, _CONTENT_ENCODING = hdrs.TRANSFER_ENCODING, hdrs.CONTENT_ENCODING
_ORDINARY_TARGET: Final = 512  # bytes: too few for too many segments
_ORDINARY_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

# A task that starts at once saves an iteration of the loop; Python 3.11 has none.
_START: dict[str, Any] = {"eager_start": True} if sys.version_info >= (3, 12) else {}


def connect(
    server: web.Server, config: ConnectionConfig, options: dict[str, Any], loop: asyncio.AbstractEventLoop
) -> Connection:
    """Return the protocol of a new connection, whose requests are responded to."""
    connection = Connection(server, config, options, loop)
    connection.requests = Exchange(connection)
    return connection


def ordinary_request(
    message: RawRequestMessage, payload: StreamReader, connection: Connection, task: asyncio.Task[None]
) -> Request:
    """Make a request whose target is a path."""
    # PERF: what aiohttp does at length, for targets of other forms too.
    service = connection.config.service
    request = object.__new__(Request)
    request._message = message
    request._protocol = connection
    request._payload = payload
    request.headers = request._headers = message.headers
    request._method = message.method
    request._version = message.version
    request._rel_url = message.url
    request._state = {}
    request._task = task
    request._client_max_size = service.max_body
    request._client_max_fields = service.max_fields
    request._loop = connection._loop
    request._transport_sslcontext, request._transport_peername, request._transport_sockname = connection.ends
    request.remote = connection.remote
    return request


class Exchange:
    """Requests and responses of one connection, one after the other.

    Attributes:
        work: The task for the request in progress, if it has to wait.
        host: The Host that the checks have let through before.
    """

    __slots__ = ("_connection", "_left", "_refusal", "host", "work")

    def __init__(self, connection: Connection) -> None:
        config = connection.config
        self._connection = connection
        # Requests behind the present one.
        self._left = 1 if config.closing else config.settings.requests_per_connection
        self._refusal: Problem | None = None
        self.host: str | None = None
        self.work: asyncio.Task[None] | None = None

    def cancel(self) -> None:
        if self.work is not None:
            self.work.cancel()

    def announce_closing(self, *, behind: int = 1) -> None:
        self._left = min(self._left, behind - self._connection._request_in_progress)

    def note_head(self, request: Request, response: web.StreamResponse) -> None:
        """Look at the head of a response that is about to leave: it may be the last, and it may last."""
        if self._left <= 0:
            ask_to_close(response)
        self._connection.config.connections.hold(request, response, request._task)

    def begin(self) -> None:
        connection = self._connection
        if connection._request_in_progress or not connection._messages:
            return
        if connection._force_close or connection._parser is None:
            return
        connection._request_in_progress = True
        message, payload = connection._messages.popleft()
        if is_whole := payload.is_eof():
            connection._parser.message_consumed()
        if connection._buffer_paused and len(connection._messages) <= connection._msg_queue_resume_size:
            connection._resume_reading_if_drained()  # it may parse further requests; they wait for this one
        context, loop = connection.config.context.copy(), connection._loop
        try:
            answering = self._run(message, payload, is_whole=is_whole)
            work = asyncio.Task(answering, loop=loop, context=context, **_START)
        except (SystemExit, KeyboardInterrupt) as error:  # uvloop would drop it while it receives data
            loop.call_soon(raised, error)
            return
        self.work = connection._task_handler = None if work.done() else work

    async def _run(
        self, message: RawRequestMessage | _ErrInfo, payload: StreamReader, *, is_whole: bool
    ) -> None:
        connection = self._connection
        if connection._parser is None:
            return  # the client has gone since the task was made
        goes_on = False
        request = self._make_request(message, payload)
        try:
            response = await self._respond(request)
            connection._keepalive = response is not None and bool(response.keep_alive)
            if not payload.is_eof():
                await self._read_rest(payload)
            if not is_whole:
                connection.go_on_parsing()
            payload.set_exception(_PAYLOAD_ACCESS_ERROR)
            goes_on = connection._keepalive and not connection._close
        except ConnectionError:
            pass  # nobody is there any more
        except asyncio.CancelledError:
            connection.force_close()
            raise
        except Exception as error:  # noqa: BLE001 -- the task is nobody's to ask
            connection.log_exception(exc_info=error)
        finally:
            request._task = None  # type: ignore[assignment] # they know each other, and a traceback knows one
            self._end(goes_on=goes_on)

    def _end(self, *, goes_on: bool) -> None:
        connection = self._connection
        connection._request_in_progress = False
        self.work = connection._task_handler = None
        if not goes_on or connection._force_close:
            connection.outlet.close()
        elif connection._messages:
            # Not from here: requests in a pipeline would take all of the loop's iteration.
            connection._loop.call_soon(self.begin)
        elif connection.reading is Reading.NOTHING:
            connection.outlet.close()
        else:
            connection.rest()

    def _make_request(self, message: RawRequestMessage | _ErrInfo, payload: StreamReader) -> Request:
        connection = self._connection
        task: Any = asyncio.current_task(connection._loop)
        connection.server.requests_count += 1
        if isinstance(message, _ErrInfo):
            self._refusal = connection.config.explain(message.exc)
            return self._make_inspected(UNREAD, payload, task)
        headers, target = message.headers, message.path
        # A glance tells that there is nothing in a head that a closer look would refuse or change.
        if (
            message.method not in _ORDINARY_METHODS
            or target[0] != "/"
            or "/." in target
            or "%2" in target
            or "#" in target
            or len(target) > _ORDINARY_TARGET
            or message.version is not HttpVersion11  # which it always is with aiohttp's parser in Python
            or headers.get(_HOST) != self.host
            or _TRANSFER_ENCODING in headers
            or _EXPECT in headers
            or len(headers.get(_CONTENT_TYPE, "")) > request_checks.CONTENT_TYPE_LENGTH
            or (payload is not EMPTY_PAYLOAD and _CONTENT_ENCODING in headers)
        ):
            return self._make_inspected(message, payload, task)
        return ordinary_request(message, payload, connection, task)

    def _make_inspected(
        self, message: RawRequestMessage, payload: StreamReader, task: asyncio.Task[None]
    ) -> Request:
        """Make a request of a head that is not quite ordinary, or of none."""
        connection = self._connection
        service = connection.config.service
        writer = Writer(connection, connection._loop, is_head=message.method == hdrs.METH_HEAD)
        if self._refusal is None:
            message, self._refusal = inspect_head(message, payload, connection, writer)
            if self._refusal is None:
                self.host = message.headers.get(_HOST)
        limits: Any = {"client_max_size": service.max_body, "client_max_fields": service.max_fields}
        return Request(message, payload, connection, writer, task, connection._loop, **limits)

    async def _read_rest(self, payload: StreamReader) -> None:
        """Let the client send what nobody has read, for a while; a client that still sends sees no response."""
        connection = self._connection
        try:
            async with asyncio.timeout(0 if connection._force_close else connection._lingering_time):
                while not payload.is_eof() and connection.transport is not None:
                    await payload.readany()
        except TimeoutError:
            connection.close()

    # Responses

    async def _respond(self, request: Request) -> web.StreamResponse | None:
        """Let the application respond, and send that; None if that has failed for want of a client."""
        connection = self._connection
        if self._refusal is not None:
            return await self._send_refusal(request, self._refusal)
        self._left -= 1
        try:
            connection._current_request = request
            response = await connection.config.service.handler(request)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 -- nobody behind can handle it
            response = await end_early(request) or self._response_to(request, error)
        finally:
            connection._current_request = None
            releasing = connection.config.service.release(request)
            if releasing is not None:
                await releasing
        if self._left <= 0 or (connection.body is not None and awaits_continue(connection, request.content)):
            self._close_after(request, response)
        try:
            if not self._send_known(request, response) and not await self._send_short(request, response):
                return await self._send(request, response)
        except Exception as error:  # noqa: BLE001 -- as above; a header that cannot be written comes here
            return await self._send(request, self._failure(request, error))
        if connection._paused:
            await connection._drain_helper()
        return response

    async def _send(self, request: Request, response: web.StreamResponse) -> web.StreamResponse | None:
        ensure_one_response(request, response)
        decline_upgrade(self._connection)
        _, is_gone = await self._connection.finish_response(request, response, None)
        return None if is_gone else response

    def _send_known(self, request: Request, response: web.StreamResponse) -> bool:
        """Send a short response whose head is known, in one piece."""
        heads, connection = request.heads, self._connection
        if heads is None or connection.config.service.prepare is None or connection._upgraded:
            return False
        key = heads.key(request, response)
        data = None if key is None else heads.data(key, response, request._state.get(REQUEST_ID))
        return data is not None and self._write(request, data)

    async def _send_short(self, request: Request, response: web.StreamResponse) -> bool:
        """Send any other short response in one piece, and learn its head if it is of that kind."""
        connection, prepare = self._connection, self._connection.config.service.prepare
        is_ours = request.found or len(getattr(request._match_info, "_apps", ())) == 1
        if prepare is None or not is_ours or connection._upgraded:
            return False
        key = None if request.heads is None else request.heads.key(request, response)
        body = short_responses.body_of(request, response)
        if body is None:
            return False
        short_responses.complete(request, response, body)
        waiting = prepare(request, response)
        if waiting is not None:
            await waiting
        data = short_responses.take(request, response, body)
        if key is not None and request.heads is not None:  # a stamp that has failed takes them away
            request.heads.learn(key, data, len(body), request._state.get(REQUEST_ID) or "")
        return self._write(request, data)

    def _write(self, request: Request, data: bytes) -> bool:
        request._finish()
        transport = self._connection.transport
        if transport is None or transport.is_closing():
            raise ClientConnectionResetError("Nobody is there to send a response to.")
        transport.write(data)
        return True

    def _response_to(self, request: web.BaseRequest, error: BaseException) -> web.StreamResponse:
        if isinstance(error, web.HTTPException):
            return error
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
            raise error  # otherwise it got out of something that the handler waited for
        return self._failure(request, error)

    def _close_after(self, request: web.BaseRequest, response: Any) -> None:
        if awaits_continue(self._connection, request.content):
            self._connection._lingering_time = 0.0  # no body was asked for, so none will come
        elif isinstance(response, web.StreamResponse) and response.prepared and response.keep_alive:
            self._left = 1  # its head has promised another one before the stop began
            return
        if isinstance(response, web.StreamResponse):
            response.force_close()

    def _failure(self, request: web.BaseRequest, error: BaseException) -> web.StreamResponse:
        """Make a response to an error that nothing above has handled.

        Raises:
            ConnectionError: There is nobody to respond to, or part of another response is out already.
        """
        connection = self._connection
        is_gone = connection.transport is None or connection.transport.is_closing()
        if is_gone and isinstance(error, ConnectionError):
            raise error
        problem = error_responses.problem_from_failure(error)
        if problem.status >= 500:
            where = {"method": request.method, "path": request.path[:200]}
            logger.error("Unhandled error", exc_info=error, extra=where)
        if request.writer.output_size > 0:
            raise ConnectionResetError("The response had begun when it failed.") from error
        request._payload_writer = Writer(
            connection, connection._loop, is_head=request.method == hdrs.METH_HEAD
        )
        response = connection.config.service.refuse(request, problem)
        response.force_close()
        return response

    async def _send_refusal(self, request: web.BaseRequest, problem: Problem) -> web.StreamResponse | None:
        connection = self._connection
        self._refusal = None
        facts = {"status": problem.status, "reason": problem.detail, **connection.client()}
        logger.info("Refused a request", extra=facts)
        response = connection.config.service.refuse(request, problem)
        response.force_close()
        connection.reading, connection._lingering_time = Reading.NOTHING, 0.0
        await connection.finish_response(request, response, None)
        await connection.outlet.linger()
        return response
