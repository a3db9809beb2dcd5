"""Answers that take a while: sent from inside the batteries, so that these see how it ends.

aiohttp sends a response when every middleware has returned. For one that is bytes in memory that is soon
enough; a file or a stream may fail or lose its client half-way, when no middleware can do anything about it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Any

from aiohttp import WSCloseCode, web
from aiohttp.http_writer import StreamWriter
from aiohttp.payload import Payload


class Receiver:
    """Receive the signal ``on_response_prepare``, and say for which requests that matters.

    A brief answer to any other request is sent without asking it, and so without a wait.
    """

    def __init__(
        self,
        receive: Callable[[web.Request, web.StreamResponse], Awaitable[None]],
        *,
        concerns: Callable[[web.Request], bool],
    ) -> None:
        self._receive = receive
        self.concerns = concerns

    async def __call__(self, request: web.Request, response: web.StreamResponse) -> None:
        await self._receive(request, response)


class Ending(Enum):
    """Say how the sending of an answer ended."""

    COMPLETE = "complete"
    DISCONNECTED = "disconnected"
    ABORTED = "aborted"


class Sent(web.StreamResponse):
    """Stand for an answer that has left already, so that nobody sends it again.

    Attributes:
        ending: Whether all of it has left; otherwise whose fault that is.
    """

    def __init__(self, status: int, *, size: int = 0, keep_alive: bool = False, ending: Ending) -> None:
        super().__init__(status=status)
        self.ending = ending
        self._size = size
        self._keep_alive = keep_alive

    @property
    def prepared(self) -> bool:
        return True

    @property
    def body_length(self) -> int:
        return self._size

    async def prepare(self, request: web.BaseRequest) -> None:
        """Do nothing."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing."""


def short_body(response: web.StreamResponse) -> bytes | bytearray | None:
    """Return an answer's body if it is bytes in memory, which can be sent at once; None if it takes a while."""
    # PERF: asking isinstance costs half a microsecond for each of aiohttp's classes, and most bodies are bytes.
    body = response._body
    if type(body) is bytes:
        return body
    if body is None:
        return b"" if isinstance(response, web.Response) else None
    return None if isinstance(body, Payload) else body


def is_begun(request: web.BaseRequest) -> bool:
    """Say whether part of an answer has left already."""
    return request.writer.output_size > 0


def is_gone(request: web.BaseRequest) -> bool:
    """Say whether the client has gone away."""
    transport = request.transport
    return transport is None or transport.is_closing()


async def deliver(request: web.BaseRequest, response: web.StreamResponse) -> web.StreamResponse:
    """Send an answer that takes a while, to its end, and return what stands for it from then on.

    Raises:
        Exception: What the source of the answer raised; `withdraw` or `abort` comes next.
    """
    if isinstance(response, Sent):
        return response
    try:
        await response.prepare(request)
        await response.write_eof()
    except ConnectionError:
        if not is_gone(request):
            raise
        return disconnected(request, response.status)
    if isinstance(response, web.WebSocketResponse) and response.close_code == WSCloseCode.ABNORMAL_CLOSURE:
        return disconnected(request, response.status)
    # The writer does not see what the kernel copies out of a file by itself.
    size = max(request.writer.output_size, response.content_length or 0)
    return Sent(response.status, size=size, keep_alive=bool(response.keep_alive), ending=Ending.COMPLETE)


def withdraw(request: web.BaseRequest) -> None:
    """Forget an answer that was prepared and not begun, so that another can take its place."""
    writer: Any = request.writer
    if isinstance(writer, StreamWriter):
        writer.length, writer.chunked = None, False
        writer._compress, writer._headers_buf = None, None


def abort(request: web.BaseRequest) -> Sent:
    """Cut the connection: nothing else can tell a client with half an answer that there will not be more."""
    size = request.writer.output_size
    request.protocol.force_close()
    return Sent(500, size=size, ending=Ending.ABORTED)


def disconnected(request: web.BaseRequest, status: int = 499) -> Sent:
    """Return what stands for an answer to nobody; 499 is the status that logs know for it."""
    return Sent(status, size=request.writer.output_size, ending=Ending.DISCONNECTED)
