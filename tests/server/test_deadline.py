"""A wait that ends."""

from __future__ import annotations

import asyncio

import pytest

from framework.server.deadline import within


async def test_work_that_is_done_in_time_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    done = []

    async def work() -> None:
        await asyncio.sleep(0)
        done.append(True)

    await within(60, work(), name="the work")

    assert done == [True]
    assert caplog.messages == []


async def test_an_error_of_the_work_is_raised() -> None:
    async def work() -> None:
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        await within(60, work(), name="the work")


async def test_work_that_swallows_cancellations_is_cancelled_again(caplog: pytest.LogCaptureFixture) -> None:
    swallowed = 0

    async def work() -> None:
        nonlocal swallowed
        for _ in range(3):
            try:
                await asyncio.sleep(3)
            except asyncio.CancelledError:
                swallowed += 1

    await within(0.05, work(), name="the work")
    await asyncio.sleep(0.05)

    assert swallowed == 3
    assert caplog.messages == ["Gave up waiting for the work"]


async def test_what_becomes_of_a_cancellation_is_not_raised() -> None:
    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise KeyError("half done")

    await within(0.01, work(), name="the work")

    assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]


async def test_somebody_else_may_cancel_the_wait() -> None:
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(within(60, work(), name="the work"))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert task.cancelled()


async def test_a_wait_within_something_that_is_cancelled_ends_by_itself() -> None:
    order = []

    async def hang() -> None:
        await asyncio.Event().wait()

    async def outer() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await within(0.01, hang(), name="the clean-up")
            order.append("cleaned")

    task = asyncio.create_task(outer())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert order == ["cleaned"]
