"""Let scripts of chosen other origins read answers (Fetch standard, CORS protocol), and no others."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar

from aiohttp import hdrs, web
from aiohttp_cors import ResourceOptions
from multidict import CIMultiDict

from framework.adapters.aiohttp.responses import exchange
from framework.battery import Battery, Facts, Handler, Middleware, StampFacts
from framework.context import ENDPOINT
from framework.endpoint import Endpoint, Mark, marks_of
from framework.errors import ConfigurationError, Forbidden
from framework.http.origins import origins_from
from framework.responses import add_vary

Headers = tuple[tuple[str, str], ...]

_ANY = "*"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TOKENS = re.compile(rf"{_TOKEN.pattern}(?:[ \t]*,[ \t]*{_TOKEN.pattern})*")
_NO_METHOD = "NO-METHOD"
_PREFLIGHT_VARY = ", ".join(
    (hdrs.ORIGIN, hdrs.ACCESS_CONTROL_REQUEST_METHOD, hdrs.ACCESS_CONTROL_REQUEST_HEADERS)
)
_SIMPLE = frozenset(
    {"cache-control", "content-language", "content-type", "expires", "last-modified", "pragma"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CorsSettings:
    """The origins whose scripts may read responses; while `origins` is empty none may, and no header is sent.

    Attributes:
        origins: ``https://example.com``, ``https://*.example.com`` for one more label, or ``*`` for anybody.
        allow_credentials: Let them send cookies along; never for anybody.
        allow_headers: Request headers that they may set; ``*`` for any.
        expose_headers: Response headers that they may read; ``*`` for all.
        max_age: How long browsers may remember a preflight; none remembers it for more than a day.
    """

    origins: tuple[str, ...] = ()
    allow_credentials: bool = False
    allow_headers: tuple[str, ...] = (
        "Accept",
        "Authorization",
        "Content-Type",
        "If-Match",
        "If-None-Match",
        "Idempotency-Key",
        "X-CSRF-Token",
        "X-Request-ID",
    )
    expose_headers: tuple[str, ...] = ("ETag", "Link", "Location", "Retry-After", "X-Request-ID")
    max_age: timedelta = timedelta(minutes=10)

    def __post_init__(self) -> None:
        policy_from(self.options())

    def options(self) -> dict[str, ResourceOptions]:
        """Return aiohttp-cors's options for each origin."""
        options = ResourceOptions(
            allow_credentials=self.allow_credentials,
            allow_headers=_ANY if _ANY in self.allow_headers else self.allow_headers,
            expose_headers=_ANY if _ANY in self.expose_headers else self.expose_headers,
            max_age=int(self.max_age.total_seconds()),
        )
        return dict.fromkeys(self.origins, options)


@dataclass(frozen=True, slots=True)
class OriginGrant:
    """The headers for one origin, ready to be sent.

    Attributes:
        anybody: The grant is everybody's: its headers name no origin.
        answer: Headers of every answer.
        preflight: Further headers of the answer to a preflight.
        methods: The only methods to call; None for all that there are.
        any_header: Every request header may be set.
        expose_all: Every response header may be read.
    """

    anybody: bool
    answer: Headers
    preflight: Headers
    methods: frozenset[str] | None
    any_header: bool
    expose_all: bool

    def origin(self, origin: str) -> tuple[str, str]:
        return hdrs.ACCESS_CONTROL_ALLOW_ORIGIN, _ANY if self.anybody else origin


@dataclass(frozen=True, slots=True)
class OriginPolicy:
    """The grants of all origins.

    Attributes:
        ready: The headers of every answer for origins that are known by name, where they are always the same.
    """

    exact: Mapping[str, OriginGrant] = field(default_factory=dict)
    patterns: tuple[tuple[re.Pattern[str], OriginGrant], ...] = ()
    anybody: OriginGrant | None = None
    ready: Mapping[str, CIMultiDict[str]] = field(init=False)

    def __post_init__(self) -> None:
        ready = {
            origin: CIMultiDict([grant.origin(origin), *grant.answer])
            for origin, grant in self.exact.items()
            if not grant.expose_all and origin != "null"
        }
        object.__setattr__(self, "ready", ready)

    def __bool__(self) -> bool:
        return bool(self.exact or self.patterns or self.anybody)

    def find(self, origin: str) -> OriginGrant | None:
        """Return what is granted to an origin; to ``null``, which anybody can pretend to be, it is never anything."""
        if origin == "null":
            return None
        grant = self.exact.get(origin)
        if grant is not None:
            return grant
        for pattern, granted in self.patterns:
            if pattern.fullmatch(origin):
                return granted
        return self.anybody


def policy_from(options: Mapping[str, ResourceOptions]) -> OriginPolicy:
    """Make the headers of every origin.

    Raises:
        ConfigurationError: An origin or a header is none, or anybody is to send credentials.
    """
    exact: dict[str, OriginGrant] = {}
    patterns: list[tuple[re.Pattern[str], OriginGrant]] = []
    anybody: OriginGrant | None = None
    for origin, granted in options.items():
        grant = _grant(origin, granted)
        if grant.anybody:
            anybody = grant
            continue
        origins = origins_from([origin])
        exact.update(dict.fromkeys(origins.exact, grant))
        patterns += [(pattern, grant) for pattern in origins.patterns]
    return OriginPolicy(exact, tuple(patterns), anybody)


def _grant(origin: str, options: ResourceOptions) -> OriginGrant:
    anybody = origin == _ANY
    if anybody and options.allow_credentials:
        raise ConfigurationError("origins: '*' with credentials would hand every user's data to every page.")
    answer, preflight = [], []
    if options.allow_credentials:
        answer.append((hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"))
    if options.expose_headers and options.expose_headers != _ANY:
        answer.append((hdrs.ACCESS_CONTROL_EXPOSE_HEADERS, _listed(options.expose_headers)))
    if options.allow_headers and options.allow_headers != _ANY:
        preflight.append((hdrs.ACCESS_CONTROL_ALLOW_HEADERS, _listed(options.allow_headers)))
    if options.max_age is not None:
        preflight.append((hdrs.ACCESS_CONTROL_MAX_AGE, str(options.max_age)))
    every_method = options.allow_methods in {None, _ANY}
    return OriginGrant(
        anybody=anybody,
        answer=tuple(answer),
        preflight=tuple(preflight),
        methods=None if every_method else frozenset(options.allow_methods),
        any_header=options.allow_headers == _ANY,
        expose_all=options.expose_headers == _ANY,
    )


def _listed(names: frozenset[str]) -> str:
    for name in names:
        if not _TOKEN.fullmatch(name):
            raise ConfigurationError(f"{name!r} is no name of a header.")
    return ", ".join(sorted(names))


@dataclass(frozen=True)
class Cors(Mark):
    """An endpoint's own relations with other origins, in the place of the service's."""

    battery: ClassVar[str | None] = "cors"
    policy: OriginPolicy


def origins(options: Mapping[str, ResourceOptions]) -> Cors:
    """Give an endpoint aiohttp-cors's options of its own by origin; ``@cors.origins({})`` lets nobody in.

    Raises:
        ConfigurationError: As for the settings.
    """
    return Cors(policy_from(options))


def preflight_headers(grant: OriginGrant, origin: str, methods: Sequence[str], asked: str) -> dict[str, str]:
    """Return what a browser is to know before it sends the request proper.

    It is told what there is, and compares by itself: so a developer reads in the browser which method or header it was
    that is not allowed.

    Args:
        methods: Those of the path.
        asked: The ``Access-Control-Request-Headers``.
    """
    allowed = [method for method in methods if grant.methods is None or method in grant.methods]
    headers = dict([grant.origin(origin), *grant.answer, *grant.preflight])
    headers.pop(hdrs.ACCESS_CONTROL_EXPOSE_HEADERS, None)
    headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = ", ".join(allowed)
    headers[hdrs.VARY] = _PREFLIGHT_VARY
    if grant.any_header and _TOKENS.fullmatch(asked):
        headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = asked
    return headers


def battery(settings: CorsSettings, options: Mapping[str, ResourceOptions] | None = None) -> Battery:
    """Bring cross-origin resource sharing, by rules of our own under aiohttp-cors's options.

    Args:
        options: aiohttp-cors's options of single origins or patterns, besides or instead of those in the settings.

    Raises:
        ConfigurationError: An origin or a header is none, or anybody is to send credentials.
    """
    default = policy_from({**settings.options(), **(options or {})})
    configured = bool(default)
    preflight = _preflight(default)

    def setup(app: web.Application, endpoints: Sequence[Endpoint]) -> None:
        nonlocal configured
        configured = configured or any(endpoint.find(Cors) for endpoint in endpoints)

    def plan(endpoint: Endpoint) -> Middleware | None:
        takes_options = not endpoint.matched or endpoint.method in {hdrs.METH_OPTIONS, hdrs.METH_ANY}
        return preflight if takes_options else None

    def stamp(request: web.Request, response: web.StreamResponse) -> None:
        if not configured:
            return
        sent, headers, kept, _ = exchange(request, response)
        add_vary(headers, hdrs.ORIGIN)
        origin = sent.get(hdrs.ORIGIN)
        # NOTE: an answer that was fetched elsewhere may bring its own; two would be none to a browser.
        if origin is None or hdrs.ACCESS_CONTROL_ALLOW_ORIGIN in headers:
            return
        endpoint = kept.get(ENDPOINT)
        mark = None if endpoint is None else endpoint.find(Cors)
        _grant_headers(headers, default if mark is None else mark.policy, origin)

    return Battery(
        name="cors",
        after=frozenset({"problems", "security"}),
        plan=plan,
        stamp=stamp,
        stamp_facts=_stamp_facts(default),
        setup=setup,
    )


def _grant_headers(headers: CIMultiDict[str], policy: OriginPolicy, origin: str) -> None:
    ready = policy.ready.get(origin)
    if ready is not None:
        headers.update(ready)
        return
    grant = policy.find(origin)
    if grant is None:
        return
    if grant.expose_all:
        # With credentials a '*' would be the name of a header (Fetch standard).
        headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = ", ".join(
            sorted({name.lower() for name in headers} - _SIMPLE)
        )
    headers.update([grant.origin(origin), *grant.answer])


def _preflight(default: OriginPolicy) -> Middleware:
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a preflight for any path that there is, before anybody asks who calls.

        Raises:
            Forbidden: The origin is none of ours; the Fetch standard encourages just this status.
        """
        headers = request.headers
        origin, wanted = headers.get(hdrs.ORIGIN), headers.get(hdrs.ACCESS_CONTROL_REQUEST_METHOD)
        if request.method != hdrs.METH_OPTIONS or origin is None or not _TOKEN.fullmatch(wanted or ""):
            return await handler(request)
        own = await _own_policy(request, str(wanted))
        methods = await _methods(request, str(wanted))
        if methods is None or (own is None and not default):
            return await handler(request)
        grant = (default if own is None else own).find(origin)
        if grant is None:
            raise Forbidden("Scripts of this origin may not call this service.")
        asked = headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, "")
        return web.Response(status=204, headers=preflight_headers(grant, origin, methods, asked))

    return answer


async def _methods(request: web.Request, wanted: str) -> Sequence[str] | None:
    """Return the methods that the path has; None if there is no such path."""
    match = await request.app.router.resolve(request.clone(method=_NO_METHOD))
    refusal = match.http_exception
    if refusal is None:
        return [wanted]
    return sorted(refusal.allowed_methods) if isinstance(refusal, web.HTTPMethodNotAllowed) else None


async def _own_policy(request: web.Request, wanted: str) -> OriginPolicy | None:
    """Return the policy of the endpoint that is going to be asked, if it has one of its own."""
    match = await request.app.router.resolve(request.clone(method=wanted))
    handler = inspect.unwrap(match.handler)
    of_view = getattr(handler, wanted.lower(), None) if inspect.isclass(handler) else None
    marks = (*marks_of(of_view), *marks_of(handler))
    return next((mark.policy for mark in marks if isinstance(mark, Cors)), None)


class _Grants(dict[str | None, str | None]):
    """What the value of an ``Origin`` amounts to: itself where it is granted something by its name, else nothing."""

    def __init__(self, policy: OriginPolicy) -> None:
        super().__init__((origin, origin) for origin in [None, *policy.ready])
        self._policy = policy

    def __missing__(self, origin: str | None) -> str:
        if origin is not None and self._policy.find(origin) is None:
            return ""
        raise KeyError(origin)  # there may be any number of origins that a pattern matches


def _stamp_facts(default: OriginPolicy) -> StampFacts:
    def of(endpoint: Endpoint) -> Facts:
        mark = endpoint.find(Cors)
        return Facts(headers={hdrs.ORIGIN: _Grants(default if mark is None else mark.policy)})

    return of
