"""Health: whether the process lives, and whether it should be sent requests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic

from aiohttp import hdrs, web

from framework.adapters.aiohttp.responses import JSONResponse
from framework.battery import Battery, Check
from framework.context import BATTERIES
from framework.endpoint import Endpoint
from framework.errors import ConfigurationError, ServiceUnavailable
from framework.marks import answers, public, quiet, raises
from framework.routing import RouteTableDef
from framework.server.lifecycle import LIFECYCLE, Phase

_log = logging.getLogger("framework.health")

_NOT_STORED: Mapping[str, str] = {hdrs.CACHE_CONTROL: "no-store"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSettings:
    """The paths of the probes, and the limits of what asking costs.

    Attributes:
        live_path: Where a supervisor asks whether to restart the process.
        ready_path: Where a load balancer asks whether to send requests.
        check_seconds: How long each battery's check may take.
        cache_seconds: How long an answer is good for: many probes make no more work than one.
    """

    live_path: str = "/health/live"
    ready_path: str = "/health/ready"
    check_seconds: float = 2.0
    cache_seconds: float = 1.0

    def __post_init__(self) -> None:
        if self.check_seconds <= 0:
            raise ConfigurationError("Checks need some time: 'check_seconds' must be more than 0.")
        if self.cache_seconds < 0:
            raise ConfigurationError("'cache_seconds' cannot be negative.")


Run = Callable[[], Awaitable[None]]
Failures = Mapping[str, Exception]


async def failures_of(checks: Mapping[str, Run], *, seconds: float) -> Failures:
    """Run checks at the same time, each for at most so long, and return what the failing ones raised."""

    async def outcome(check: Run) -> Exception | None:
        try:
            async with asyncio.timeout(seconds):
                await check()
        except Exception as error:  # noqa: BLE001 - a check says with whatever it raises that it failed
            return error
        return None

    outcomes = await asyncio.gather(*map(outcome, checks.values()))
    return {name: error for name, error in zip(checks, outcomes, strict=True) if error is not None}


@dataclass(slots=True, kw_only=True)
class Readiness:
    """The checks that fail, remembered for a moment."""

    checks: Mapping[str, Run]
    settings: HealthSettings
    clock: Callable[[], float] = monotonic
    _failures: Failures = field(default_factory=dict)
    _good_until: float = float("-inf")
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def failing(self) -> Sequence[str]:
        """Return the names of the checks that fail; whoever asks meanwhile waits for the same answer."""
        async with self._lock:
            if self.clock() >= self._good_until:
                found = await failures_of(self.checks, seconds=self.settings.check_seconds)
                _report(self._failures, found)
                self._failures, self._good_until = found, self.clock() + self.settings.cache_seconds
            return sorted(self._failures)


def _report(before: Failures, now: Failures) -> None:
    """Log what has changed, not what is still so: probes ask all day."""
    for name in sorted(now.keys() - before.keys()):
        _log.error("check_failed", extra={"check": name, "error": repr(now[name])})
    for name in sorted(before.keys() - now.keys()):
        _log.warning("check_recovered", extra={"check": name})


_READINESS: web.AppKey[Readiness] = web.AppKey("framework.health.readiness", Readiness)


def battery(settings: HealthSettings | None = None) -> Battery:
    """Return the battery that answers probes, for anybody."""
    settings = settings or HealthSettings()
    routes = RouteTableDef(tags=["health"])

    @routes.get(settings.live_path)
    @quiet
    @public
    @answers(200, dict[str, str])
    async def live() -> web.Response:
        """Tell that the process answers; if it does not, restart it."""
        return JSONResponse(b'{"status":"alive"}', headers=_NOT_STORED)

    @routes.get(settings.ready_path)
    @quiet
    @public
    @answers(200, dict[str, str])
    @raises(ServiceUnavailable)
    async def ready(request: web.Request) -> web.Response:
        """Tell whether to send requests here: every part works, and the service is not about to stop."""
        _ensure_not_stopping(request.app)
        failing = await request.app[_READINESS].failing()
        if failing:
            raise ServiceUnavailable("The service is not ready.", retry_after_seconds=1, failing=failing)
        return JSONResponse(b'{"status":"ready"}', headers=_NOT_STORED)

    def setup(app: web.Application, _: Sequence[Endpoint]) -> None:
        checks = {each.name: _bound(each.check, app) for each in app[BATTERIES] if each.check is not None}
        app[_READINESS] = Readiness(checks=checks, settings=settings)

    return Battery(name="health", routes=routes, setup=setup)


def _bound(check: Check, app: web.Application) -> Run:
    async def run() -> None:
        await check(app)

    return run


def _ensure_not_stopping(app: web.Application) -> None:
    """Check that no stop is under way (the service still answers while load balancers look elsewhere).

    Raises:
        ServiceUnavailable: It is.
    """
    lifecycle = app.get(LIFECYCLE)
    if lifecycle is not None and lifecycle.phase is Phase.DRAINING:
        raise ServiceUnavailable("The service is stopping.")
