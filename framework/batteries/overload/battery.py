"""The battery of overload."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from framework.batteries.overload.gate import AdaptiveGate, Gate
from framework.batteries.overload.lanes import Lane
from framework.batteries.overload.marks import Concurrency
from framework.batteries.overload.settings import LaneSettings, OverloadSettings
from framework.batteries.overload.stalls import watched
from framework.batteries.overload.turns import Turns
from framework.battery import Battery, Handler, Middleware
from framework.endpoint import Endpoint
from framework.errors import ConfigurationError
from framework.marks import Unlimited
from framework.progress import PROGRESS

PASSWORDS = "passwords"


def lanes_of(
    endpoint: Endpoint, *, passwords: LaneSettings, expensive: Collection[type]
) -> Iterator[tuple[str, LaneSettings]]:
    """Yield the lanes of an endpoint by name, the one that it shares with most others last.

    Args:
        passwords: The lane of those that take one of the `expensive` types, and say nothing themselves.
    """
    marks = [mark for mark in endpoint.marks if isinstance(mark, Concurrency)]
    for mark in marks:
        yield mark.lane or f"{endpoint.method} {endpoint.path} {mark.settings.at_once}", mark.settings
    if not marks and any(endpoint.takes(kind) for kind in expensive):
        yield PASSWORDS, passwords


def battery(settings: OverloadSettings | None = None, *, expensive: Collection[type] = ()) -> Battery:
    """Return the battery that refuses what a worker cannot carry.

    Args:
        settings: The limits.
        expensive: What handlers take that hash passwords; their endpoints have the lane of passwords.
    """
    settings = settings or OverloadSettings()
    lanes: dict[str, Lane] = {}
    gate = _gate(settings, lanes)

    def plan(endpoint: Endpoint) -> Middleware | None:
        if not endpoint.matched or endpoint.find(Unlimited) is not None:
            return None
        own = lanes_of(endpoint, passwords=settings.passwords, expensive=expensive)
        # Who waits in a lane of its own takes no place among all: they come last.
        through = [_lane(lanes, name, wanted, endpoint).guard for name, wanted in own]
        return _through([*through, gate.guard])

    def setup(app: web.Application, _: object) -> None:
        gate.follow(app[PROGRESS])

    @asynccontextmanager
    async def lifespan(app: web.Application) -> AsyncIterator[None]:
        gate.time = asyncio.get_running_loop().time
        if settings.stall_seconds == 0:
            yield
            return
        async with watched(settings.stall_seconds):
            yield

    return Battery(
        name="overload",
        after=frozenset({"problems", "cors", "deadlines"}),
        before=frozenset({"sessions", "auth"}),
        plan=plan,
        setup=setup,
        lifespan=lifespan,
    )


def _gate(settings: OverloadSettings, lanes: Mapping[str, Lane]) -> Gate | AdaptiveGate:
    def turns() -> list[Turns]:
        return [lane.turns for lane in lanes.values()]

    if settings.latency_seconds == 0:
        return Gate(settings.requests, turns)
    return AdaptiveGate(settings.requests, turns, settings.latency_seconds)


def _lane(lanes: dict[str, Lane], name: str, settings: LaneSettings, endpoint: Endpoint) -> Lane:
    lane = lanes.setdefault(name, Lane(settings))
    if lane.settings != settings:
        raise ConfigurationError(
            f"{endpoint}: the lane {name!r} is {lane.settings} elsewhere and {settings} here; say the same, or give it "
            "another name."
        )
    return lane


def _through(guards: Sequence[Middleware]) -> Middleware:
    """Return what leads a request through all of these, one inside the other."""
    first, *others = guards
    if not others:
        return first
    inner = _through(others)

    def middleware(request: web.Request, handler: Handler) -> Awaitable[web.StreamResponse]:
        return first(request, lambda request: inner(request, handler))

    return middleware
