"""Caching: who may keep an answer for how long (RFC 9111), and which changes name the version that they have seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from aiohttp import hdrs, web

from framework.battery import Battery, Handler, Middleware
from framework.conditional import MatchRequired, match_required
from framework.context import PRINCIPAL
from framework.endpoint import Endpoint, Mark, calling_line
from framework.errors import ConfigurationError
from framework.marks import Public
from framework.principal import Principal
from framework.responses import add_vary

_FIRST_ERROR = 400
_MOST_SECONDS = 2**31  # RFC 9111, 1.2.2


@dataclass(frozen=True, slots=True)
class CacheControl(Mark):
    """A promise of how long a successful answer may be kept.

    Attributes:
        directives: Those of the answer, without who may keep it.
        is_shared: Whether caches may keep it that many clients have in common; what was made for somebody who is
            known, or sets a cookie, is kept by that client alone in any case.
    """

    battery: ClassVar[str | None] = "caching"
    directives: tuple[str, ...] = ()
    is_shared: bool = False

    def headers(self) -> dict[str, str]:
        """Return the header that says it."""
        return {"Cache-Control": "How long the answer may be kept, and by whom (RFC 9111, 5.2)."}

    def value(self, *, is_shared: bool) -> str:
        """Return the header's value."""
        if "no-store" in self.directives:
            return "no-store"
        return ", ".join(("public" if is_shared else "private", *self.directives))


def cache_control(
    max_age: timedelta | None = None,
    *,
    public: bool = False,
    immutable: bool = False,
    stale_while_revalidate: timedelta | None = None,
) -> CacheControl:
    """Let clients keep an answer: ``@cache_control(timedelta(minutes=5), public=True)``.

    Without an age they keep it, and ask each time whether it is still so (``no-cache``); with one of zero nobody keeps
    it (``no-store``).

    Args:
        public: Let caches between client and service keep it for all; the endpoint has to be ``@public``.
        immutable: It never changes while it is kept, so a reload does not ask (RFC 8246).
        stale_while_revalidate: How long it may be shown beyond its age while it is fetched anew (RFC 5861).

    Raises:
        ConfigurationError: A time is none that the header can say.
    """
    times = {"max-age": max_age, "stale-while-revalidate": stale_while_revalidate}
    for name, time in times.items():
        _ensure_sayable(name, time)
    if max_age is None:
        return CacheControl(("no-cache",), public)
    if not max_age:
        return CacheControl(("no-store",))
    said = [f"{name}={int(time.total_seconds())}" for name, time in times.items() if time is not None]
    return CacheControl((*said, *(("immutable",) if immutable else ())), public)


def _ensure_sayable(name: str, time: Any) -> None:
    if time is None:
        return
    if not isinstance(time, timedelta) or time < timedelta() or time.total_seconds() > _MOST_SECONDS:
        raise ConfigurationError(
            f"{calling_line()}: @cache_control takes {name} as a timedelta that is not negative and at most 2^31 "
            f"seconds, and got {time!r}; write @cache_control(timedelta(minutes=5))."
        )
    if timedelta() < time < timedelta(seconds=1):
        raise ConfigurationError(
            f"{calling_line()}: @cache_control says {name} in whole seconds and got {time!r}."
        )


def battery() -> Battery:
    """Return the battery that heeds ``@cache_control`` and ``@match_required``."""
    return Battery(name="caching", after=frozenset({"problems", "auth"}), plan=_plan)


def _plan(endpoint: Endpoint) -> Middleware | None:
    mark, guard = endpoint.find(CacheControl), endpoint.find(MatchRequired)
    if mark is None and guard is None:
        return None
    if mark is not None and mark.is_shared and endpoint.find(Public) is None:
        raise ConfigurationError(
            f"{endpoint}: @cache_control(public=True) lets strangers see what was made for somebody else, and the "
            "endpoint is not @public; leave public away."
        )
    is_varying = endpoint.takes(Principal)

    async def heed(request: web.Request, handler: Handler) -> web.StreamResponse:
        if guard is not None:
            match_required.ensure_sent(request)
        response = await handler(request)
        if mark is not None and response.status < _FIRST_ERROR and not response.prepared:
            _say(request, response, mark, is_varying=is_varying)
        return response

    return heed


def _say(request: web.Request, response: web.StreamResponse, mark: CacheControl, *, is_varying: bool) -> None:
    if hdrs.CACHE_CONTROL in response.headers:
        return
    is_own = PRINCIPAL in request or bool(response.cookies) or hdrs.SET_COOKIE in response.headers
    response.headers[hdrs.CACHE_CONTROL] = mark.value(is_shared=mark.is_shared and not is_own)
    if mark.is_shared and is_varying:
        for name in (hdrs.AUTHORIZATION, hdrs.COOKIE):
            add_vary(response.headers, name)
