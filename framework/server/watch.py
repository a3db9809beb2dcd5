"""Timers that notice a peer who has stopped sending or fetching; armed only while something is incomplete."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from framework.server.pace import Pace, Progress


class ArrivalWatch:
    """Watch one body arrive."""

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
    """Watch a peer fetch what has been written; a transport only tells how much is left, so it is polled."""

    __slots__ = ("_left", "_loop", "_on_slow", "_poll_seconds", "_progress", "_timer", "_transport")

    def __init__(self, transport: asyncio.Transport, pace: Pace, on_slow: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._on_slow = on_slow
        self._left = transport.get_write_buffer_size()
        self._progress = Progress(pace, self._loop.time())
        self._poll_seconds = min(1.0, pace.grace_seconds / 2)
        self._timer = self._loop.call_later(self._poll_seconds, self._check)

    def stop(self) -> None:
        self._timer.cancel()

    def _check(self) -> None:
        now, left = self._loop.time(), self._transport.get_write_buffer_size()
        if left == 0:
            return
        if left < self._left:
            self._progress.move(self._left - left, now)
        self._left = left
        if now >= self._progress.due():
            self._on_slow()
        else:
            self._timer = self._loop.call_later(self._poll_seconds, self._check)
