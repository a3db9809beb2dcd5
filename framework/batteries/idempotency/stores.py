"""Where the answers are kept: in memory, or wherever a `Store` of others keeps them."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from framework.errors import Conflict


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that can be had again.

    Attributes:
        fingerprint: What was asked for.
        headers: Names and values, in order.
    """

    fingerprint: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Store(Protocol):
    """A place for answers.

    Attributes:
        in_transaction: It writes within the request's transaction, so that an answer is kept if and only if what it
            tells of is.
    """

    in_transaction: bool

    async def begin(self, request: web.Request, key: str) -> Kept | None:
        """Return the answer that is kept under a key; None if the request is the first, and the key is its own now.

        Raises:
            Conflict: A request with this key is being worked on.
        """

    async def keep(self, request: web.Request, key: str, answer: Kept, seconds: int) -> None:
        """Keep the answer of the request that began."""

    async def release(self, request: web.Request, key: str) -> None:
        """Forget that a request began: it came to nothing."""

    async def check(self, app: web.Application) -> None:
        """Raise if answers cannot be kept just now."""

    async def close(self) -> None:
        """Let go of connections."""


def in_progress() -> Conflict:
    """Return the error of a request whose twin is being worked on."""
    return Conflict(
        "A request with this Idempotency-Key is being worked on: send it again a little later.",
        headers={"Retry-After": "1"},
    )


class MemoryStore:
    """Answers in the memory of one worker, the oldest forgotten first: for development, and for a single worker.

    Args:
        max_bytes: How much the bodies of all answers may take; a single one that takes more is not kept.
        clock: Seconds that never go back.
    """

    in_transaction = False

    def __init__(
        self, *, max_bytes: int = 64 * 1024 * 1024, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._bytes = 0
        self._answers: OrderedDict[str, tuple[float, Kept]] = OrderedDict()

    async def begin(self, request: web.Request, key: str) -> Kept | None:
        until, answer = self._answers.get(key, (0.0, None))
        if answer is not None and until <= self._clock():
            self._forget(key)
            return None
        return answer

    async def keep(self, request: web.Request, key: str, answer: Kept, seconds: int) -> None:
        if _weight(answer) > self._max_bytes:
            return  # it alone would put out all others
        self._answers[key] = (self._clock() + seconds, answer)
        self._bytes += _weight(answer)
        while self._bytes > self._max_bytes:
            self._forget(next(iter(self._answers)))

    async def release(self, request: web.Request, key: str) -> None:
        """Do nothing: what one worker works on, the battery knows."""

    async def check(self, app: web.Application) -> None:
        """Do nothing: memory is always there."""

    async def close(self) -> None:
        """Do nothing: there are no connections."""

    def _forget(self, key: str) -> None:
        _, answer = self._answers.pop(key)
        self._bytes -= _weight(answer)


def _weight(answer: Kept) -> int:
    # What a record, its headers and its place in the table take, roughly.
    return len(answer.body) + 1_024
