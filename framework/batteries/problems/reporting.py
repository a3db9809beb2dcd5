"""Reports of unexpected exceptions to an error tracker, beside the requests: none delays or breaks a response."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from aiohttp import web

from framework.tasks import Tasks

Hook = Callable[[BaseException, web.Request | None], Awaitable[None] | None]

_MOST_AT_ONCE = 16
_LONGEST_SECONDS = 10.0
_DRAIN_SECONDS = 2.0

_log = logging.getLogger("framework.problems")


class Reporter:
    """The way to an error tracker, for so many errors at once and so long for each.

    Args:
        hook: ``report(error, request or None)``. It is called in a thread, and awaited in the loop if it is
            asynchronous.
        seconds: How long one report may take.
        at_once: How many may be on their way; the log keeps what is beyond.
    """

    def __init__(
        self, hook: Hook, *, seconds: float = _LONGEST_SECONDS, at_once: int = _MOST_AT_ONCE
    ) -> None:
        self._hook = hook
        self._seconds = seconds
        self._tasks = Tasks(limit=at_once, drain_seconds=_DRAIN_SECONDS)
        self._threads = threading.BoundedSemaphore(at_once)

    def __call__(self, error: BaseException, request: web.Request | None) -> None:
        """Begin to report an error."""
        try:
            self._tasks.start(self._report(error, request), name="problems.report")
        except RuntimeError:
            _log.warning("error_not_reported", extra={"error": repr(error), "why": "too many at once"})

    async def close(self) -> None:
        """Wait a moment for the reports that are on their way."""
        await self._tasks.close()

    async def _report(self, error: BaseException, request: web.Request | None) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                pending = await self._called(error, request)
                if inspect.isawaitable(pending):
                    await pending
        except Exception as failure:  # noqa: BLE001 - the log has the error itself; what is lost is the report
            _log.warning("error_not_reported", extra={"error": repr(error), "why": repr(failure)})

    async def _called(self, error: BaseException, request: web.Request | None) -> Any:
        """Call the hook in a thread of its own, and return what it returns: of an asynchronous one, what to await.

        NOTE: not in the loop's executor, which files and names of hosts wait for, and whose threads would keep the
        process from ending.
        """
        if not self._threads.acquire(blocking=False):
            raise RuntimeError("too many at once")
        loop = asyncio.get_running_loop()
        called: asyncio.Future[Any] = loop.create_future()
        context = contextvars.copy_context()

        def call() -> None:
            result: Any = None
            failure: BaseException | None = None
            try:
                result = context.run(self._hook, error, request)
            except BaseException as raised:  # noqa: BLE001 - it belongs to whoever waits
                failure = raised
            self._threads.release()
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_settle, called, result, failure)

        threading.Thread(target=call, name="problems.report", daemon=True).start()
        return await called


def _settle(called: asyncio.Future[Any], result: Any, failure: BaseException | None) -> None:
    if called.cancelled():
        return
    if failure is None:
        called.set_result(result)
    else:
        # NOTE: a future takes no StopIteration, and nobody wants a KeyboardInterrupt out of one.
        called.set_exception(RuntimeError(repr(failure)))
