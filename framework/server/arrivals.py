"""How much of a request has arrived: its head, in bytes and seconds, and its body."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum
from typing import Protocol

from framework.errors import ServiceError
from framework.problem import Problem
from framework.server import error_responses
from framework.server.settings import ServerSettings
from framework.server.timeouts import ArrivalWatch, Pace


class Reading(Enum):
    """What the next bytes of a connection are.

    Attributes:
        START: The first bytes of a request.
        HEAD: Part of a head may have arrived, or the connection's first one is waited for.
        BODY: The body of the request that came last.
        NOTHING: They are not read: an error response is on its way, and nobody knows where a request would begin.
    """

    START = "start"
    HEAD = "head"
    BODY = "body"
    NOTHING = "nothing"


class Head:
    """The head of a request, while it arrives.

    Attributes:
        since: When its first byte came, or the connection was made, on the loop's clock; 0.0 if it is not waited for.
    """

    __slots__ = ("_bytes", "_limit", "_seconds", "_settings", "since")

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._limit = settings.request_line_bytes + settings.headers_bytes
        self._seconds = settings.header_read_seconds
        self._bytes = 0
        self.since = 0.0

    @property
    def has_begun(self) -> bool:
        """Tell whether any of it has arrived."""
        return self._bytes > 0

    @property
    def due(self) -> float:
        """When it must have arrived."""
        return self.since + self._seconds

    def grow(self, size: int) -> Problem | None:
        """Count bytes of it; return what is wrong once there are too many."""
        self._bytes += size
        if self._bytes <= self._limit:
            return None
        return error_responses.headers_too_large(self._settings.headers_bytes)

    def end(self) -> None:
        """Forget it: it has arrived."""
        self._bytes, self.since = 0, 0.0


class Stream(Protocol):
    """The part of aiohttp's ``StreamReader`` that is looked at."""

    def is_eof(self) -> bool: ...
    def set_exception(self, exc: BaseException) -> None: ...


class Body:
    """The body of a request, while it arrives.

    Attributes:
        awaits_continue: The client sends it when it is told 100 Continue (RFC 9110, 10.1.1).
        is_chunked: It is sent in chunks, and trailers may follow (RFC 9112, 7.1).
    """

    __slots__ = ("_loop", "_on_slow", "_pace", "_watch", "awaits_continue", "is_chunked", "stream")

    def __init__(self, stream: Stream, pace: Pace, on_slow: Callable[[], None]) -> None:
        self.stream = stream
        self.awaits_continue = False
        self.is_chunked = False
        self._loop = asyncio.get_running_loop()
        self._pace = pace
        self._on_slow = on_slow
        self._watch: ArrivalWatch | None = None

    @property
    def has_ended(self) -> bool:
        """Tell whether all of it is here."""
        return self.stream.is_eof()

    def watch(self) -> None:
        """Demand from now on that it moves."""
        self.awaits_continue = False
        self.end()
        self._watch = ArrivalWatch(self._loop, self._pace, self._on_slow)

    def grow(self, size: int) -> None:
        """Count bytes of it; a client that sends does not wait for 100 Continue any longer."""
        if self._watch is None:
            self.watch()
        else:
            self._watch.moved(size)

    def forgive(self) -> None:
        """Count anew: it was the handler that did not read."""
        if self._watch is not None:
            self._watch.forgive()

    def end(self) -> None:
        """Demand nothing more."""
        if self._watch is not None:
            self._watch.stop()
            self._watch = None

    def fail(self, error: ServiceError) -> None:
        """Let whoever reads it see an error."""
        self.end()
        self.stream.set_exception(error)
