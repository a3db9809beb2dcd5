"""The WebSockets and streams that are open, to be ended politely before the process ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final
from weakref import WeakSet, ref

from aiohttp import WSCloseCode, hdrs, web

from framework.server.app_keys import CANCEL_ON_DISCONNECT

logger = logging.getLogger("framework.server")

End = Callable[[], Awaitable[object]]

#: The methods whose streams a stop interrupts: what they do is safe to be done again (RFC 9110, 9.2.1).
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_FAREWELL = b"The service is stopping."
_LEAVE_SECONDS = 1.0  # what a handler has to clean up when its socket is closed
_BEGIN_SECONDS = 0.05  # from the head of a response to when it may be ended


class Lasting:
    """A response that may last until somebody ends it: a WebSocket, or a stream that says no length.

    Attributes:
        since: When its head left, on the loop's clock.
        is_ended: The stop has cancelled its handler.
    """

    __slots__ = ("__weakref__", "_request", "_response", "_task", "is_ended", "since")

    def __init__(
        self, request: web.BaseRequest, response: web.StreamResponse, task: asyncio.Task[object] | None
    ) -> None:
        # NOTE: the request knows this record; a cycle would keep a stream's generator open until the garbage collector.
        self._request, self._response = ref(request), ref(response)
        self._task = task
        self.since = asyncio.get_running_loop().time()
        self.is_ended = False

    @property
    def task(self) -> asyncio.Task[object] | None:
        """Return what its handler runs in."""
        return self._task

    @property
    def response(self) -> web.StreamResponse | None:
        return self._response()

    @property
    def is_socket(self) -> bool:
        return isinstance(self.response, web.WebSocketResponse)

    async def end(self) -> None:
        """Take leave of a socket's peer, or let a stream come to its end."""
        response, request = self.response, self._request()
        if isinstance(response, web.WebSocketResponse):
            with suppress(ConnectionError):
                await response.close(code=WSCloseCode.GOING_AWAY, message=_FAREWELL)
            if self._task is not None and not self._task.done():
                await asyncio.wait({self._task}, timeout=_LEAVE_SECONDS)
            self.interrupt()
        elif request is not None and request.get(CANCEL_ON_DISCONNECT, request.method in _SAFE_METHODS):
            self.interrupt()

    def interrupt(self) -> None:
        """Cancel the handler; `end_early` completes its response."""
        if self._task is not None and not self._task.done() and not self.is_ended:
            self.is_ended = True
            self._task.cancel()


LASTING: Final = web.RequestKey("framework.server.lasting", Lasting)


def may_last(response: web.StreamResponse) -> bool:
    """Tell whether nobody knows how long a response will take: it is neither of known length nor a download."""
    if isinstance(response, web.WebSocketResponse):
        return True
    return response.content_length is None and hdrs.CONTENT_DISPOSITION not in response.headers


async def end_early(request: web.BaseRequest) -> web.StreamResponse | None:
    """Complete the response that a stop has interrupted; None if the handler was cancelled for another reason."""
    lasting: Lasting | None = request.get(LASTING)
    task = asyncio.current_task()
    if lasting is None or task is None or not lasting.is_ended or lasting.task is not task:
        return None
    response = lasting.response
    if response is None or task.uncancel() > 0:
        return None
    with suppress(ConnectionError):
        await web.StreamResponse.write_eof(response)  # Response's own would send its body again
    return response


class Connections:
    """The WebSockets and streams that are open.

    Those that a handler opens are known by themselves. A handler that wants to say its own last word asks to be told::

        async with request.app[CONNECTIONS].stream() as ending:
            while not ending.is_set(): ...
    """

    def __init__(self) -> None:
        self._ends: dict[object, End] = {}
        self._lasting: WeakSet[Lasting] = WeakSet()
        self._farewells: set[asyncio.Task[None]] = set()
        self._ending = False

    def __len__(self) -> int:
        return len(self._ends)

    def hold(
        self, request: web.BaseRequest, response: web.StreamResponse, task: asyncio.Task[object] | None
    ) -> None:
        """Take note of a response whose head is about to leave, if it may last.

        Args:
            task: What the request's handler runs in; it may have left sending the head to another one.
        """
        if LASTING in request or not may_last(response):
            return
        lasting = request[LASTING] = Lasting(request, response, task)
        self._lasting.add(lasting)
        if self._ending and lasting.is_socket:
            farewell = asyncio.create_task(self._end_soon(lasting), name="framework.server.farewell")
            self._farewells.add(farewell)
            farewell.add_done_callback(self._farewells.discard)

    @asynccontextmanager
    async def socket(self, ws: web.WebSocketResponse) -> AsyncIterator[None]:
        """Close the socket with 1001 (going away, RFC 6455, 7.4.1) when the service stops, and leave the rest to it."""

        async def end() -> None:
            await ws.close(code=WSCloseCode.GOING_AWAY, message=_FAREWELL)

        async with self._held(ws, end):
            yield

    @asynccontextmanager
    async def stream(self) -> AsyncIterator[asyncio.Event]:
        """Give an event that is set when the service stops and the stream has to come to its end."""
        ending = asyncio.Event()

        async def end() -> None:
            ending.set()

        async with self._held(asyncio.current_task(), end):
            yield ending

    async def end(self, *, lasted_seconds: float = 0.0) -> None:
        """End all that is open, and whatever socket opens from now on.

        Args:
            lasted_seconds: Streams that nobody wants to be told of are spared while they are younger.
        """
        self._ending = True
        before = asyncio.get_running_loop().time() - lasted_seconds
        ends = [*self._ends.values()]
        for lasting in list(self._lasting):
            is_known = lasting.response in self._ends or lasting.task in self._ends
            if not is_known and (lasting.is_socket or lasting.since <= before):
                self._lasting.discard(lasting)
                ends.append(lasting.end)
        results = await asyncio.gather(*(end() for end in ends), return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                logger.warning("A connection could not be ended politely", exc_info=result)

    @asynccontextmanager
    async def _held(self, what: object, end: End) -> AsyncIterator[None]:
        self._ends[what] = end
        try:
            if self._ending:
                await end()
            yield
        finally:
            self._ends.pop(what, None)

    async def _end_soon(self, lasting: Lasting) -> None:
        await asyncio.sleep(_BEGIN_SECONDS)
        await lasting.end()


CONNECTIONS: Final = web.AppKey("framework.server.connections", Connections)
