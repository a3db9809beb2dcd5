"""What a worker has done in each of the last seconds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from time import time
from typing import Any

SECONDS = 120
_STEPS = 4  # buckets of durations for each doubling: a percentile is at most a fifth too high


class Pulse:
    """The requests of a worker by second: how many, how answered, how fast; and by route since it started."""

    def __init__(self) -> None:
        self._seconds: dict[int, tuple[dict[str, int], dict[str, int]]] = {}
        self._routes: dict[str, list[float]] = {}

    def note(self, route: str, status: int, took: float) -> None:
        """Note that a request was answered.

        Args:
            took: In seconds.
        """
        second = int(time())
        if second not in self._seconds:
            self._begin(second)
        statuses, durations = self._seconds[second]
        group, bucket = f"{status // 100}xx", str(_bucket_of(took))
        statuses[group] = statuses.get(group, 0) + 1
        durations[bucket] = durations.get(bucket, 0) + 1
        totals = self._routes.setdefault(route or "unmatched", [0, 0, 0.0])
        totals[0] += 1
        totals[1] += status >= 500
        totals[2] += took

    def _begin(self, second: int) -> None:
        """Make room for a second, and forget those that are too old."""
        self._seconds[second] = {}, {}
        for old in [each for each in self._seconds if each <= second - SECONDS]:
            del self._seconds[old]

    async def report(self) -> dict[str, Any]:
        """Return the seconds in which something happened, and the routes."""
        seconds = {
            str(second): {"statuses": statuses, "durations": durations}
            for second, (statuses, durations) in self._seconds.items()
        }
        routes = {
            route: {"requests": int(count), "errors": int(errors), "mean_ms": round(total / count * 1000, 3)}
            for route, (count, errors, total) in self._routes.items()
        }
        return {"seconds": seconds, "routes": routes}


def merged(pulses: Iterable[Mapping[str, Any]], now: int) -> list[dict[str, Any]]:
    """Return the last seconds of all workers together, the oldest first; the one that is not over is left out."""
    told = [each["seconds"] for each in pulses]
    return [
        _second(second, [each[str(second)] for each in told if str(second) in each]) for second in _last(now)
    ]


def _last(now: int) -> range:
    return range(now - SECONDS + 1, now)


def _second(second: int, parts: list[Mapping[str, Any]]) -> dict[str, Any]:
    statuses, durations = _sum(parts, "statuses"), _sum(parts, "durations")
    return {
        "second": second,
        "statuses": statuses,
        **{f"p{share}_ms": _percentile(durations, share) for share in (50, 95, 99)},
    }


def _sum(parts: list[Mapping[str, Any]], name: str) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in parts:
        for key, count in part[name].items():
            total[key] = total.get(key, 0) + count
    return total


def _percentile(durations: Mapping[str, int], share: int) -> float | None:
    """Return the upper end of the bucket, in milliseconds, below which a share of the requests in percent are."""
    left = math.ceil(sum(durations.values()) * share / 100)
    for bucket in sorted(map(int, durations)):
        left -= durations[str(bucket)]
        if left <= 0:
            return round(2 ** (bucket / _STEPS) / 1000, 3)
    return None


def _bucket_of(took: float) -> int:
    """Return the number of the bucket whose upper end, in microseconds to base 2, is next above a duration."""
    return math.ceil(math.log2(max(took * 1e6, 1.0)) * _STEPS)
