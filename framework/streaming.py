"""Answers that take a while: sent from inside the batteries, so that these see how it ends.

aiohttp sends a response when every middleware has returned. For one that is bytes in memory that is soon
enough; a file or a stream may fail or lose its client half-way, when no middleware can do anything about it.
"""

from __future__ import annotations

import asyncio
from enum import Enum

from aiohttp import WSCloseCode, web

_FAREWELL_SECONDS = 2
_REASON_BYTES = 123  # RFC 6455, 5.5


class Ending(Enum):
    """How the sending of a response ended."""

    COMPLETE = "complete"
    DISCONNECTED = "disconnected"
    ABORTED = "aborted"


class Sent(web.StreamResponse):
    """What stands for a response that has left already, so that nobody sends it again.

    Attributes:
        ending: Whether all of it has left; otherwise whose fault that is.
    """

    def __init__(self, status: int, *, size: int = 0, keep_alive: bool = False, ending: Ending) -> None:
        super().__init__(status=status)
        self.ending = ending
        self._size = size
        self._is_kept_alive = keep_alive

    @property
    def prepared(self) -> bool:
        return True

    @property
    def keep_alive(self) -> bool:
        return self._is_kept_alive

    @property
    def body_length(self) -> int:
        return self._size

    async def prepare(self, request: web.BaseRequest) -> None:
        """Do nothing."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing."""


def is_begun(request: web.BaseRequest) -> bool:
    """Tell whether part of an answer has left already."""
    return request.writer.output_size > 0


def is_gone(request: web.BaseRequest) -> bool:
    """Tell whether the client has gone away."""
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
    return complete(request, response)


def complete(request: web.BaseRequest, response: web.StreamResponse) -> Sent:
    """Return what stands for an answer that has left to its end."""
    # The writer does not see what the kernel copies out of a file by itself.
    size = max(request.writer.output_size, response.content_length or 0)
    return Sent(response.status, size=size, keep_alive=bool(response.keep_alive), ending=Ending.COMPLETE)


async def hang_up(request: web.BaseRequest, socket: web.WebSocketResponse, code: int, reason: str) -> Sent:
    """Close a WebSocket whose handler has failed, and return what stands for it; a silent peer is not waited for."""
    try:
        async with asyncio.timeout(_FAREWELL_SECONDS):
            await socket.close(code=code, message=reason.encode()[:_REASON_BYTES])
    except (TimeoutError, ConnectionError):
        abort(request)
    return Sent(socket.status, size=request.writer.output_size, ending=Ending.COMPLETE)


def abort(request: web.BaseRequest) -> Sent:
    """Cut the connection: nothing else can tell a client with half an answer that there will not be more."""
    size = request.writer.output_size
    request.protocol.force_close()
    return Sent(500, size=size, ending=Ending.ABORTED)


def disconnected(request: web.BaseRequest, status: int = 499) -> Sent:
    """Return what stands for an answer to nobody; 499 is the status that logs know for it."""
    return Sent(status, size=request.writer.output_size, ending=Ending.DISCONNECTED)
