"""How fast messages come in from a member, and how many wait to go out."""

from __future__ import annotations

from collections import deque

_SHARE_BYTES = 16 * 1024
_OVERHEAD_BYTES = 256
_WRITE_BYTES = 64 * 1024


class MessageRate:
    """The rate at which messages of a member are taken (token bucket).

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
    """The messages that wait for one member, up to a number of bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._frames: deque[bytes] = deque()
        self._size = 0
        self._closed = False

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def is_half_full(self) -> bool:
        return self._size >= self._limit // 2

    def offer(self, frame: bytes) -> bool:
        """Add a message; False if there is no room for it. Nobody waits."""
        if self._closed:
            return True
        size = self._size + len(frame)
        if size > self._limit and self._frames:
            return False
        self._frames.append(frame)
        self._size = size + _OVERHEAD_BYTES
        return True

    def take(self) -> bytes:
        """Return the next messages, as many as are worth one write."""
        if len(self._frames) == 1:
            self._size = 0
            return self._frames.popleft()
        taken, size = [], 0
        while self._frames and size < _WRITE_BYTES:
            frame = self._frames.popleft()
            taken.append(frame)
            size += len(frame)
        self._size -= size + _OVERHEAD_BYTES * len(taken)
        return b"".join(taken)

    def close(self, *, discard: bool = False) -> None:
        """Take no more messages; those that wait still go, unless they are to be discarded."""
        self._closed = True
        if discard:
            self._frames.clear()
            self._size = 0
