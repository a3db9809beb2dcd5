"""What is counted of requests: plain numbers of one process, read when somebody asks."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from time import perf_counter, time

from aiohttp import web
from prometheus_client.core import (
    CounterMetricFamily,
    Exemplar,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from framework.adapters.aiohttp.requests import find
from framework.adapters.aiohttp.responses import short_body
from framework.battery import Handler, Middleware
from framework.context import REQUEST_ID
from framework.endpoint import Endpoint
from framework.streaming import deliver, is_gone

UNMATCHED = "unmatched"
OTHER = "_OTHER"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY"})

_UNPROCESSABLE = 422
_LONGEST_EXEMPLAR = 100  # characters of a value; OpenMetrics 1.0 admits 128 with the label's name

Seen = tuple[str, float, float]


class Histogram:
    """How often a number was within each of some bounds.

    Args:
        bounds: The upper bounds, ascending; there is one more bucket for what is above.
    """

    __slots__ = ("counts", "observe", "seen", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.counts = counts = [0] * (len(bounds) + 1)
        self.seen: list[Seen | None] = [None] * (len(bounds) + 1)
        self.total = total = [0.0]
        seen = self.seen

        # PERF: what a closure knows costs half of what an attribute does.
        def observe(value: float, who: str | None = None) -> None:
            place = bisect_left(bounds, value)
            counts[place] += 1
            total[0] += value
            if who is not None:
                seen[place] = (who, value, time())

        self.observe: Callable[..., None] = observe

    def buckets(self, bounds: Sequence[float]) -> Iterator[tuple[str, int, Exemplar | None]]:
        """Yield each bound as text, how many were within it, and one that was."""
        within = 0
        names = [*(str(float(bound)) for bound in bounds), "+Inf"]
        for name, count, seen in zip(names, self.counts, self.seen, strict=True):
            within += count
            yield name, within, _exemplar(seen)


def _exemplar(seen: Seen | None) -> Exemplar | None:
    if seen is None or len(seen[0]) > _LONGEST_EXEMPLAR:
        return None
    return Exemplar({"request_id": seen[0]}, seen[1], seen[2])


class Requests:
    """The numbers of all endpoints of a service.

    Args:
        bounds: Those of the histogram of durations, in seconds.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._durations: dict[tuple[str, str, str], Histogram] = {}
        self._active: dict[str, list[int]] = {}
        self._invalid: dict[str, list[int]] = {}
        self.lag = Histogram(self._bounds)

    def plan(self, endpoint: Endpoint) -> Middleware:
        """Return what counts the requests of an endpoint; the paths of those that match none are not looked at."""
        route = endpoint.path or UNMATCHED
        active = self._active.setdefault(route, [0])
        count = self._counter(route, active)

        async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            started = perf_counter()
            active[0] += 1
            try:
                response = await handler(request)
                if short_body(response) is None:
                    response = await deliver(request, response)
            except web.HTTPException as error:
                count(request, error.status, started)
                raise
            except BaseException:
                count(request, 499 if is_gone(request) else 500, started)
                raise
            count(request, response.status, started)
            return response

        return middleware

    def _counter(self, route: str, active: list[int]) -> Callable[[web.Request, int, float], None]:
        invalid = self._invalid.setdefault(route, [0])
        known: dict[tuple[str, int], Callable[..., None]] = {}

        def count(request: web.Request, status: int, started: float) -> None:
            took = perf_counter() - started
            active[0] -= 1
            if status == _UNPROCESSABLE:
                invalid[0] += 1
            key = (request.method, status // 100)
            observe = known.get(key)
            if observe is None:
                observe = self._observer(route, *key)
                if key[0] in METHODS:
                    known[key] = observe
            observe(took, find(request, REQUEST_ID))

        return count

    def _observer(self, route: str, method: str, kind: int) -> Callable[..., None]:
        key = (route, method if method in METHODS else OTHER, f"{kind}xx")
        return self._durations.setdefault(key, Histogram(self._bounds)).observe

    def collect(self) -> Iterator[Metric]:
        """Yield the numbers as Prometheus knows them."""
        durations = HistogramMetricFamily(
            "http_server_request_duration_seconds",
            "How long requests took, from the route's match to the end of the response.",
            labels=("route", "method", "status"),
        )
        for labels, histogram in list(self._durations.items()):
            _add(durations, labels, histogram, self._bounds)
        yield durations
        active = GaugeMetricFamily(
            "http_server_active_requests", "Requests that are being answered.", labels=("route",)
        )
        invalid = CounterMetricFamily(
            "http_server_validation_failures", "Requests that were refused with 422.", labels=("route",)
        )
        for family, numbers in ((active, self._active), (invalid, self._invalid)):
            for route, (number,) in numbers.items():
                family.add_metric((route,), number)
            yield family
        lag = HistogramMetricFamily(
            "event_loop_lag_seconds", "How much later than asked for the event loop called.", labels=()
        )
        _add(lag, (), self.lag, self._bounds)
        yield lag


def _add(
    family: HistogramMetricFamily, labels: Sequence[str], histogram: Histogram, bounds: Sequence[float]
) -> None:
    buckets = [
        (name, count) if exemplar is None else (name, count, exemplar)
        for name, count, exemplar in histogram.buckets(bounds)
    ]
    family.add_metric(labels, buckets, histogram.total[0])
