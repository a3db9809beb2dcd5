"""How fast bytes have to move before a connection counts as stalled; numbers in, numbers out."""

from __future__ import annotations

from typing import NamedTuple

from framework.server.settings import ServerSettings


class Pace(NamedTuple):
    """Demand an average rate after a grace period, and no longer pause than a gap."""

    bytes_per_second: float
    grace_seconds: float
    gap_seconds: float

    @classmethod
    def from_settings(cls, settings: ServerSettings) -> Pace:
        return cls(settings.min_bytes_per_second, settings.slow_grace_seconds, settings.max_gap_seconds)


class Progress:
    """Count the bytes of one transfer and say when, without a further byte, it becomes too slow."""

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
