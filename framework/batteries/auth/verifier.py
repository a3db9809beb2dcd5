"""Access tokens become principals."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Container, Sequence
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from aiohttp import hdrs

from framework.batteries.auth import jws
from framework.batteries.auth.claims import (
    NEVER,
    Expected,
    ensure_claims,
    ensure_current,
    principal_from_claims,
)
from framework.batteries.auth.credentials import Headers
from framework.batteries.auth.issuers import IssuerKeys
from framework.batteries.auth.jws import InvalidToken, Token
from framework.batteries.auth.keys import KeySet
from framework.principal import Principal

ACCESS = "at+jwt"
_REMEMBERED = 1_024
_AUTHORIZATION = hdrs.AUTHORIZATION

Recall = Callable[[Headers], Principal | None]


class _Seen(NamedTuple):
    """Whom a token stood for.

    Attributes:
        since: From when on it is good, in seconds since the epoch, leeway included.
        until: Until when it is.
        is_trusted: Tells whether the issuer's key still counts; None for our own, which stay.
    """

    principal: Principal
    since: float
    until: float
    is_trusted: Callable[[], bool] | None


class Verifier:
    """The reader of access tokens, be they one's own or another issuer's.

    Args:
        keys: One's own keys.
        expected: What one's own tokens say.
        clock: Seconds since the epoch.
        issuers: The keys of other issuers, each of another name.
    """

    def __init__(
        self,
        keys: KeySet,
        expected: Expected,
        clock: Callable[[], float],
        issuers: Sequence[IssuerKeys] = (),
    ) -> None:
        self._keys = keys
        self._expected = expected
        self._clock = clock
        self._issuers: dict[object, IssuerKeys] = {each.settings.issuer: each for each in issuers}
        silent = [each for each in issuers if "iss" not in each.settings.required]
        if len(silent) == 1:
            # A token that names no issuer can only be from the one that is allowed not to.
            self._issuers[None] = silent[0]
        self._seen: OrderedDict[bytes, _Seen] = OrderedDict()

    def recall(self, text: str) -> Principal | None:
        """Return the principal of a token that was read before and is good still; None to `read` it.

        Raises:
            InvalidToken: The token has expired.
        """
        # PERF: a caller sends the same token many times. Time and keys are judged at each use.
        digest = _digest(text)
        seen = self._seen.get(digest)
        if seen is None:
            return None
        principal, is_trusted = seen.principal, seen.is_trusted
        if is_trusted is not None and not is_trusted():
            return None
        self._seen.move_to_end(digest)
        claims = principal.claims
        ensure_current(
            claims.get("exp", NEVER), claims.get("nbf", 0), self._expected.leeway_seconds, self._clock()
        )
        return principal

    def recaller(self, prefix: str, revoked: Container[object]) -> Recall:
        """Return what takes a token of our own from memory: at once, and only if it is good still.

        It returns None where only `read` can say, or say what is wrong.

        Args:
            prefix: What stands before the token in ``Authorization``, exactly.
            revoked: The ids of tokens that are refused.
        """
        seen, clock, start = self._seen, self._clock, len(prefix)

        def recall(headers: Headers) -> Principal | None:
            values = headers.getall(_AUTHORIZATION, ())
            if len(values) != 1 or not values[0].startswith(prefix):
                return None
            digest = _digest(values[0][start:])
            found = seen.get(digest)
            if found is None:
                return None
            principal, since, until, is_trusted = found
            if (
                is_trusted is not None
                or not since <= clock() < until
                or principal.claims.get("jti") in revoked
            ):
                return None
            seen.move_to_end(digest)
            return principal

        return recall

    async def read(self, text: str) -> Principal:
        """Return the principal; whether the token was revoked is for others to say.

        Raises:
            InvalidToken: The token is malformed, expired, not for this service or no access token.
            ServiceUnavailable: It is another issuer's, whose keys are not there.
        """
        found = await self._read(jws.parse(text))
        self._seen[_digest(text)] = found
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return found.principal

    async def _read(self, token: Token) -> _Seen:
        key = self._keys.find(token.key_id)
        if key is None and self._issuers:
            return await self._read_foreign(token)
        claims = jws.claims_of(token, (ACCESS,), jws.ensure_known(key))
        ensure_claims(claims, self._expected, self._clock())
        return _seen(principal_from_claims(MappingProxyType(claims), self._expected), self._expected, None)

    async def _read_foreign(self, token: Token) -> _Seen:
        """Read a token of another issuer: its name chooses the keys, and these alone vouch for its name.

        Raises:
            InvalidToken: No issuer of this name is trusted, or the token is not good.
            ServiceUnavailable: The issuer's keys are not there.
        """
        named = jws.issuer_of(token)
        issuer = self._issuers.get(named) if isinstance(named, str | None) else None
        failure = InvalidToken("The key is not known.")
        if issuer is None:
            raise failure
        for key in await issuer.candidates(token.key_id):
            try:
                claims = jws.claims_of(token, issuer.settings.types, key)
            except InvalidToken as error:
                failure = error
                continue
            expected = issuer.settings.expected(self._expected.leeway_seconds)
            ensure_claims(claims, expected, self._clock())
            principal = principal_from_claims(
                MappingProxyType(claims), expected, issuer.settings.subject_prefix
            )
            return _seen(principal, expected, partial(issuer.holds, key))
        raise failure


def _seen(principal: Principal, expected: Expected, is_trusted: Callable[[], bool] | None) -> _Seen:
    claims, leeway = principal.claims, expected.leeway_seconds
    return _Seen(principal, claims.get("nbf", 0) - leeway, claims.get("exp", NEVER) + leeway, is_trusted)


def _digest(text: str) -> bytes:
    """Return what stands for a token in memory, so that a verified one is not kept as a credential."""
    # PERF: half the cost of SHA-256.
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32).digest()
