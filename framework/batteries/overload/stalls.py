"""Stalls: a thread looks whether the event loop still turns, and tells where it stands when it does not."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic, process_time

from framework.adapters.threads import stack_of

_log = logging.getLogger("framework.overload")

_LOOKS_PER_STALL = 4  # how often the thread looks within the time that is a stall
_FRAMES = 20
_QUIET_SECONDS = 10.0

Report = Callable[[float, str], None]


class Stall:
    """What is known of a loop by its beats.

    Args:
        seconds: How long a loop may not beat.
        now: Seconds on a clock that only goes forward.
    """

    def __init__(self, seconds: float, now: float) -> None:
        self._seconds = seconds
        self.beat = now
        self._looked, self._worked = now, 0.0
        self._told_of = self._told = -math.inf

    def is_news(self, now: float, worked: float) -> bool:
        """Tell whether the loop stands, and nobody has been told of this stall, nor of another just before.

        Where this question itself comes late, and nothing has worked meanwhile, the whole process was stopped: that is
        no fault of the loop's.

        Args:
            worked: The seconds for which the process has had a processor.
        """
        gap, busy = now - self._looked, worked - self._worked
        self._looked, self._worked = now, worked
        if gap > self._seconds and busy < gap / 2:
            self.beat = now
            return False
        if now - self.beat < self._seconds or self._told_of == self.beat or now - self._told < _QUIET_SECONDS:
            return False
        self._told_of, self._told = self.beat, now
        return True


def report(seconds: float, stack: str) -> None:
    """Log where a loop stands."""
    _log.error("loop_stalled", extra={"seconds": round(seconds, 3), "stack": stack})


@asynccontextmanager
async def watched(seconds: float, tell: Report = report) -> AsyncIterator[None]:
    """Watch the running loop for as long as the block lasts."""
    loop, thread = asyncio.get_running_loop(), threading.get_ident()
    stall, ended, pause = Stall(seconds, monotonic()), threading.Event(), seconds / _LOOKS_PER_STALL
    timer: asyncio.TimerHandle

    def beat() -> None:
        nonlocal timer
        stall.beat = monotonic()
        timer = loop.call_later(pause, beat)

    def watch() -> None:
        while not ended.wait(pause):
            if stall.is_news(monotonic(), process_time()):
                tell(monotonic() - stall.beat, stack_of(thread, frames=_FRAMES))

    beat()
    watcher = threading.Thread(target=watch, name="overload.stalls", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        timer.cancel()
        watcher.join()
