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
from asyncio import get_running_loop
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from aiohttp import web

from framework.adapters.aiohttp.requests import Task, work_of
from framework.annotations import strip
from framework.battery import Battery, Handler, Middleware
from framework.context import DEADLINE, ENDPOINT
from framework.endpoint import Endpoint, Mark, calling_line
from framework.error_handling import ERROR_HANDLING
from framework.errors import ConfigurationError, GatewayTimeout, ServiceError
from framework.streaming import is_begun, is_gone

_log = logging.getLogger("framework.deadlines")

_AGAIN_SECONDS = 1.0
_SECONDS = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineSettings:
    """How long responses may take.

    Attributes:
        seconds: The time of every endpoint that does not say another one with ``@deadline``; 0 for none.
        header: The header in which a caller says how many seconds it will wait, such as ``X-Timeout``; it can only
            shorten the time. None by default.
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
                f"header is the name of a header, such as X-Timeout, not {self.header!r}."
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
    clocks: dict[float, Clock] = {}

    def plan(endpoint: Endpoint) -> Middleware | None:
        seconds = seconds_for(endpoint, settings.seconds)
        if seconds is None:
            return None
        clock = clocks.setdefault(seconds, Clock(seconds, settings.patience_seconds))
        return _heeding(clock, settings) if settings.header else clock.guard

    @asynccontextmanager
    async def lifespan(app: web.Application) -> AsyncIterator[None]:
        yield
        for clock in clocks.values():
            clock.stop()

    return Battery(name="deadlines", after=frozenset({"problems", "logs"}), plan=plan, lifespan=lifespan)


def _heeding(clock: Clock, settings: DeadlineSettings) -> Middleware:
    def middleware(request: web.Request, handler: Handler) -> Awaitable[web.StreamResponse]:
        seconds = shortened(clock.seconds, request.headers.get(settings.header))
        if seconds == clock.seconds:
            return clock.guard(request, handler)
        return _once(Clock(seconds, settings.patience_seconds), request, handler)

    return middleware


async def _once(clock: Clock, request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await clock.guard(request, handler)
    finally:
        clock.stop()


class Clock:
    """The requests in progress that have the same time, the oldest first.

    PERF: one timer for all of them, set for the oldest; a timer for each would cost a request more than all the rest.

    Attributes:
        guard: The middleware; see `_guard`.
    """

    def __init__(self, seconds: float, patience_seconds: float) -> None:
        self.seconds = seconds
        self._patience = patience_seconds
        self._running: dict[Task | None, web.Request] = {}
        self._late: dict[Task | None, Late] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.guard = self._guard(self._running, seconds)

    def _guard(self, running: dict[Task | None, web.Request], seconds: float) -> Middleware:
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            """Let a handler respond in time.

            Raises:
                DeadlineExceeded: It has not, whatever it made of its cancellation.
            """
            loop = get_running_loop()
            kept, task = work_of(request)
            kept[DEADLINE] = loop.time() + seconds
            running[task] = request
            if self._timer is None:
                self._timer = loop.call_later(seconds, self._look, loop)
            try:
                response = await handler(request)
            except BaseException as error:
                if running.pop(task, None) is None and self._is_due_to(task, error):
                    raise DeadlineExceeded from None
                raise
            if running.pop(task, None) is None:
                self._is_due_to(task, None)
            return response

        return guard

    def _is_due_to(self, task: Task | None, error: BaseException | None) -> bool:
        """Take back what was done to a late request, and tell whether its error is what became of that."""
        late = self._late.pop(task, None)
        if late is None:
            return False
        late.end()
        return error is not None and late.explains(error)

    def stop(self) -> None:
        """Forget the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """End what is late, and look again when the next request would be."""
        now, running = loop.time(), self._running
        while running:
            task, request = next(iter(running.items()))
            due = request.get(DEADLINE, now)
            if due > now:
                self._timer = loop.call_at(due, self._look, loop)
                return
            del running[task]
            self._expire(task, request, now)
        self._timer = None

    def _expire(self, task: Task | None, request: web.Request, now: float) -> None:
        if is_begun(request):
            request.pop(DEADLINE, None)  # a stream or a socket, and what it asks of others has no end either
        elif _goes_on_arriving(request):
            request[DEADLINE] = now + self.seconds
            self._running[task] = request
        elif task is not None:
            self._late[task] = Late(task, request, self.seconds, self._patience)


_ARRIVED: web.RequestKey[int] = web.RequestKey("arrived", int)


def _goes_on_arriving(request: web.Request) -> bool:
    """Tell whether the body is still on its way, and more of it has come; how slow it may be is the server's to say."""
    arrived = request.content.total_bytes
    if request.content.is_eof() or arrived <= request.get(_ARRIVED, 0):
        return False
    request[_ARRIVED] = arrived
    return True


class Late:
    """A request whose time is up: its handler is cancelled, again and again until it gives way."""

    def __init__(self, task: Task, request: web.Request, seconds: float, patience: float) -> None:
        self._task = task
        self._request = request
        self._cancellations = task.cancelling()
        self._presses = 0
        self._loop = asyncio.get_running_loop()
        self._give_up_at = self._loop.time() + patience
        self._timer: asyncio.TimerHandle | None = None
        self._farewell: asyncio.Task[None] | None = None
        self._facts = {"route": request[ENDPOINT].path if ENDPOINT in request else "", "seconds": seconds}
        _log.warning("deadline_exceeded", extra={**self._facts, "waiting_in": _place(task)})
        self._press()

    def end(self) -> None:
        """Take back what was done to the task; the handler has come to its end."""
        if self._timer is not None:
            self._timer.cancel()
        for _ in range(self._presses):
            self._task.uncancel()

    def explains(self, error: BaseException) -> bool:
        """Tell whether an error is what became of the cancellation, and not what a handler or somebody else says."""
        if isinstance(error, asyncio.CancelledError):
            return self._task.cancelling() <= self._cancellations
        return isinstance(error, Exception) and not isinstance(error, ServiceError | web.HTTPException)

    def _press(self) -> None:
        now = self._loop.time()
        if now >= self._give_up_at:
            _log.error("deadline_ignored", extra={**self._facts, "waiting_in": _place(self._task)})
            self._farewell = self._loop.create_task(_part(self._request), name="deadlines.part")
            self._timer = None
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


def _place(task: Task) -> str:
    """Return ``file:line function`` of the innermost coroutine that a task waits in."""
    awaited: Any = task.get_coro()
    frame = None
    while (inner := getattr(awaited, "cr_frame", None)) is not None:
        frame, awaited = inner, awaited.cr_await
    return "" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}"
