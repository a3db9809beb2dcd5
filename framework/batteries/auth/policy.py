"""Who may call an endpoint: nobody, unless it says who."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urlencode

from aiohttp import hdrs, web
from aiohttp_session import STORAGE_KEY, get_session
from multidict import CIMultiDict, CIMultiDictProxy

from framework.batteries.auth.claims import scopes_of
from framework.batteries.auth.jws import InvalidToken
from framework.batteries.auth.tokens import Tokens, ensure_scopes
from framework.battery import Handler, Middleware
from framework.context import PRINCIPAL, SESSION_SCOPES, SESSION_SUBJECT
from framework.endpoint import Endpoint
from framework.errors import ConfigurationError, Forbidden, ServiceUnavailable, Unauthorized
from framework.http.accept import prefers_html
from framework.marks import Public, Requires
from framework.principal import Principal
from framework.responses import redirect
from framework.secrets import Profile

_LONGEST_NEXT = 2_000


class InsufficientScope(Forbidden):
    """Refuse a known caller and name the scopes that are missing (RFC 6750, 3.1)."""

    def __init__(self, missing: Iterable[str]) -> None:
        scope = " ".join(sorted(missing))
        challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
        super().__init__(
            f"This needs the scope {scope}.", headers={"WWW-Authenticate": challenge}, missing=scope.split()
        )


class AccessPolicy(NamedTuple):
    """Say who may call an endpoint.

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


def bearer_token(headers: CIMultiDictProxy[str] | CIMultiDict[str]) -> str | None:
    """Return the token of the ``Authorization`` header (RFC 6750, 2.1); None if there is no bearer token.

    Raises:
        InvalidToken: There are several headers, or there is no token behind the scheme.
    """
    values = headers.getall(hdrs.AUTHORIZATION, ())
    if not values:
        return None
    if len(values) > 1:
        raise InvalidToken("There is more than one Authorization header.")
    scheme, _, token = values[0].partition(" ")
    if scheme.lower() != "bearer":
        return None
    token = token.strip(" ")
    if not token:
        raise InvalidToken("There is no token behind the scheme.")
    return token


def sign_in_location(sign_in_path: str, target: str) -> str:
    """Return where a browser signs in, to come back to this path on the same origin afterwards."""
    if len(target) > _LONGEST_NEXT or not target.startswith("/") or target.startswith(("//", "/\\")):
        return sign_in_path
    return f"{sign_in_path}?{urlencode({'next': target})}"


class Guards:
    """Make the middleware for each kind of policy.

    Public endpoints know the caller too, if the token is good; with a bad one the caller is nobody there: otherwise a
    client with an expired token could not even ask for a new one. Requests that match no route are not judged: they
    get their 404 or 405 whoever calls.
    """

    def __init__(self, tokens: Tokens, profile: Profile, sign_in_path: str) -> None:
        self._tokens = tokens
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
        return self._requiring(policy.scopes) if policy.known else self._public

    def _public(self, request: web.Request, handler: Handler) -> Awaitable[web.StreamResponse]:
        headers = request.headers
        # PERF: most callers of a public endpoint are strangers; nothing has to be waited for to know that.
        if hdrs.AUTHORIZATION in headers or hdrs.COOKIE in headers:
            return self._known_if_good(request, handler)
        return handler(request)

    async def _known_if_good(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        with suppress(InvalidToken, ServiceUnavailable):
            await self._identify(request)
        return await handler(request)

    def _requiring(self, scopes: frozenset[str]) -> Middleware:
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            principal = await self._identify(request)
            if principal is None:
                return self._ask(request)
            if not scopes <= principal.scopes:
                raise InsufficientScope(scopes - principal.scopes)
            return await handler(request)

        return guard

    def _refusing(self, reason: str) -> Middleware:
        async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
            if await self._identify(request) is None:
                raise Unauthorized(reason)
            raise Forbidden(reason)

        return refuse

    async def _identify(self, request: web.Request) -> Principal | None:
        """Find out who calls and note it on the request.

        Raises:
            InvalidToken: There is a bearer token, and it is not good.
        """
        if hdrs.AUTHORIZATION in request.headers:
            text = bearer_token(request.headers)
            principal = None if text is None else await self._tokens.verify(text)
        else:
            principal = await _principal_from_session(request)
        if principal is not None:
            request[PRINCIPAL] = principal
        return principal

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


async def _principal_from_session(request: web.Request) -> Principal | None:
    # PERF: without any cookie there is no session to decrypt or to fetch.
    if hdrs.COOKIE not in request.headers or STORAGE_KEY not in request:
        return None
    session = await get_session(request)
    subject, scopes = session.get(SESSION_SUBJECT), session.get(SESSION_SCOPES, "")
    if not isinstance(subject, str) or not subject or not isinstance(scopes, str):
        return None
    return Principal(subject=subject, scopes=scopes_of(scopes), scheme="session")


def _silence(endpoint: Endpoint, profile: Profile) -> str:
    if profile is Profile.production:
        return "Nobody may call this."
    return (
        f"{endpoint} says neither @requires(...) nor @public, so nobody may call it; add one to the handler."
    )
