"""Background tasks with an owner: none outlives it, none fails unseen."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

_log = logging.getLogger("framework.tasks")

Report = Callable[[BaseException], None]


class Tasks:
    """Coroutines that run beside the requests; a handler asks for it by its type.

    Args:
        limit: How many may run at once.
        drain_seconds: How long `close` waits before it cancels those that still run.
        report: ``(error) -> None``: is told of each failure besides the log.
    """

    def __init__(
        self, *, limit: int = 1_000, drain_seconds: float = 5.0, report: Report | None = None
    ) -> None:
        self._limit = limit
        self._tell = report
        self._drain_seconds = drain_seconds
        self._running: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def start(self, work: Coroutine[Any, Any, Any], *, name: str) -> None:
        """Run a coroutine; its failure is logged under its name.

        Raises:
            RuntimeError: As many as the limit allows are running.
        """
        if len(self._running) >= self._limit:
            work.close()
            raise RuntimeError(f"{self._limit} background tasks are running; '{name}' was not started.")
        task = asyncio.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._done)

    async def close(self) -> None:
        """Wait for what runs, then cancel the rest."""
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=self._drain_seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        _report(task)
        if self._tell is not None and not task.cancelled() and (error := task.exception()) is not None:
            self._tell(error)


@asynccontextmanager
async def running(work: Coroutine[Any, Any, Any], *, name: str) -> AsyncIterator[asyncio.Task[Any]]:
    """Run a coroutine for as long as the context is open, and cancel it at its end."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_report)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _report(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("background_task_failed", exc_info=error, extra={"task": task.get_name()})
