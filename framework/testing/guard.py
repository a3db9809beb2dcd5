"""What a test must not leave behind, and must not do to the event loop."""

from __future__ import annotations

import asyncio
import gc
import time
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_LONGEST_BLOCK_SECONDS = 0.5
_TICK_SECONDS = 0.02
_PATIENCE_SECONDS = 0.5


@asynccontextmanager
async def leaving_nothing() -> AsyncIterator[None]:
    """Watch what runs inside.

    Raises:
        AssertionError: It left tasks or open sockets and files behind, or kept the event loop for half a second.
    """
    before = asyncio.all_tasks()
    ticking = asyncio.ensure_future(_longest_block())
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always", ResourceWarning)
        yield
        left = await _tasks_left(before | {ticking})
        gc.collect()
    ticking.cancel()
    faults = [f"task {each.get_name()}: {each.get_coro()}" for each in left]
    faults += [str(each.message) for each in found if issubclass(each.category, ResourceWarning)]
    blocked = await asyncio.gather(ticking, return_exceptions=True)
    longest = max((each for each in blocked if isinstance(each, float)), default=0.0)
    if longest > _LONGEST_BLOCK_SECONDS:
        faults.append(f"the event loop was kept for {longest:.2f} s: something waits without await")
    if faults:
        raise AssertionError("The test left behind:\n" + "\n".join(faults))


async def _longest_block() -> float:
    """Tick until it is cancelled, and return by how much the latest tick was late."""
    longest = 0.0
    try:
        while True:
            started = time.perf_counter()
            await asyncio.sleep(_TICK_SECONDS)
            longest = max(longest, time.perf_counter() - started - _TICK_SECONDS)
    except asyncio.CancelledError:
        return longest


async def _tasks_left(known: set[asyncio.Task[object]]) -> set[asyncio.Task[object]]:
    """Return the tasks that are there still after a moment in which they may end."""
    left = asyncio.all_tasks() - known - {asyncio.current_task()}
    return (await asyncio.wait(left, timeout=_PATIENCE_SECONDS))[1] if left else left
