"""A clock that a test moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """A clock that stands still: give it as ``clock`` to a battery that takes one, such as `auth` and `sessions`.

    Args:
        start: When it is.
    """

    def __init__(self, start: datetime = datetime(2030, 1, 1, tzinfo=UTC)) -> None:
        self._now = start.timestamp()

    def __call__(self) -> float:
        return self._now

    def forward(self, span: timedelta) -> None:
        """Move it, back where the span is negative."""
        self._now += span.total_seconds()
