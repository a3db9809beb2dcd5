"""How fast bytes have to move, and the timers that notice a peer who has stopped sending or reading."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from framework.server.queues import unacknowledged


class Pace(NamedTuple):
    """An average rate that is demanded after a grace period, and the longest pause."""

    bytes_per_second: float
    grace_seconds: float
    gap_seconds: float


class Progress:
    """The bytes of one transfer so far, and when, without a further byte, it becomes too slow."""

    __slots__ = ("_last", "_moved", "_pace", "_started")

    def __init__(self, pace: Pace, now: float) -> None:
        self._pace = pace
        self._started = self._last = now
        self._moved = 0

    def move(self, count: int, now: float) -> None:
        self._moved += count
        self._last = now

    def restart(self, now: float) -> None:
        """Begin anew, because what went before was not the peer's fault."""
        self._started = self._last = now
        self._moved = 0

    def due(self) -> float:
        pace = self._pace
        allowed_seconds = max(pace.grace_seconds, self._moved / pace.bytes_per_second)
        return min(self._started + allowed_seconds, self._last + pace.gap_seconds)


class ArrivalWatch:
    """A timer that is armed while a body arrives."""

    __slots__ = ("_loop", "_on_slow", "_progress", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, pace: Pace, on_slow: Callable[[], None]) -> None:
        self._loop = loop
        self._on_slow = on_slow
        self._progress = Progress(pace, loop.time())
        self._timer = loop.call_at(self._progress.due(), self._check)

    def moved(self, count: int) -> None:
        self._progress.move(count, self._loop.time())

    def forgive(self) -> None:
        """Begin anew: it was the handler that did not read."""
        self._progress.restart(self._loop.time())

    def stop(self) -> None:
        self._timer.cancel()

    def _check(self) -> None:
        due = self._progress.due()
        if self._loop.time() >= due:
            self._on_slow()
        else:
            self._timer = self._loop.call_at(due, self._check)


class FetchWatch:
    """A timer that is armed while a peer fetches what was written; how much is left has to be polled."""

    __slots__ = ("_left", "_loop", "_on_slow", "_poll_seconds", "_progress", "_timer", "_transport")

    def __init__(self, transport: asyncio.Transport, pace: Pace, on_slow: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._on_slow = on_slow
        self._left = self._unfetched()
        self._progress = Progress(pace, self._loop.time())
        self._poll_seconds = min(1.0, pace.grace_seconds / 2)
        self._timer = self._loop.call_later(self._poll_seconds, self._check)

    def stop(self) -> None:
        self._timer.cancel()

    def _unfetched(self) -> int:
        return self._transport.get_write_buffer_size() + unacknowledged(self._transport)

    def _check(self) -> None:
        if self._transport.get_write_buffer_size() == 0:
            return
        # NOTE: a transport hands over when a third of the system's buffer is free: its own buffer stands still for
        # seconds while an honest peer fetches.
        now, left = self._loop.time(), self._unfetched()
        if left < self._left:
            self._progress.move(self._left - left, now)
        self._left = left
        if now >= self._progress.due():
            self._on_slow()
        else:
            self._timer = self._loop.call_later(self._poll_seconds, self._check)
