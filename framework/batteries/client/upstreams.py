"""How the services behind this one have answered."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

_MOST = 100
_RECENT = 20


@dataclass(slots=True)
class _Upstream:
    calls: int = 0
    failures: int = 0
    seconds: float = 0.0
    last_failure: str = ""
    failed: str = ""
    recent: deque[bool] = field(default_factory=lambda: deque(maxlen=_RECENT))


class Upstreams:
    """The calls of a worker by origin: scheme, host and port. What is beyond the first hundred is not counted."""

    def __init__(self) -> None:
        self._known: dict[str, _Upstream] = {}

    def note(self, origin: str, seconds: float, failure: str = "") -> None:
        """Note a call that has ended.

        Args:
            failure: Why it failed, in a few words; empty if it did not.
        """
        if origin not in self._known and len(self._known) >= _MOST:
            return
        known = self._known.setdefault(origin, _Upstream())
        known.calls += 1
        known.seconds += seconds
        known.recent.append(bool(failure))
        if failure:
            known.failures += 1
            known.last_failure, known.failed = failure, datetime.now(UTC).isoformat()

    async def report(self) -> dict[str, Any]:
        """Return for each origin how many calls there were, and how many of the last ones failed."""
        return {
            origin: {
                "calls": known.calls,
                "failures": known.failures,
                "recent_calls": len(known.recent),
                "recent_failures": sum(known.recent),
                "mean_ms": round(known.seconds / known.calls * 1000, 3),
                "last_failure": known.last_failure,
                "failed": known.failed or None,
            }
            for origin, known in sorted(self._known.items())
        }
