"""Background tasks end with their owner, and their failures are seen."""

from __future__ import annotations

import asyncio
import logging

import pytest

from framework.tasks import Tasks, running


async def test_a_task_is_waited_for_when_its_owner_closes() -> None:
    done: list[int] = []

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.append(1)

    tasks = Tasks()
    tasks.start(work(), name="work")
    assert len(tasks) == 1
    await tasks.close()

    assert done == [1]
    assert len(tasks) == 0


async def test_a_task_that_takes_too_long_is_cancelled() -> None:
    cancelled: list[int] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(1)
            raise

    tasks = Tasks(drain_seconds=0.01)
    tasks.start(work(), name="work")
    await tasks.close()

    assert cancelled == [1]


async def test_a_failure_is_logged_under_the_task_s_name(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        raise RuntimeError("no luck")

    tasks = Tasks()
    with caplog.at_level(logging.ERROR, "framework.tasks"):
        tasks.start(work(), name="luck")
        await tasks.close()
        await asyncio.sleep(0)

    assert [(record.message, record.__dict__["task"]) for record in caplog.records] == [
        ("background_task_failed", "luck")
    ]


async def test_more_tasks_than_the_limit_are_refused() -> None:
    tasks = Tasks(limit=1)
    tasks.start(asyncio.sleep(0), name="first")

    with pytest.raises(RuntimeError, match="'second' was not started"):
        tasks.start(asyncio.sleep(0), name="second")

    await tasks.close()


async def test_a_running_task_lives_as_long_as_its_context() -> None:
    async with running(asyncio.sleep(60), name="sleep") as task:
        assert not task.done()

    assert task.cancelled()
