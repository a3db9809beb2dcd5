"""Who may call an endpoint: nobody, unless it says who."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urlencode

from aiohttp import hdrs, web

from framework.adapters.aiohttp.requests import state_of
from framework.batteries.auth.identification import Identification
from framework.batteries.auth.tokens import ensure_scopes
from framework.battery import Handler, Middleware
from framework.context import PRINCIPAL
from framework.endpoint import Endpoint
from framework.errors import ConfigurationError, Forbidden, ServiceUnavailable, Unauthorized
from framework.http.accept import prefers_html
from framework.marks import Public, Requires
from framework.responses import redirect
from framework.secrets import Profile

_LONGEST_NEXT = 2_000


class InsufficientScope(Forbidden):
    """A known caller without all the scopes that are needed; it names those that are missing (RFC 6750, 3.1).

    Args:
        missing: The scopes.
        by_token: Whether the caller came by an access token, and could come again by another.
    """

    def __init__(self, missing: Iterable[str], *, by_token: bool = True) -> None:
        scope = " ".join(sorted(missing))
        challenge = {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'}
        super().__init__(
            f"This needs the scope {scope}.", headers=challenge if by_token else {}, missing=scope.split()
        )


class AccessPolicy(NamedTuple):
    """Who may call an endpoint.

    Attributes:
        known: The caller has to be known.
        scopes: What the caller has to be allowed.
    """

    known: bool
    scopes: frozenset[str] = frozenset()


def policy_of(endpoint: Endpoint) -> AccessPolicy | None:
    """Return an endpoint's policy by its marks; None if it has none of them.

    Raises:
        ConfigurationError: It is public and asks for scopes, or a scope is none.
    """
    required = [mark for mark in endpoint.marks if isinstance(mark, Requires)]
    if endpoint.find(Public) is not None:
        if required:
            raise ConfigurationError(f"{endpoint}: it is @public and has @requires; keep one.")
        return AccessPolicy(known=False)
    if not required:
        return None
    try:
        scopes = ensure_scopes(scope for mark in required for scope in mark.scopes)
    except ValueError as error:
        raise ConfigurationError(f"{endpoint}: @requires: {error}") from error
    return AccessPolicy(known=True, scopes=scopes)


def statuses(endpoint: Endpoint) -> tuple[int, ...]:
    """Return the statuses with which callers are refused."""
    policy = policy_of(endpoint)
    if policy is None:
        return (401, 403)
    return (401, 403) if policy.scopes else (401,) if policy.known else ()


def ensure_policies(endpoints: Iterable[Endpoint]) -> None:
    """Check that every endpoint says who may call it.

    Raises:
        ConfigurationError: Some do not; the message lists all of them.
    """
    silent = [f"  {endpoint}" for endpoint in endpoints if policy_of(endpoint) is None]
    if silent:
        raise ConfigurationError(
            "\n".join(
                [
                    "These endpoints say neither @requires(...) nor @public, so nobody could call them:",
                    *silent,
                ]
            )
        )


def sign_in_location(sign_in_path: str, target: str) -> str:
    """Return where a browser signs in, to come back to this path on the same origin afterwards."""
    if len(target) > _LONGEST_NEXT or not target.startswith("/") or target.startswith(("//", "/\\")):
        return sign_in_path
    return f"{sign_in_path}?{urlencode({'next': target})}"


class Guards:
    """The middlewares for each kind of policy.

    Public endpoints know the caller too, if the token is good; with a bad one the caller is nobody there: otherwise a
    client with an expired token could not even ask for a new one. Requests that match no route are not judged: they
    get their 404 or 405 whoever calls.
    """

    def __init__(self, identification: Identification, profile: Profile, sign_in_path: str) -> None:
        self._identify = identification.identify
        self._identification = identification
        self._headers = identification.headers
        self._profile = profile
        self._sign_in_path = sign_in_path

    def plan(self, endpoint: Endpoint) -> Middleware | None:
        """Return what stands before an endpoint; nothing where there is no endpoint.

        Raises:
            ConfigurationError: Its marks contradict each other, or a scope is none.
        """
        if not endpoint.matched:
            return None
        policy = policy_of(endpoint)
        if policy is None:
            return self._refusing(_silence(endpoint, self._profile))
        return self._requiring(policy.scopes) if policy.known else self._admitting()

    def _admitting(self) -> Middleware:
        """Return what lets everybody in, known or not."""
        names, known_if_good = self._headers, self._known_if_good

        def admit(request: web.Request, handler: Handler) -> Awaitable[web.StreamResponse]:
            headers = request.headers
            # PERF: most callers of a public endpoint are strangers; nothing has to be waited for to know that.
            for name in names:
                if name in headers:
                    return known_if_good(request, handler)
            return handler(request)

        return admit

    async def _known_if_good(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        with suppress(Unauthorized, ServiceUnavailable):
            await self._identify(request)
        return await handler(request)

    def _requiring(self, scopes: frozenset[str]) -> Middleware:
        recall = self._identification.recall

        async def judge(request: web.Request, handler: Handler) -> web.StreamResponse:
            principal = await self._identify(request)
            if principal is None:
                return self._ask(request)
            if not scopes <= principal.scopes:
                raise InsufficientScope(scopes - principal.scopes, by_token=principal.scheme == "bearer")
            return await handler(request)

        if recall is None:
            return judge

        def guard(request: web.Request, handler: Handler) -> Awaitable[web.StreamResponse]:
            # PERF: nothing has to be waited for where a token was verified before.
            principal = recall(request.headers)
            if principal is None or not scopes <= principal.scopes:
                return judge(request, handler)
            state_of(request)[PRINCIPAL] = principal
            return handler(request)

        return guard

    def _refusing(self, reason: str) -> Middleware:
        async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
            if await self._identify(request) is None:
                raise Unauthorized(reason)
            raise Forbidden(reason)

        return refuse

    def _ask(self, request: web.Request) -> web.Response:
        """Send a browser to the sign-in page, and ask everybody else for credentials.

        Raises:
            Unauthorized: The client is no browser in want of a page.
        """
        headers = request.headers
        accept = ",".join(headers.getall(hdrs.ACCEPT, ()))
        wants_page = request.method in {hdrs.METH_GET, hdrs.METH_HEAD} and prefers_html(accept)
        if not self._sign_in_path or not wants_page or hdrs.AUTHORIZATION in headers:
            raise Unauthorized
        return redirect(sign_in_location(self._sign_in_path, request.path_qs))


def _silence(endpoint: Endpoint, profile: Profile) -> str:
    if profile is Profile.production:
        return "Nobody may call this."
    return (
        f"{endpoint} says neither @requires(...) nor @public, so nobody may call it; add one to the handler."
    )
