"""Health: whether the process lives, and whether it should be sent requests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from aiohttp import hdrs, web

from framework.adapters.aiohttp.responses import JSONResponse
from framework.battery import Battery, Check, Degraded
from framework.context import BATTERIES
from framework.endpoint import Endpoint
from framework.errors import ConfigurationError, NotFound, ServiceUnavailable
from framework.inspection import inspection_of
from framework.marks import answers, public, quiet, raises, unlimited
from framework.routing import RouteTableDef
from framework.server.lifecycle import LIFECYCLE, Phase
from framework.validation import json

_log = logging.getLogger("framework.health")

_NOT_STORED: Mapping[str, str] = {hdrs.CACHE_CONTROL: "no-store"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSettings:
    """The paths of the probes, and the limits of what asking costs.

    Attributes:
        live_path: Where a supervisor asks whether to restart the process.
        ready_path: Where a load balancer asks whether to send requests; below it, by name, after one group of checks.
        startup_path: Where a supervisor asks whether the start is over.
        check_seconds: How long each battery's check may take.
        cache_seconds: How long an answer is good for: many probes make no more work than one.
        optional: Batteries without which the service works on, if worse: it is degraded then, not down.
        groups: Batteries to be asked after together, by the group's name.
    """

    live_path: str = "/health/live"
    ready_path: str = "/health/ready"
    startup_path: str = "/health/startup"
    check_seconds: float = 2.0
    cache_seconds: float = 1.0
    optional: tuple[str, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

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

    async def failures(self, names: Collection[str] | None = None) -> Failures:
        """Return what each failing check raised, by its name; whoever asks meanwhile waits for the same answer.

        Args:
            names: Those that are asked for; all when None.
        """
        async with self._lock:
            if self.clock() >= self._good_until:
                found = await failures_of(self.checks, seconds=self.settings.check_seconds)
                _report(self._failures, found)
                self._failures, self._good_until = found, self.clock() + self.settings.cache_seconds
            return {name: error for name, error in self._failures.items() if names is None or name in names}

    async def failing(self) -> Sequence[str]:
        """Return the names of the checks that fail."""
        return sorted(await self.failures())

    def is_bearable(self, name: str, error: Exception) -> bool:
        """Tell whether the service works on, if worse, although a check has failed."""
        return isinstance(error, Degraded) or name in self.settings.optional

    async def state(self, names: Collection[str] | None = None) -> State:
        """Return how these checks have ended, all of them when no names are given."""
        failures = await self.failures(names)
        bearable = sorted(name for name, error in failures.items() if self.is_bearable(name, error))
        return State(failing=sorted(failures.keys() - {*bearable}), degraded=bearable)


@dataclass(frozen=True, slots=True)
class State:
    """How the checks of a service have ended.

    Attributes:
        failing: Those without which it cannot work.
        degraded: Those that failed, and without which it works on.
    """

    failing: Sequence[str]
    degraded: Sequence[str]

    @property
    def status(self) -> str:
        return "down" if self.failing else "degraded" if self.degraded else "ready"


def _report(before: Failures, now: Failures) -> None:
    """Log what has changed, not what is still so: probes ask all day."""
    for name in sorted(now.keys() - before.keys()):
        level = logging.WARNING if isinstance(now[name], Degraded) else logging.ERROR
        _log.log(level, "check_failed", extra={"check": name, "error": repr(now[name])})
    for name in sorted(before.keys() - now.keys()):
        _log.warning("check_recovered", extra={"check": name})


_READINESS: web.AppKey[Readiness] = web.AppKey("framework.health.readiness", Readiness)


def battery(settings: HealthSettings | None = None) -> Battery:
    """Return the battery that answers probes, for anybody."""
    settings = settings or HealthSettings()
    routes = RouteTableDef(tags=["health"])

    @routes.get(settings.live_path)
    @quiet
    @unlimited
    @public
    @answers(200, dict[str, str])
    async def live() -> web.Response:
        """Tell that the process answers; if it does not, restart it."""
        return JSONResponse(b'{"status":"alive"}', headers=_NOT_STORED)

    @routes.get(settings.startup_path)
    @quiet
    @unlimited
    @public
    @answers(200, dict[str, str])
    @raises(ServiceUnavailable)
    async def startup(request: web.Request) -> web.Response:
        """Tell that the start is over; from then on the other probes count."""
        _ensure_started(request.app)
        return JSONResponse(b'{"status":"started"}', headers=_NOT_STORED)

    @routes.get(settings.ready_path)
    @quiet
    @unlimited
    @public
    @answers(200, dict[str, Any])
    @raises(ServiceUnavailable)
    async def ready(request: web.Request) -> web.Response:
        """Tell whether to send requests here: every part works, and the service is not about to stop."""
        _ensure_not_stopping(request.app)
        return _answer(await request.app[_READINESS].state())

    if settings.groups:
        _add_groups(routes, settings)

    def setup(app: web.Application, _: Sequence[Endpoint]) -> None:
        _ensure_known(settings, {each.name for each in app[BATTERIES]})
        checks = {each.name: _bound(each.check, app) for each in app[BATTERIES] if each.check is not None}
        readiness = app[_READINESS] = Readiness(checks=checks, settings=settings)
        inspection_of(app).reports["health"] = lambda: _report_of(app, readiness)

    return Battery(name="health", routes=routes, setup=setup)


def _add_groups(routes: RouteTableDef, settings: HealthSettings) -> None:
    @routes.get(f"{settings.ready_path}/{{group}}")
    @quiet
    @unlimited
    @public
    @answers(200, dict[str, Any])
    @raises(ServiceUnavailable, NotFound)
    async def group_ready(request: web.Request, group: str) -> web.Response:
        """Tell whether the parts of one group work."""
        if group not in settings.groups:
            raise NotFound("group of checks", group)
        _ensure_not_stopping(request.app)
        return _answer(await request.app[_READINESS].state(settings.groups[group]))


def _ensure_known(settings: HealthSettings, names: Collection[str]) -> None:
    """Check that optional checks and those of groups are those of batteries that are there.

    Raises:
        ConfigurationError: One is not.
    """
    for option, wanted in {"optional": settings.optional, **settings.groups}.items():
        unknown = sorted({*wanted} - {*names})
        if unknown:
            raise ConfigurationError(
                f"health: {option!r} must name batteries of the service, and names {', '.join(unknown)}; "
                f"there are {', '.join(sorted(names))}."
            )


def _answer(state: State) -> web.Response:
    """Return the answer to a probe.

    Raises:
        ServiceUnavailable: A check has failed without which the service cannot work.
    """
    if state.failing:
        raise ServiceUnavailable("The service is not ready.", retry_after_seconds=1, failing=state.failing)
    if state.degraded:
        told = {"status": state.status, "degraded": state.degraded}
        return JSONResponse(json.encode(told), headers=_NOT_STORED)
    return JSONResponse(b'{"status":"ready"}', headers=_NOT_STORED)


async def _report_of(app: web.Application, readiness: Readiness) -> Mapping[str, Any]:
    """Return all that is known of a service's health, for those who operate it."""
    failures = await readiness.failures()
    state = await readiness.state()
    lifecycle = app.get(LIFECYCLE)
    phase = "unknown" if lifecycle is None else lifecycle.phase.value
    checks = {name: repr(failures[name]) if name in failures else "passed" for name in readiness.checks}
    return {"status": state.status, "phase": phase, "checks": checks, "degraded": state.degraded}


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


def _ensure_started(app: web.Application) -> None:
    """Check that the start is over.

    Raises:
        ServiceUnavailable: It is not.
    """
    lifecycle = app.get(LIFECYCLE)
    if lifecycle is not None and lifecycle.phase is Phase.STARTING:
        raise ServiceUnavailable("The service is starting.", retry_after_seconds=1)
