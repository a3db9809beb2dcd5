"""Who calls: the first credential of a request decides, and a session where there is none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

import svcs
from aiohttp import hdrs, web
from aiohttp_session import STORAGE_KEY, get_session

from framework.batteries.auth.claims import is_generation, scopes_of
from framework.batteries.auth.credentials import Credential, InvalidCredentials, Read, Verify, bearer
from framework.batteries.auth.injection import Injected
from framework.batteries.auth.jws import InvalidToken
from framework.batteries.auth.tokens import Tokens
from framework.batteries.auth.verifier import Recall
from framework.context import PRINCIPAL, SESSION_GENERATION, SESSION_SCOPES, SESSION_SUBJECT
from framework.errors import Unauthorized
from framework.principal import Principal

Check = Callable[..., Awaitable[bool] | bool]

_Call = Callable[..., Awaitable[Principal | None]]


class _Way(NamedTuple):
    """A credential with what is asked at each request at hand."""

    header: str
    read: Read
    verify: _Call
    credential: Credential


class Identification:
    """The answer to who calls.

    Args:
        tokens: What verifies access tokens.
        credentials: In their order: the first one whose place in the request is taken decides. Several may share a
            place, such as ``Authorization``; there each is tried.
        known: ``(principal, services...) -> bool``: whether the caller is still there.

    Attributes:
        recall: ``(headers) -> principal or None``: knows a caller by a token that was verified before, without a wait.
            None where that is not all: the first credential is no access token, `known` has to be asked, or revoked
            tokens are remembered elsewhere.

    Raises:
        ConfigurationError: A function takes a parameter without a type.
    """

    def __init__(
        self, tokens: Tokens, credentials: Sequence[Credential] = (), known: Check | None = None
    ) -> None:
        self.credentials = tuple(credentials) or (bearer(),)
        self._injected: list[Injected] = []
        self._ways = tuple(self._way(each, tokens) for each in self.credentials)
        self._known = None if known is None else self._inject(known, 1)
        self.headers = tuple(dict.fromkeys([*(way.header for way in self._ways), hdrs.COOKIE]))
        self._tokens = tokens
        self.challenges = tuple(dict.fromkeys(each.challenge for each in self.credentials))
        self.cookies = frozenset(each.cookie for each in self.credentials if each.cookie)

    @cached_property
    def recall(self) -> Recall | None:
        """What knows a caller at once; None where somebody has to be asked at each request."""
        first = self.credentials[0]
        if first.verify is not None or not first.scheme or self._known is not None:
            return None
        return self._tokens.recaller(f"{first.scheme} ")

    def ensure_provided(self, registry: svcs.Registry) -> None:
        """Check that there are the services which the functions of the user's take.

        Raises:
            ConfigurationError: One is not there.
        """
        for each in self._injected:
            each.ensure_provided(registry)

    async def identify(self, request: web.Request) -> Principal | None:
        """Find out who calls and note it on the request; None if there are no credentials.

        Raises:
            Unauthorized: There are, and they are not good.
            ServiceUnavailable: The keys that could tell are not there.
        """
        headers, place = request.headers, ""
        failure: Unauthorized | None = None
        for header, read, verify, credential in self._ways:
            if header not in headers or (place and place != (credential.cookie or header)):
                continue
            try:
                parts = read(headers)
                if parts is None:
                    # Another scheme in Authorization is a credential too, though one that proves nothing here.
                    place = place or (header if credential.scheme else "")
                    continue
                place = credential.cookie or header
                principal = await verify(request, *parts)
                if principal is not None and (self._known is None or await self._known(request, principal)):
                    request[PRINCIPAL] = principal
                    return principal
                failure = failure or self._challenged(InvalidCredentials(), credential)
            except Unauthorized as error:
                place = credential.cookie or header
                failure = failure or self._challenged(error, credential)
        if failure is not None:
            raise failure
        return None if place else await self._from_session(request)

    async def _from_session(self, request: web.Request) -> Principal | None:
        principal = await _principal_from_session(request)
        if principal is None or (self._known is not None and not await self._known(request, principal)):
            return None
        request[PRINCIPAL] = principal
        return principal

    def _challenged(self, error: Unauthorized, credential: Credential) -> Unauthorized:
        """Put a challenge for each scheme on an error, the one that has failed first (RFC 9110, 11.6.1)."""
        said = error.headers.get(hdrs.WWW_AUTHENTICATE, "")
        if isinstance(error, InvalidToken) and credential.verify is None and credential.scheme:
            own = f"{credential.scheme}{said.removeprefix('Bearer')}"
        else:
            own = credential.challenge
        others = [each for each in self.challenges if each != credential.challenge]
        error.headers[hdrs.WWW_AUTHENTICATE] = ", ".join([own, *others])
        return error

    def _way(self, credential: Credential, tokens: Tokens) -> _Way:
        verify = _tokens_call(tokens)
        if credential.verify is not None:
            values = 2 if credential.scheme == "Basic" else 1
            verify = _named(self._inject(credential.verify, values), credential.name)
        return _Way(credential.header, credential.read, verify, credential)

    def _inject(self, function: Verify | Check, values: int) -> Injected:
        injected = Injected(function, values)
        self._injected.append(injected)
        return injected


def _tokens_call(tokens: Tokens) -> _Call:
    def verify(request: web.Request, text: str) -> Awaitable[Principal]:
        return tokens.verify(text)  # PERF: no coroutine around the coroutine

    return verify


def _named(verify: Injected, name: str) -> _Call:
    async def call(request: web.Request, *parts: str) -> Principal | None:
        principal = await verify(request, *parts)
        if principal is None:
            return None
        if not isinstance(principal, Principal):
            # NOTE: its type alone: it may be the credential itself.
            found = type(principal).__name__
            raise TypeError(f"What verifies {name!r} must return a Principal or None; it returned a {found}.")
        return replace(principal, scheme=name)

    return call


async def _principal_from_session(request: web.Request) -> Principal | None:
    # PERF: without any cookie there is no session to decrypt or to fetch.
    if hdrs.COOKIE not in request.headers or STORAGE_KEY not in request:
        return None
    session = await get_session(request)
    subject, scopes = session.get(SESSION_SUBJECT), session.get(SESSION_SCOPES, "")
    generation = session.get(SESSION_GENERATION, 0)
    if (
        not isinstance(subject, str)
        or not subject
        or not isinstance(scopes, str)
        or not is_generation(generation)
    ):
        return None
    return Principal(subject=subject, scopes=scopes_of(scopes), scheme="session", generation=generation)
