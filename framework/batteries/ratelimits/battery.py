"""The battery of rate limits."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import hdrs, web

from framework.adapters.aiohttp.requests import find
from framework.batteries.ratelimits.headers import policy_header, standing_header
from framework.batteries.ratelimits.limiter import Limiter, RateLimited, Standing
from framework.batteries.ratelimits.marks import Limit
from framework.batteries.ratelimits.rates import rate_from
from framework.batteries.ratelimits.settings import RateLimitSettings
from framework.batteries.ratelimits.windows import Counts, MemoryCounts
from framework.battery import Battery, Facts, Handler, Middleware
from framework.context import PRINCIPAL, REGISTRY
from framework.endpoint import Endpoint
from framework.errors import ConfigurationError
from framework.http.addresses import site_of
from framework.marks import Public, Unlimited

_NEVER_THE_SAME: Final = Facts(headers={hdrs.HOST: {}})
"""What a caller is told of its limit is another thing each time: no value of any header stands for it."""

STANDINGS: web.RequestKey[list[Standing]] = web.RequestKey("standings", list)
"""Where a request's caller stands with each limit; there once it has been counted."""

SIGN_IN = "sign-in"


def limits_of(
    endpoint: Endpoint, settings: RateLimitSettings, passwords: Collection[type]
) -> tuple[Limit, ...]:
    """Return the limits of an endpoint, that of the shortest span first: who is above it uses up no longer one.

    Args:
        passwords: What a handler takes that has to do with passwords.

    Raises:
        ConfigurationError: Two of them are told apart by nothing.
    """
    marks = [mark for mark in endpoint.marks if isinstance(mark, Limit)]
    if not marks and endpoint.find(Unlimited) is None and endpoint.matched:
        signs_in = endpoint.find(Public) is not None and any(map(endpoint.takes, passwords))
        if signs_in and settings.sign_in:
            marks = [Limit(rate_from(settings.sign_in), "address", SIGN_IN)]
        elif settings.default:
            marks = [Limit(rate_from(settings.default))]
    names = [policy_of(mark) for mark in marks]
    if len({*names}) < len(names):
        raise ConfigurationError(f"{endpoint}: two @limit are called {names}; give them names of their own.")
    return tuple(sorted(marks, key=lambda mark: mark.rate.seconds))


def policy_of(mark: Limit) -> str:
    """Return what a limit is called in headers and errors."""
    return mark.name or str(mark.rate)


def battery(settings: RateLimitSettings | None = None, *, passwords: Collection[type] = ()) -> Battery:
    """Return the battery that limits how often clients may ask.

    Args:
        settings: The rates of those that have no mark, and where is counted.
        passwords: What handlers take that sign people in or up: their endpoints are limited by default.

    Raises:
        ConfigurationError: Redis is asked for, and its client is not installed.
    """
    settings = settings or RateLimitSettings()
    here = MemoryCounts(settings.keys)
    counts, close = _counts(here, settings)
    limiter = Limiter(counts)
    shared: dict[str, Limit] = {}

    def plan(endpoint: Endpoint) -> Middleware | None:
        marks = limits_of(endpoint, settings, passwords)
        for mark in marks:
            _ensure_same(shared, mark, endpoint)
        if not marks:
            return None
        here_alone = f"{endpoint.method} {endpoint.path}"
        return Limited(limiter, [(mark, policy_of(mark), mark.name or here_alone) for mark in marks]).guard

    def stamp_facts(endpoint: Endpoint) -> Facts:
        return _NEVER_THE_SAME if limits_of(endpoint, settings, passwords) else Facts()

    def setup(app: web.Application, _: Sequence[Endpoint]) -> None:
        app[REGISTRY].register_value(Limiter, limiter)

    @asynccontextmanager
    async def lifespan(app: web.Application) -> AsyncIterator[None]:
        # Tests start one application again and again, each time with nobody there before.
        here.clear()
        yield
        await close()

    return Battery(
        name="ratelimits",
        after=frozenset({"problems", "cors", "csrf", "auth"}),
        plan=plan,
        stamp=stamp,
        stamp_facts=stamp_facts,
        setup=setup,
        lifespan=lifespan,
    )


def _ensure_same(shared: dict[str, Limit], mark: Limit, endpoint: Endpoint) -> None:
    if mark.name and shared.setdefault(mark.name, mark).rate != mark.rate:
        raise ConfigurationError(
            f"{endpoint}: the limit {mark.name!r} is {shared[mark.name].rate} elsewhere and {mark.rate} here; say the "
            "same, or give it another name."
        )


def _counts(here: MemoryCounts, settings: RateLimitSettings) -> tuple[Counts, Callable[[], Any]]:
    if settings.redis_url is None:
        return here, _nothing
    # PERF: only who has a Redis needs its client.
    module = importlib.import_module("framework.batteries.ratelimits.redis")
    there = module.RedisCounts(settings.redis_url, settings)
    return module.SharedCounts(there, here, settings), there.close


async def _nothing() -> None:
    """Close nothing."""


def stamp(request: web.Request, response: web.StreamResponse) -> None:
    """Tell the client where it stands."""
    standings = find(request, STANDINGS)
    if standings:
        response.headers["RateLimit-Policy"] = policy_header((each.policy, each.rate) for each in standings)
        response.headers["RateLimit"] = standing_header(standings)


@dataclass(frozen=True, slots=True)
class Limited:
    """The limits of one endpoint.

    Attributes:
        limits: Each with what it is called, and what it counts for.
    """

    limiter: Limiter
    limits: Sequence[tuple[Limit, str, str]]

    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let a request through that is within all limits.

        Raises:
            RateLimited: It is above one of them.
            ServiceUnavailable: It cannot be counted, and the settings say that then it is refused.
        """
        standings = request[STANDINGS] = []
        for mark, policy, scope in self.limits:
            taken = await self.limiter.take(mark.rate, scope, *await _whose(mark, request))
            standings.append(Standing(policy, mark.rate, taken))
            if not taken.allowed:
                raise RateLimited(taken.reset_seconds, policy)
        return await handler(request)


async def _whose(mark: Limit, request: web.Request) -> tuple[str, str]:
    """Return for whom a request is counted: in what way, and whom."""
    principal = find(request, PRINCIPAL) if mark.by == "caller" else None
    if principal is not None:
        return "principal", principal.subject
    if isinstance(mark.by, str):
        return "address", site_of(request.remote)
    found = mark.by(request)
    return "own", str(await found if inspect.isawaitable(found) else found)
