"""Access tokens for callers, and refresh tokens that are good for one use."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from framework.batteries.auth import jws
from framework.batteries.auth.claims import (
    LONGEST_TEXT,
    Expected,
    ensure_claims,
    is_generation,
    scopes_of,
)
from framework.batteries.auth.issuers import IssuerKeys
from framework.batteries.auth.jws import InvalidToken
from framework.batteries.auth.keys import KeySet, key_from_secret, refresh_key_from_secret
from framework.batteries.auth.settings import AuthSettings
from framework.batteries.auth.stores import MemoryRevocations, RefreshGrant, Revocations, TokenStore
from framework.batteries.auth.verifier import ACCESS, Recall, Verifier
from framework.errors import ConfigurationError
from framework.principal import Principal

REFRESH = "rt+jwt"
_OURS = frozenset({"iss", "aud", "exp", "iat", "nbf", "sub", "jti", "scope", "fam", "gen"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """An access token as it is handed out (RFC 6749, 5.1); ``expires_in`` is in seconds."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the name of a scheme
    expires_in: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPair:
    """An access token and the refresh token for the next one (RFC 6749, 5.1)."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the name of a scheme
    expires_in: int
    refresh_token: str


class Tokens:
    """The issuing and verifying of tokens; a handler asks for it by its type.

    Args:
        settings: Keys, issuer, audience and lifetimes.
        revocations: Who remembers tokens that are refused before they expire.
        clock: Seconds since the epoch.
        issuers: The keys of other issuers whose access tokens are taken, too.
    """

    def __init__(
        self,
        settings: AuthSettings,
        *,
        revocations: Revocations | None = None,
        clock: Callable[[], float] = time.time,
        issuers: Sequence[IssuerKeys] = (),
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._revocations = MemoryRevocations(clock) if revocations is None else revocations
        self._expected = Expected(settings.issuer, settings.audience, settings.leeway.total_seconds())
        self._issuers = issuers

    def prepare(self) -> None:
        """Read the keys now, and not while a request waits.

        Raises:
            ConfigurationError: There is none, one is listed twice, or too short.
        """
        _ = self._verifier, self._refresh_keys

    @cached_property
    def _access_keys(self) -> KeySet:
        settings = self._settings
        return KeySet(key_from_secret(key, settings.algorithm, "access") for key in settings.keys)

    @cached_property
    def _refresh_keys(self) -> KeySet | None:
        settings = self._settings
        keys = [refresh_key_from_secret(key, settings.algorithm) for key in settings.keys]
        known = [key for key in keys if key is not None]
        return KeySet(known) if known else None

    @cached_property
    def _verifier(self) -> Verifier:
        return Verifier(self._access_keys, self._expected, self._clock, self._issuers)

    def issue(
        self,
        subject: str,
        scopes: Iterable[str] = (),
        *,
        generation: int = 0,
        claims: Mapping[str, Any] | None = None,
    ) -> AccessToken:
        """Return an access token.

        Args:
            subject: The caller's stable identity.
            scopes: What the caller may do.
            generation: Which of the subject's generations of sign-ins the token is of.
            claims: Further claims; the token is signed, not secret.

        Raises:
            ValueError: The subject is empty or too long, a scope is none, or a claim is one that is set here.
        """
        extra = dict(claims or {})
        if not _OURS.isdisjoint(extra):
            raise ValueError(
                f"These claims are set by the token itself: {', '.join(sorted(_OURS & extra.keys()))}."
            )
        seconds = int(self._settings.access_lifetime.total_seconds())
        payload = {**extra, **self._payload(subject, scopes, seconds, generation)}
        text = jws.write(payload, ACCESS, self._access_keys.newest)
        if len(text) > jws.LONGEST_TOKEN:
            raise ValueError(
                f"The token would be longer than {jws.LONGEST_TOKEN} bytes: give it fewer claims."
            )
        return AccessToken(access_token=text, expires_in=seconds)

    async def issue_pair(
        self,
        subject: str,
        scopes: Iterable[str] = (),
        *,
        store: TokenStore,
        family: str | None = None,
        generation: int = 0,
    ) -> TokenPair:
        """Return an access token, and a refresh token that `redeem` takes once.

        Args:
            subject: The caller's stable identity.
            scopes: What the caller may do.
            store: Who remembers the refresh token.
            family: The grant's family when it follows another one; a new sign-in when None.
            generation: The subject's; one that follows another has the generation of that.

        Raises:
            ValueError: As `issue` does.
        """
        access = self.issue(subject, scopes, generation=generation)
        family = family or secrets.token_urlsafe(16)
        seconds = int(self._settings.refresh_lifetime.total_seconds())
        payload = self._payload(subject, scopes, seconds, generation)
        refresh = jws.write({**payload, "fam": family}, REFRESH, self._keys_for_refresh().newest)
        await store.add(_grant_from_claims({**payload, "fam": family}))
        return TokenPair(
            access_token=access.access_token, expires_in=access.expires_in, refresh_token=refresh
        )

    async def redeem(self, text: str, *, store: TokenStore) -> RefreshGrant:
        """Use a refresh token up and return what it grants; look the subject up, then call `issue_pair`.

        A token that was used before is in two hands: its family is refused from then on (RFC 9700, 4.14).

        Raises:
            InvalidToken: It is malformed, expired, no refresh token, or used up.
        """
        token = jws.parse(text)
        key = jws.ensure_known(self._keys_for_refresh().find(token.key_id))
        claims = jws.claims_of(token, (REFRESH,), key)
        ensure_claims(claims, self._expected, self._clock())
        grant = _grant_from_claims(claims)
        if not await store.use(grant):
            await store.revoke_family(grant.family)
            raise InvalidToken("The refresh token was used or revoked.")
        return grant

    async def verify(self, text: str) -> Principal:
        """Return whom an access token stands for.

        Raises:
            InvalidToken: It is malformed, expired, revoked, not for this service or no access token.
            ServiceUnavailable: It is another issuer's, whose keys cannot be had.
        """
        principal = self._verifier.recall(text) or await self._verifier.read(text)
        token_id = principal.claims.get("jti")
        if token_id is not None and await self._revocations.is_revoked(token_id):
            raise InvalidToken("The token was revoked.")
        return principal

    def recaller(self, prefix: str) -> Recall | None:
        """Return what takes a verified token from memory at once; None where somebody else knows what is revoked.

        Args:
            prefix: What stands before the token in ``Authorization``.
        """
        revocations = self._revocations
        if type(revocations) is not MemoryRevocations:
            return None
        return self._verifier.recaller(prefix, revocations.revoked)

    async def revoke(self, principal: Principal) -> None:
        """Refuse the access token by which this caller came, from now on.

        Raises:
            ValueError: The caller did not come with a token that has an id.
        """
        if principal.scheme != "bearer" or not {"jti", "exp"} <= principal.claims.keys():
            raise ValueError("The caller came without a token, or with one that has no id or never expires.")
        # NOTE: by its jti: one token could have several texts.
        expires_at = principal.claims["exp"] + self._expected.leeway_seconds
        await self._revocations.revoke(principal.claims["jti"], expires_at)

    def _payload(
        self, subject: str, scopes: Iterable[str], lifetime_seconds: int, generation: int
    ) -> dict[str, Any]:
        if isinstance(scopes, str):
            scopes = scopes_of(scopes)
        if not 0 < len(subject) <= LONGEST_TEXT:
            raise ValueError(f"The subject is a text of 1 to {LONGEST_TEXT} characters.")
        if not is_generation(generation):
            raise ValueError(f"A generation is a whole number from 0, and not {generation!r}.")
        now = int(self._clock())
        return {
            **({"gen": generation} if generation else {}),
            "iss": self._expected.issuer,
            "aud": self._expected.audience,
            "sub": subject,
            "iat": now,
            "exp": now + lifetime_seconds,
            "jti": secrets.token_urlsafe(16),
            "scope": " ".join(sorted(ensure_scopes(scopes))),
        }

    def _keys_for_refresh(self) -> KeySet:
        if self._refresh_keys is None:
            raise ConfigurationError(
                "A service that knows public keys alone issues no tokens and refreshes none."
            )
        return self._refresh_keys


def ensure_scopes(scopes: Iterable[str]) -> frozenset[str]:
    """Return the scopes as a set.

    Raises:
        ValueError: One is no scope token (RFC 6749, 3.3): printable ASCII without space, quote and backslash.
    """
    checked = frozenset(scopes)
    for scope in checked:
        if not scope or not all("!" <= letter <= "~" and letter not in '"\\' for letter in scope):
            raise ValueError(
                f"{scope!r} is no scope: use printable ASCII without spaces, quotes and backslashes."
            )
    return checked


def _grant_from_claims(claims: Mapping[str, Any]) -> RefreshGrant:
    family = claims.get("fam")
    if not isinstance(family, str):
        raise InvalidToken("The token lacks fam.")
    return RefreshGrant(
        id=claims["jti"],
        subject=claims["sub"],
        scopes=scopes_of(claims.get("scope", "")),
        family=family,
        expires_at=int(claims["exp"]),
        generation=claims.get("gen", 0),
    )
