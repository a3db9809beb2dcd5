"""Where sessions are kept: in the cookie itself, encrypted, or in memory."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from framework.errors import ConfigurationError
from framework.secrets import Secret, derived_key

_TOKEN_BYTES = 32


class SessionStore(Protocol):
    """The bytes of sessions by a token, which is all that the client gets."""

    async def load(self, token: str) -> bytes | None:
        """Return what is kept under a token, None if nothing is; a client may send anything as a token."""

    async def save(self, token: str | None, content: bytes, seconds: int, owner: str) -> str | None:
        """Keep content for so many seconds.

        Args:
            owner: Who has signed in; empty for a visitor.

        Returns:
            The token to ask for it: a new one if None was given. None if the token that was given is dead by
            now, and nothing was kept: what somebody ended meanwhile does not rise again.
        """

    async def drop(self, token: str) -> bool:
        """Let a token be dead at once; say whether it was alive."""

    async def end_all(self, owner: str) -> int:
        """Let all tokens of an owner be dead at once; say how many it were.

        Raises:
            RuntimeError: This store does not know them.
        """

    async def check(self) -> None:
        """Raise if the store cannot work just now."""

    async def close(self) -> None:
        """Let go of what the store holds."""


def new_token() -> str:
    """Return an id of 256 random bits."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def key_of(token: str) -> str:
    """Return under what a store keeps a session: who reads the store still cannot take a session over."""
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()


class _Sealer(NamedTuple):
    fernet: Any
    invalid: type[Exception]


class CookieStore:
    """Sessions in their own cookies, encrypted and signed (Fernet); nothing is on the server.

    So only its lifetime ends a cookie that was copied: keep sessions in Redis where signing out must do that.

    Args:
        keys: The newest first; it encrypts, all of them decrypt.
    """

    def __init__(self, keys: Sequence[Secret]) -> None:
        if not keys:
            raise ConfigurationError("SESSIONS_KEYS is empty: sessions in cookies need a key.")
        self._keys = [_derived(key) for key in keys]

    def prepare(self) -> None:
        """Import what seals cookies now, and not while a request waits: for a service whose handlers take sessions.

        PERF: it takes 7 MiB and a fiftieth of a service's start; many a service has the battery in its stack and
        callers with bearer tokens alone, who never send or get a cookie.
        """
        _ = self._sealer

    @cached_property
    def _sealer(self) -> _Sealer:
        from cryptography.fernet import Fernet, InvalidToken, MultiFernet  # noqa: PLC0415

        return _Sealer(MultiFernet([Fernet(key) for key in self._keys]), InvalidToken)

    async def load(self, token: str) -> bytes | None:
        if "+" in token or "/" in token:
            # Fernet would read them as "-" and "_": two texts for one session, of which Python 3.15 warns.
            return None
        fernet, invalid = self._sealer
        try:
            content: bytes = fernet.decrypt(token.encode(errors="replace"))
        except invalid:
            return None
        return content

    async def save(self, token: str | None, content: bytes, seconds: int, owner: str) -> str | None:
        sealed: bytes = self._sealer.fernet.encrypt(content)
        return sealed.decode()

    async def drop(self, token: str) -> bool:
        return True

    async def end_all(self, owner: str) -> int:
        raise RuntimeError(
            "Cookies cannot be called back: keep sessions in Redis (SESSIONS_REDIS_URL), or count the generations of a "
            "person's sign-ins and let auth.battery(known=...) refuse the older ones."
        )

    async def check(self) -> None:
        """Have nothing that could fail."""

    async def close(self) -> None:
        """Have nothing to let go."""


def _derived(key: Secret) -> bytes:
    """Derive the cookie's key (RFC 5869), so that the secret may serve elsewhere too."""
    return base64.urlsafe_b64encode(derived_key(key, info="framework.sessions.cookie"))


class _Kept(NamedTuple):
    until: float
    content: bytes
    owner: str


class MemoryStore:
    """Sessions in the memory of this process: for tests and for a single worker.

    Args:
        clock: Seconds since 1970.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    def __len__(self) -> int:
        return sum(self._alive(key) is not None for key in self._kept)

    async def load(self, token: str) -> bytes | None:
        return self._alive(key_of(token))

    async def save(self, token: str | None, content: bytes, seconds: int, owner: str) -> str | None:
        if token is None:
            token = new_token()
            self._sweep()
        elif self._alive(key_of(token)) is None:
            return None
        self._kept[key_of(token)] = _Kept(self._clock() + seconds, content, owner)
        return token

    async def drop(self, token: str) -> bool:
        alive = self._alive(key_of(token)) is not None
        self._kept.pop(key_of(token), None)
        return alive

    async def end_all(self, owner: str) -> int:
        theirs = [key for key, kept in self._kept.items() if kept.owner == owner]
        alive = sum(self._alive(key) is not None for key in theirs)
        for key in theirs:
            del self._kept[key]
        return alive

    async def check(self) -> None:
        """Have nothing that could fail."""

    async def close(self) -> None:
        self._kept.clear()

    def _alive(self, key: str) -> bytes | None:
        kept = self._kept.get(key)
        return kept.content if kept is not None and kept.until > self._clock() else None

    def _sweep(self) -> None:
        """Forget the oldest entries that are over; dictionaries keep the order of insertion."""
        for key in list(self._kept)[:2]:
            if self._alive(key) is None:
                del self._kept[key]
