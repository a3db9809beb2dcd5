"""Moving windows: counts of requests in memory, with as many keys and as much of each as there is room for."""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Callable
from time import monotonic
from typing import NamedTuple, Protocol

from framework.batteries.ratelimits.rates import Rate

_MOST_SLOTS = 64


class Taken(NamedTuple):
    """The outcome of one request.

    Attributes:
        allowed: It is within its rate.
        remaining: How many more would be, just now.
        reset_seconds: When there will be room for another one; for one that is refused, when it may come again.
    """

    allowed: bool
    remaining: int
    reset_seconds: int


class Counts(Protocol):
    """**Protocol:** counts the requests of each key."""

    async def take(self, rate: Rate, key: str) -> Taken:
        """Count a request, unless that would be one too many."""


class Window:
    """The requests of one key in the span that ends now.

    Up to 64 requests are remembered each for itself. Of a larger amount, those of one 64th of the span are remembered
    together as of its end: there are never more than the rate allows in any span, and a key needs no more room.
    """

    __slots__ = ("_count", "_slots")

    def __init__(self) -> None:
        self._slots: deque[tuple[float, int]] = deque()
        self._count = 0

    def take(self, rate: Rate, now: float) -> Taken:
        """Count a request, unless that would be one too many.

        Args:
            now: Seconds on a clock that only goes forward.
        """
        slots = self._slots
        while slots and slots[0][0] <= now - rate.seconds:
            self._count -= slots.popleft()[1]
        allowed = self._count < rate.amount
        if allowed:
            self._count += 1
            width = rate.seconds / _MOST_SLOTS if rate.amount > _MOST_SLOTS else 0.0
            if width and slots and slots[-1][0] > now:
                slots[-1] = (slots[-1][0], slots[-1][1] + 1)
            else:
                slots.append((now + width, 1))
        reset = max(1, math.ceil(slots[0][0] + rate.seconds - now))
        return Taken(allowed, rate.amount - self._count, reset)


class MemoryCounts:
    """The counts of one process.

    Args:
        most_keys: Of more than these the ones that have been silent for longest are forgotten, and start anew.
        clock: Seconds on a clock that only goes forward.
    """

    def __init__(self, most_keys: int, clock: Callable[[], float] = monotonic) -> None:
        self._most_keys = most_keys
        self._clock = clock
        self._windows: OrderedDict[tuple[Rate, str], Window] = OrderedDict()

    def __len__(self) -> int:
        return len(self._windows)

    def clear(self) -> None:
        """Forget all."""
        self._windows.clear()

    async def take(self, rate: Rate, key: str) -> Taken:
        """Count a request; nothing is waited for, so that requests at the same time are counted exactly."""
        place = (rate, key)
        window = self._windows.get(place)
        if window is None:
            window = self._windows[place] = Window()
            if len(self._windows) > self._most_keys:
                self._windows.popitem(last=False)
        else:
            self._windows.move_to_end(place)
        return window.take(rate, self._clock())
