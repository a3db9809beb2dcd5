"""Access tokens become principals."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from framework.batteries.auth import jws
from framework.batteries.auth.claims import Expected, ensure_claims, ensure_current, principal_from_claims
from framework.batteries.auth.keys import Key, KeySet
from framework.batteries.auth.provider import ProviderKeys
from framework.principal import Principal

ACCESS = "at+jwt"
_REMEMBERED = 1_024
# Other than in our own tokens, jti may be missing in a provider's; such a token cannot be revoked.
_REQUIRED_OF_PROVIDERS = ("iss", "aud", "exp", "iat", "sub")


class _Seen(NamedTuple):
    """Remember whom a token stood for, and a provider's key that said so; None for one of our own, which stay."""

    principal: Principal
    key: Key | None


class Verifier:
    """Say whom an access token stands for, be it one's own or a provider's.

    Args:
        keys: One's own keys.
        expected: What one's own tokens say.
        clock: Seconds since the epoch.
        provider: The keys of an identity provider.
    """

    def __init__(
        self,
        keys: KeySet,
        expected: Expected,
        clock: Callable[[], float],
        provider: ProviderKeys | None = None,
    ) -> None:
        self._keys = keys
        self._expected = expected
        self._clock = clock
        self._provider = provider
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
        principal, key = seen
        if key is not None and not self._still_trusts(key):
            return None
        self._seen.move_to_end(digest)
        claims = principal.claims
        ensure_current(claims["exp"], claims.get("nbf", 0), self._expected.leeway_seconds, self._clock())
        return principal

    async def read(self, text: str) -> Principal:
        """Return the principal; whether the token was revoked is for others to say.

        Raises:
            InvalidToken: The token is malformed, expired, not for this service or no access token.
            ServiceUnavailable: It is a provider's, whose keys are not there.
        """
        found = await self._read(jws.parse(text))
        self._seen[_digest(text)] = found
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return found.principal

    async def _read(self, token: jws.Token) -> _Seen:
        key = self._keys.find(token.key_id)
        if key is None and self._provider is not None:
            return await self._read_provided(token, self._provider)
        key = jws.ensure_known(key)
        claims = jws.claims_of(token, (ACCESS,), key)
        ensure_claims(claims, self._expected, self._clock())
        return _Seen(principal_from_claims(MappingProxyType(claims)), None)

    async def _read_provided(self, token: jws.Token, provider: ProviderKeys) -> _Seen:
        settings = provider.settings
        key = jws.ensure_known(await provider.find(token.key_id))
        claims = jws.claims_of(token, settings.types, key)
        expected = Expected(
            settings.issuer, settings.audience, self._expected.leeway_seconds, _REQUIRED_OF_PROVIDERS
        )
        ensure_claims(claims, expected, self._clock())
        principal = principal_from_claims(MappingProxyType(claims))
        return _Seen(replace(principal, subject=settings.subject_prefix + principal.subject), key)

    def _still_trusts(self, key: Key) -> bool:
        return self._provider is not None and self._provider.holds(key)


def _digest(text: str) -> bytes:
    """Return what stands for a token in memory, so that a verified one is not kept as a credential."""
    # PERF: half the cost of SHA-256.
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32).digest()
