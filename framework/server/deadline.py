"""A wait that ends, even if what is waited for does not heed its first cancellation."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, cast

logger = logging.getLogger("framework.server")

_AGAIN_AFTER = 0.2  # of the time that was given first


async def within(seconds: float, work: Coroutine[Any, Any, object], *, name: str) -> None:
    """Await work, and cancel it when its time is over, again and again until it gives way.

    The work runs in the calling task, so that what was opened there is closed there. Cancelling once is not
    enough for aiohttp's clean-up contexts: they are closed one by one, and each swallows a cancellation.
    """
    loop, task = asyncio.get_running_loop(), cast("asyncio.Task[object]", asyncio.current_task())
    before, presses = task.cancelling(), 0
    timer: asyncio.TimerHandle

    def press() -> None:
        nonlocal presses, timer
        presses += 1
        task.cancel()
        timer = loop.call_later(seconds * _AGAIN_AFTER, press)

    timer = loop.call_later(seconds, press)
    try:
        await work
    except asyncio.CancelledError:
        if not presses or task.cancelling() > before + presses:  # somebody else cancels too
            raise
    except Exception:
        if not presses:  # otherwise it is what became of the cancellation
            raise
    finally:
        timer.cancel()
        for _ in range(presses):
            task.uncancel()
        if presses:
            logger.error("Gave up waiting for %s", name, extra={"seconds": seconds})
