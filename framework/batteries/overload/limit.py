"""How much a worker can do at once, learned from how long its answers take."""

from __future__ import annotations

_LEAST = 2.0
_FIRST = 16.0
_LESS = 0.2  # of the limit, when a round of answers as large as the limit was late
_MORE = 1.0  # as TCP does it: additive increase, multiplicative decrease


class AdaptiveLimit:
    """A limit that rises while answers come in time, and falls while they do not.

    It doubles with each round of answers until the first of them is late; then it grows by one for each round in time,
    and shrinks by a fifth for each that is late.

    Args:
        most: What it never exceeds.
        seconds: The time within which answers are to come.

    Attributes:
        value: How many requests there may be at once.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self.value = min(_FIRST, float(most))
        self._most = float(most)
        self._seconds = seconds
        self._was_late = False

    def note(self, seconds: float, *, is_full: bool) -> None:
        """Learn from one answer.

        Args:
            seconds: How long it took.
            is_full: Whether there were as many at once as there may be; otherwise it says nothing about more.
        """
        if seconds > self._seconds:
            self._was_late = True
            self.value = max(min(_LEAST, self._most), self.value - _LESS)
        elif is_full:
            self.value = min(self._most, self.value + (_MORE / self.value if self._was_late else 1.0))
