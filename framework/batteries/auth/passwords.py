"""Passwords, kept as argon2id hashes (RFC 9106)."""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import secrets
import sys
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from typing import Any, TypeVar

from framework.batteries.auth.settings import PasswordSettings
from framework.errors import ServiceUnavailable, UnprocessableContent
from framework.problem import Fault

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 1_024

_NICENESS = 10

_log = logging.getLogger("framework.auth")

T = TypeVar("T")


class Passwords:
    """Hash and verify passwords, a few at a time, off the event loop; a handler asks for it by its type."""

    def __init__(self, settings: PasswordSettings) -> None:
        self._settings = settings
        self._nobodys_hash = _unmatchable(settings)
        self._turn = asyncio.Semaphore(settings.at_once)
        self._places = settings.at_once + settings.waiting
        self._present = 0
        self._threads = ThreadPoolExecutor(settings.at_once, "auth.passwords", initializer=_step_back)

    async def hash(self, password: str) -> str:
        """Return the hash to store; it holds its salt and its parameters.

        Raises:
            UnprocessableContent: The password is shorter than 8 or longer than 1,024 characters, or no text.
            ServiceUnavailable: Too many are waiting.
        """
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise _unfit(f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.")
        secret = _bytes(password)
        if secret is None:
            raise _unfit("The password is no text.")
        return await self._in_turn(lambda: str(self._hasher.hash(secret)))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Tell whether the password is the one behind the hash.

        Give None for a user that does not exist: it costs the same work, so that the time does not tell.

        Raises:
            ServiceUnavailable: Too many are waiting.
        """
        secret = _bytes(password) if len(password) <= LONGEST_PASSWORD else None
        if secret is None:
            return False
        stored = password_hash or self._nobodys_hash
        return await self._in_turn(lambda: self._matches(stored, secret))

    def needs_rehash(self, password_hash: str) -> bool:
        """Tell whether the hash was made with other parameters than today's; renew it at the next sign-in.

        Raises:
            ValueError: It is no argon2 hash.
        """
        return bool(self._hasher.check_needs_rehash(password_hash))

    @cached_property
    def _hasher(self) -> Any:
        # PERF: services without passwords do without; the first password imports it, in its thread.
        from argon2 import PasswordHasher, Type  # noqa: PLC0415

        return PasswordHasher(
            time_cost=self._settings.passes,
            memory_cost=self._settings.memory_kib,
            parallelism=self._settings.lanes,
            type=Type.ID,
        )

    def _matches(self, stored: str, secret: bytes) -> bool:
        from argon2 import exceptions  # noqa: PLC0415

        try:
            return bool(self._hasher.verify(stored, secret))
        except exceptions.VerifyMismatchError:
            return False
        except (exceptions.InvalidHashError, exceptions.VerificationError):
            _log.error("password_hash_unreadable")
            return False

    async def _in_turn(self, work: Callable[[], T]) -> T:
        if self._present >= self._places:
            raise ServiceUnavailable("Too many sign-ins at once.", retry_after_seconds=1)
        self._present += 1
        try:
            async with self._turn:
                # NOTE: a thread cannot be cancelled: it keeps its turn, and its memory, to the end.
                return await _finished(asyncio.get_running_loop().run_in_executor(self._threads, work))
        finally:
            self._present -= 1


def _step_back() -> None:
    """Let others go first: on Linux each thread has a priority of its own, and hashing would slow every other route."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


async def _finished(task: asyncio.Future[T]) -> T:
    """Wait for work to its end, even when cancelled meanwhile."""
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _bytes(password: str) -> bytes | None:
    """Return the password as bytes, the same however its letters are composed (RFC 8265, 4.2.2)."""
    try:
        return unicodedata.normalize("NFC", password).encode()
    except UnicodeEncodeError:
        return None


def _unfit(detail: str) -> UnprocessableContent:
    return UnprocessableContent([Fault("body", "/password", detail)])


def _unmatchable(settings: PasswordSettings) -> str:
    """Return a hash with these parameters that no password has: random bytes, whose password nobody knows."""
    salt, digest = (base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, 32))
    return f"$argon2id$v=19$m={settings.memory_kib},t={settings.passes},p={settings.lanes}${salt}${digest}"
