"""How the services behind this one have answered, and which of them are left alone for a while."""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from framework.batteries.client.failures import UpstreamSuspended
from framework.batteries.client.settings import ClientSettings

_log = logging.getLogger("framework.client")

_MOST = 1000
_SHARE = 0.5


@dataclass(slots=True)
class _Upstream:
    """One service.

    Attributes:
        recent: The last calls: when each ended, and whether it failed.
        suspended_until: When it may be asked again, on the monotonic clock.
        is_probed: Whether the one call is on its way that tells whether it is back.
    """

    calls: int = 0
    failures: int = 0
    seconds: float = 0.0
    last_failure: str = ""
    failed: str = ""
    recent: deque[tuple[float, bool]] = field(default_factory=deque)
    suspended_until: float = -math.inf
    is_suspended: bool = False
    is_probed: bool = False


class Upstreams:
    """The calls of a worker by origin: scheme, host and port; and the circuit breaker of each.

    One whose last calls failed for the most part is suspended. When that time is over a single call goes through, which
    tells whether it is back.
    """

    def __init__(self, settings: ClientSettings) -> None:
        self._calls = settings.breaker_calls
        self._window = settings.breaker_window.total_seconds()
        self._pause = settings.breaker_pause.total_seconds()
        self._known: dict[str, _Upstream] = {}

    def admit(self, origin: str) -> None:
        """Let a call through, unless its service is suspended.

        Raises:
            UpstreamSuspended: It is.
        """
        known = self._known.get(origin)
        if known is None or not known.is_suspended:
            return
        left = known.suspended_until - time.monotonic()
        if left > 0 or known.is_probed:
            raise UpstreamSuspended(origin, max(left, 1.0))
        known.is_probed = True

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
        if failure:
            known.failures += 1
            known.last_failure, known.failed = failure, datetime.now(UTC).isoformat()
        self._judge(origin, known, failed=bool(failure))

    def forget(self, origin: str) -> None:
        """Forget that a call is on its way which ended without telling anything, such as one that was cancelled."""
        if origin in self._known:
            self._known[origin].is_probed = False

    def _judge(self, origin: str, known: _Upstream, *, failed: bool) -> None:
        now = time.monotonic()
        recent = known.recent
        recent.append((now, failed))
        while len(recent) > max(self._calls, 1) or recent[0][0] < now - self._window:
            recent.popleft()
        if known.is_probed:
            known.is_probed = False
            if failed:
                known.suspended_until = now + self._pause
            else:
                known.is_suspended = False
                recent.clear()
                _log.info("upstream_back", extra={"upstream": origin})
        elif not known.is_suspended and self._is_lost(known):
            known.is_suspended, known.suspended_until = True, now + self._pause
            _log.warning("upstream_suspended", extra={"upstream": origin, "reason": known.last_failure})

    def _is_lost(self, known: _Upstream) -> bool:
        failures = sum(failed for _, failed in known.recent)
        return 0 < self._calls == len(known.recent) and failures >= self._calls * _SHARE

    async def report(self) -> dict[str, Any]:
        """Return for each origin how many calls there were, and how many of the last ones failed."""
        return {
            origin: {
                "calls": known.calls,
                "failures": known.failures,
                "recent_calls": len(known.recent),
                "recent_failures": sum(failed for _, failed in known.recent),
                "mean_ms": round(known.seconds / known.calls * 1000, 3),
                "last_failure": known.last_failure,
                "failed": known.failed or None,
                "suspended": known.is_suspended,
            }
            for origin, known in sorted(self._known.items())
        }
