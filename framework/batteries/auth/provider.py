"""The keys of an identity provider, fetched and kept (RFC 7517)."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence

import aiohttp

from framework import validation
from framework.batteries.auth.issuers import TrustedIssuer
from framework.batteries.auth.key_pairs import method_of, public_from_jwk
from framework.batteries.auth.keys import Key, KeySet
from framework.errors import ServiceUnavailable

_REFRESH_SECONDS = 600.0
_BETWEEN_TRIES_SECONDS = 30.0
_STALE_SECONDS = 24 * 3_600.0
_LARGEST_DOCUMENT = 256 * 1024
_MOST_KEYS = 100
_TIMEOUT = aiohttp.ClientTimeout(total=10, connect=3)

_log = logging.getLogger("framework.auth")

Fetch = Callable[[str], Awaitable[bytes]]


def keys_from_document(document: bytes, algorithm: str) -> KeySet:
    """Read a JSON Web Key Set and keep the keys that are for this algorithm.

    Raises:
        ValueError: It is not one, or has no such key; JSON that cannot be read is a ``MalformedJSON``.
    """
    value = validation.decode(document)
    entries = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(entries, list) or len(entries) > _MOST_KEYS:
        raise ValueError(f"The document is no list of at most {_MOST_KEYS} keys.")
    keys = {key.id: key for entry in entries if (key := _find_key(entry, algorithm)) is not None}
    if not keys:
        raise ValueError(f"The document has no key for {algorithm}.")
    return KeySet(keys.values())


def _find_key(entry: object, algorithm: str) -> Key | None:
    """Return the key of an entry; None for one of another use, another algorithm or another world."""
    if not isinstance(entry, Mapping) or not isinstance(entry.get("kid", ""), str):
        return None
    if entry.get("use", "sig") != "sig" or entry.get("alg", algorithm) != algorithm:
        return None
    try:
        public = public_from_jwk(entry, algorithm)
    except ValueError:
        return None
    return Key(entry.get("kid", ""), algorithm, method_of(algorithm), public, None)


class ProviderKeys:
    """A provider's keys: fetched now and then, again for a key that is not known, and used while it is away.

    Args:
        settings: Which provider.
        fetch: What gets the document behind a URL.
        clock: Seconds on a clock that only goes forward.
    """

    def __init__(self, settings: TrustedIssuer, fetch: Fetch, clock: Callable[[], float]) -> None:
        self.settings = settings
        self._fetch = fetch
        self._clock = clock
        self._keys: KeySet | None = None
        self._fetched_at = self._tried_at = float("-inf")
        self._turn = asyncio.Lock()
        method_of(settings.algorithm)  # imports what reads keys now, and not while requests wait

    async def find(self, key_id: object) -> Key | None:
        """Return the key of this id.

        An unknown one is looked for at the provider, but at most twice a minute: anybody can make up ids.

        Raises:
            ServiceUnavailable: There are no keys, or none of the last 24 hours.
        """
        key = self._find(key_id)
        if key is None and isinstance(key_id, str):
            await self.refresh()
            key = self._find(key_id)
        if not self.ready:
            raise ServiceUnavailable(
                "The identity provider cannot be reached.", retry_after_seconds=int(_BETWEEN_TRIES_SECONDS)
            )
        return key

    async def candidates(self, key_id: object) -> Sequence[Key]:
        """Return the key of this id; without an id the only key, and none of several.

        Raises:
            ServiceUnavailable: As `find` does.
        """
        key = await self.find(key_id)
        return () if key is None else (key,)

    def holds(self, key: Key) -> bool:
        """Tell whether this is still a key of the provider's."""
        known = self._find(key.id)
        return known is not None and bool(known.public == key.public)

    @property
    def ready(self) -> bool:
        """Tell whether there are keys that are recent enough."""
        return self._keys is not None and self._clock() - self._fetched_at < _STALE_SECONDS

    async def refresh(self) -> None:
        """Fetch the keys, unless that was tried a moment ago; keep the old ones if it fails."""
        async with self._turn:
            if self._clock() - self._tried_at < _BETWEEN_TRIES_SECONDS:
                return
            self._tried_at = self._clock()
            try:
                document = await self._fetch(self.settings.jwks_url)
                self._keys = keys_from_document(document, self.settings.algorithm)
            except (aiohttp.ClientError, OSError, ValueError) as error:
                _log.warning(
                    "provider_keys_not_fetched", extra={"reason": f"{type(error).__name__}: {error}"}
                )
                return
            self._fetched_at = self._clock()

    async def keep_fresh(self) -> None:
        """Fetch the keys again and again, for as long as the service runs."""
        while True:
            await asyncio.sleep(_REFRESH_SECONDS if self.ready else _BETWEEN_TRIES_SECONDS)
            await self.refresh()

    def _find(self, key_id: object) -> Key | None:
        if self._keys is None or not self.ready:
            return None
        if key_id is None and len(self._keys.keys) == 1:
            return self._keys.newest
        return self._keys.find(key_id)


async def fetch(url: str, *, tls: ssl.SSLContext | None = None) -> bytes:
    """Return a small document, without following redirects.

    Raises:
        aiohttp.ClientError: It cannot be had.
        TimeoutError: It takes longer than 10 seconds.
        ValueError: The answer is none of success, or too large.
    """
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), timeout=_TIMEOUT) as session,
        session.get(url, allow_redirects=False, ssl=tls or True) as response,
    ):
        if response.status != 200:
            raise ValueError(f"status {response.status}")
        document = bytearray()
        async for chunk in response.content.iter_any():
            document += chunk
            if len(document) > _LARGEST_DOCUMENT:
                raise ValueError(f"more than {_LARGEST_DOCUMENT} bytes")
        return bytes(document)
