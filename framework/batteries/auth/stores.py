"""What is remembered about tokens: refresh tokens until they are used, revoked ones until they expire."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshGrant:
    """What a refresh token is good for.

    Attributes:
        id: The token's ``jti``.
        family: The same for every token that descends from one sign-in.
        expires_at: Seconds since the epoch.
        generation: That of the sign-in, as in `Principal`.
    """

    id: str
    subject: str
    scopes: frozenset[str]
    family: str
    expires_at: int
    generation: int = 0


class TokenStore(Protocol):
    """The refresh tokens that may still be used, each of them once."""

    async def add(self, grant: RefreshGrant) -> None:
        """Remember a token that was issued just now."""

    async def use(self, grant: RefreshGrant) -> bool:
        """Strike a token off, once even among callers at the same time; False if it was not there."""

    async def revoke_family(self, family: str) -> None:
        """Strike off every token of a sign-in.

        It is called right before an error is raised: a store in the request's database session has to commit.
        """


class Revocations(Protocol):
    """The tokens that are refused although they have not expired."""

    async def revoke(self, token_id: str, expires_at: float) -> None:
        """Refuse a token from now on; after it has expired (seconds since the epoch), it may be forgotten."""

    async def is_revoked(self, token_id: str) -> bool:
        """Tell whether the token with this ``jti`` is refused."""


@dataclass(slots=True)
class MemoryTokenStore:
    """Refresh tokens in this process: for development, tests and services with one worker."""

    clock: Callable[[], float] = time.time
    _grants: dict[str, RefreshGrant] = field(default_factory=dict)
    _sweep_at: int = 1_000

    async def add(self, grant: RefreshGrant) -> None:
        if len(self._grants) >= self._sweep_at:
            now = self.clock()
            self._grants = {id_: kept for id_, kept in self._grants.items() if kept.expires_at > now}
            self._sweep_at = max(1_000, 2 * len(self._grants))
        self._grants[grant.id] = grant

    async def use(self, grant: RefreshGrant) -> bool:
        return self._grants.pop(grant.id, None) is not None

    async def revoke_family(self, family: str) -> None:
        self._grants = {id_: kept for id_, kept in self._grants.items() if kept.family != family}


@dataclass(slots=True)
class MemoryRevocations:
    """Revoked tokens in this process: for development, tests and services with one worker.

    Attributes:
        revoked: When each may be forgotten (seconds since the epoch), by its ``jti``; always the same dictionary.
    """

    clock: Callable[[], float] = time.time
    revoked: dict[str, float] = field(default_factory=dict)
    _sweep_at: int = 1_000

    async def revoke(self, token_id: str, expires_at: float) -> None:
        if len(self.revoked) >= self._sweep_at:
            now = self.clock()
            for each in [id_ for id_, until in self.revoked.items() if until <= now]:
                del self.revoked[each]
            self._sweep_at = max(1_000, 2 * len(self.revoked))
        self.revoked[token_id] = expires_at

    async def is_revoked(self, token_id: str) -> bool:
        return token_id in self.revoked
