"""How fast messages come in from a member, and how many wait to go out."""

from __future__ import annotations

import asyncio
from collections import deque

_SHARE_BYTES = 16 * 1024
_OVERHEAD_BYTES = 256


class Pace:
    """Say how long to wait before the next message of a member is taken (token bucket).

    A member who talks too fast is listened to more slowly: its own connection fills up, and nobody else's.

    Args:
        per_second: Messages; a message of more than 16 KiB counts as several.
        now: Seconds on a clock that only goes forward.
    """

    def __init__(self, per_second: int, now: float) -> None:
        self._per_second = per_second
        self._burst = 2.0 * per_second
        self._left = self._burst
        self._at = now

    def delay(self, size: int, now: float) -> float:
        """Take a message of so many bytes and return the seconds to wait, 0 if none."""
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        self._left -= 1 + size // _SHARE_BYTES
        return max(0.0, -self._left / self._per_second)


class Outbox:
    """Keep what waits for one member, up to a number of bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._payloads: deque[bytes] = deque()
        self._size = 0
        self._closed = False
        self._changed = asyncio.Event()
        self._roomy = asyncio.Event()
        self._roomy.set()

    def offer(self, payload: bytes) -> bool:
        """Add a message; False if the member has fallen too far behind. Nobody waits."""
        if self._closed:
            return True
        if self._payloads and self._size + len(payload) > self._limit:
            return False
        self._payloads.append(payload)
        self._size += len(payload) + _OVERHEAD_BYTES
        self._changed.set()
        if self._size >= self._limit // 2:
            self._roomy.clear()
        return True

    async def room(self) -> None:
        """Wait until at least half of the space is free, or nothing is taken any more."""
        await self._roomy.wait()

    async def take(self) -> bytes | None:
        """Return the next message as soon as there is one; None when all are taken and no more will come."""
        while not self._payloads:
            if self._closed:
                return None
            self._changed.clear()
            await self._changed.wait()
        payload = self._payloads.popleft()
        self._size -= len(payload) + _OVERHEAD_BYTES
        if self._size < self._limit // 2:
            self._roomy.set()
        return payload

    def close(self, *, discard: bool = False) -> None:
        """Take no more messages; those that wait still go, unless they are to be discarded."""
        self._closed = True
        if discard:
            self._payloads.clear()
            self._size = 0
        self._changed.set()
        self._roomy.set()
