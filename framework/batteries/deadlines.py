"""Deadlines: a request whose response is not ready in time is ended, and its client is told so (504).

What a handler waits for is cancelled when the time is up: statements of a database, calls of Redis and of other
services, each of which runs in the request's own task. The transaction is rolled back. Streams and sockets have no
deadline: once part of a response has left, the time is theirs.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from aiohttp import web

from framework.adapters.aiohttp.requests import arrival, find, state_of
from framework.annotations import strip
from framework.battery import Battery, Handler, Middleware
from framework.context import DEADLINE, ENDPOINT, REQUEST_ID
from framework.endpoint import Endpoint, Mark, calling_line
from framework.error_handling import ERROR_HANDLING
from framework.errors import ConfigurationError, GatewayTimeout, ServiceError
from framework.progress import LATE, PROGRESS, WORK, Progress
from framework.streaming import is_begun, is_gone

_log = logging.getLogger("framework.deadlines")

_AGAIN_SECONDS = 1.0
_LOOKS_PER_DEADLINE = 30
_SHORTEST_PAUSE_SECONDS = 0.02
_SECONDS = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineSettings:
    """How long responses may take.

    Attributes:
        seconds: The time of every endpoint that does not say another one with ``@deadline``, to within a thirtieth; 0
            for none.
        header: The header in which a caller says how many seconds it will wait, such as ``X-Request-Timeout``; it can
            only shorten the time. None is looked at unless it is named.
        patience_seconds: How long a handler that goes on when it is cancelled keeps its client without a response.
    """

    seconds: float = 30.0
    header: str = ""
    patience_seconds: float = 5.0

    def __post_init__(self) -> None:
        if not 0 <= self.seconds < math.inf or not 0 < self.patience_seconds < math.inf:
            raise ConfigurationError("seconds is at least 0, and patience_seconds more than that.")
        if self.header and not re.fullmatch(r"[A-Za-z0-9-]+", self.header):
            raise ConfigurationError(
                f"header is the name of a header, such as X-Request-Timeout, not {self.header!r}."
            )


@dataclass(frozen=True, slots=True)
class Deadline(Mark):
    """A promise that the response is ready in so many seconds, or never will be; None for no such promise."""

    battery: ClassVar[str | None] = "deadlines"
    problems: ClassVar[tuple[int, ...]] = (504,)
    seconds: float | None = None


def deadline(*, seconds: float | None) -> Deadline:
    """Give an endpoint a time of its own: ``@deadline(seconds=2)``; ``@deadline(seconds=None)`` for none.

    Raises:
        ConfigurationError: It is no number above 0.
    """
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if seconds is not None and not (is_number and 0 < seconds < math.inf):
        raise ConfigurationError(
            f"{calling_line()}: @deadline takes a number of seconds above 0 and got {seconds!r}; "
            "write @deadline(seconds=2), or @deadline(seconds=None) for no deadline."
        )
    return Deadline(seconds)


class DeadlineExceeded(GatewayTimeout):
    """The response was not ready in time."""

    def __init__(self) -> None:
        super().__init__("The answer was not ready in time.")


def seconds_for(endpoint: Endpoint, default: float) -> float | None:
    """Return how long an endpoint's responses may take; None for as long as they like."""
    mark = endpoint.find(Deadline)
    if mark is not None:
        return mark.seconds
    kind = strip(endpoint.returns).kind
    is_socket = isinstance(kind, type) and issubclass(kind, web.WebSocketResponse)
    return None if is_socket or not endpoint.matched or default == 0 else default


def shortened(seconds: float, sent: str | None) -> float:
    """Return the time that a caller gives, if that is less; what is no number of seconds says nothing."""
    if sent is None or not _SECONDS.fullmatch(sent.strip()):
        return seconds
    return min(seconds, float(sent))


def battery(settings: DeadlineSettings | None = None) -> Battery:
    """Return the battery that ends requests whose time is up."""
    settings = settings or DeadlineSettings()
    clock = Clock(settings)

    def plan(endpoint: Endpoint) -> Middleware | None:
        seconds = seconds_for(endpoint, settings.seconds)
        if seconds is None or (endpoint.find(Deadline) is None and not settings.header):
            return None  # PERF: those without a mark have one time, which the clock knows without being told
        return clock.guard(seconds)

    def setup(app: web.Application, _: object) -> None:
        clock.progress = app[PROGRESS]

    @asynccontextmanager
    async def lifespan(app: web.Application) -> AsyncIterator[None]:
        clock.start()
        yield
        clock.stop()

    after = frozenset({"problems", "logs"})
    return Battery(name="deadlines", after=after, plan=plan, setup=setup, lifespan=lifespan)


class Clock:
    """The end of each request's time.

    PERF: a request with a time of its own notes when it is due, and no more. One timer looks through those in progress
    when the first of them would be late; a timer for each, taken back at its end, would cost a request more than
    all the rest. For requests with the usual time it looks around every now and then, and they pay nothing at all.

    Attributes:
        progress: The requests in progress.
        time: Seconds on the clock of the event loop.
    """

    def __init__(self, settings: DeadlineSettings) -> None:
        self.progress = Progress()
        self.time: Callable[[], float] = float
        self._settings = settings
        self._pause = max(settings.seconds / _LOOKS_PER_DEADLINE, _SHORTEST_PAUSE_SECONDS)
        self._looks_at = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def guard(self, seconds: float) -> Middleware:
        """Return what gives each request so many seconds, or fewer if its header says so."""
        header = self._settings.header

        def middleware(request: web.Request, handler: Handler) -> Awaitable[web.StreamResponse]:
            kept, headers = arrival(request)
            sent = headers.get(header) if header else None
            due = kept[DEADLINE] = self.time() + (seconds if sent is None else shortened(seconds, sent))
            if due < self._looks_at:
                self._look_at(due)
            work = kept.get(WORK)
            if (
                work is not None
            ):  # it may be a clone, and the one that was noted knows nothing of its deadline
                self.progress.requests[work.number] = request
            return handler(request)

        return middleware

    def start(self) -> None:
        """Begin to look around."""
        loop = asyncio.get_running_loop()
        self.time = loop.time
        if self._settings.seconds:
            self._look_at(loop.time() + self._pause)

    def stop(self) -> None:
        """Forget the timer."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._looks_at = None, math.inf

    def _look_at(self, due: float) -> None:
        self.stop()
        self._looks_at = due
        self._timer = asyncio.get_running_loop().call_at(due, self._look)

    def _look(self) -> None:
        """End what is late, and look again when the next request would be."""
        self._timer, self._looks_at = None, math.inf
        now = self.time()
        if self._settings.seconds:
            self._looks_at = now + self._pause
        for number, request in list(self.progress.requests.items()):
            due = find(request, DEADLINE) or self._note_due(request, now)
            if due is not None and due <= now and find(request, LATE) is None:
                due = self._expire(number, request, now)
            if due is not None and now < due < self._looks_at:
                self._looks_at = due
        if self._looks_at < math.inf:
            self._look_at(self._looks_at)

    def _note_due(self, request: web.Request, now: float) -> float | None:
        """Note when a request is due that was not seen before; None if it has no end."""
        kept = state_of(request)
        seconds = seconds_for(kept[ENDPOINT], self._settings.seconds) if ENDPOINT in kept else None
        if seconds is not None:
            kept[DEADLINE] = now + seconds
        return None if seconds is None else now + seconds

    def _expire(self, number: int, request: web.Request, now: float) -> float | None:
        """End a request, unless it is none that can be late; return when it is due then."""
        kept = state_of(request)
        if is_begun(request):
            self.progress.part_stream(number)
        elif _goes_on_arriving(request):
            due = kept[DEADLINE] = now + (seconds_for(kept[ENDPOINT], self._settings.seconds) or 0.0)
            return due
        else:
            goes_on = partial(self.progress.requests.__contains__, number)
            late = kept[LATE] = Late(request, self._settings.patience_seconds, goes_on).explain
            if (work := kept.get(WORK)) is not None:
                work.late = late
        return None


_ARRIVED: web.RequestKey[int] = web.RequestKey("arrived", int)


def _goes_on_arriving(request: web.Request) -> bool:
    """Tell whether the body is still on its way, and more of it has come; how slow it may be is the server's to say."""
    arrived = request.content.total_bytes
    if request.content.is_eof() or arrived <= request.get(_ARRIVED, 0):
        return False
    request[_ARRIVED] = arrived
    return True


class Late:
    """A request whose time is up: its handler is cancelled, again and again until it gives way.

    Args:
        goes_on: ``() -> bool``: whether the request is in progress still.
    """

    def __init__(self, request: web.Request, patience: float, goes_on: Callable[[], bool]) -> None:
        work = find(request, WORK)
        self._task = request.task if work is None or work.task is None else work.task
        self._request = request
        self._goes_on = goes_on
        self._cancellations = self._task.cancelling()
        self._presses = 0
        self._loop = asyncio.get_running_loop()
        self._give_up_at = self._loop.time() + patience
        self._timer: asyncio.TimerHandle | None = None
        self._farewell: asyncio.Task[None] | None = None
        self._facts = {
            "method": request.method,
            "route": request[ENDPOINT].path,
            "request_id": request.get(REQUEST_ID, ""),
        }
        _log.warning("deadline_exceeded", extra={**self._facts, "waiting_in": _place(self._task)})
        self._press()

    def explain(self, error: BaseException) -> Exception | None:
        """Take back what was done to the task, and return what its client is told; see `framework.progress.LATE`."""
        if self._timer is not None:
            self._timer.cancel()
        for _ in range(self._presses):
            self._task.uncancel()
        self._presses = 0
        if isinstance(error, asyncio.CancelledError):
            is_ours = self._task.cancelling() <= self._cancellations
        else:
            is_ours = not isinstance(error, ServiceError | web.HTTPException)
        return DeadlineExceeded() if is_ours else None

    def _press(self) -> None:
        self._timer = None
        if not self._goes_on() or is_begun(self._request):
            return
        now = self._loop.time()
        if now >= self._give_up_at:
            _log.error("deadline_ignored", extra={**self._facts, "waiting_in": _place(self._task)})
            self._farewell = self._loop.create_task(_part(self._request), name="deadlines.part")
            return
        self._presses += 1
        self._task.cancel()
        self._timer = self._loop.call_at(min(now + _AGAIN_SECONDS, self._give_up_at), self._press)


async def _part(request: web.Request) -> None:
    """Respond in the place of a handler that does not end, and close the connection: nothing else can use it."""
    if is_begun(request) or is_gone(request):
        request.protocol.force_close()
        return
    body, media_type = request.app[ERROR_HANDLING].body_of(DeadlineExceeded().problem())
    response = web.Response(status=504, body=body, headers={"Content-Type": media_type})
    response.force_close()
    try:
        await response.prepare(request)
        await response.write_eof()
    except (ConnectionError, RuntimeError):
        pass
    finally:
        request.protocol.force_close()


def _place(task: asyncio.Task[Any]) -> str:
    """Return ``file:line function`` of the innermost coroutine that a task waits in."""
    awaited: Any = task.get_coro()
    frame = None
    while (inner := getattr(awaited, "cr_frame", None)) is not None:
        frame, awaited = inner, awaited.cr_await
    return "" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}"
