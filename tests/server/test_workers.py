"""Several processes, started by ``run_workers`` or by gunicorn itself: the same server in each.

NOTE: a signal that reaches a worker between its fork and its first lines is lost, in gunicorn as such; so wait until
all workers have started before you send one.
"""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from framework.errors import ConfigurationError
from framework.server.worker import find_factory
from tests.server.processes import Process, command, process

pytestmark = pytest.mark.process

RUN = "run_workers('services:build', SETTINGS)"
GUNICORN = (
    "gunicorn",
    "--no-control-socket",
    "--bind=127.0.0.1:{port}",
    "--worker-class=framework.server.worker.Worker",
)


async def pids(running: Process, count: int) -> set[int]:
    """Ask until so many workers have answered."""
    found: set[int] = set()
    async with asyncio.timeout(20):
        while len(found) < count:
            found.add(int((await running.get("/pid")).body))
    return found


async def test_two_workers_serve_and_a_killed_one_is_replaced(tmp_path: Path) -> None:
    async with process(tmp_path, RUN) as running:
        await running.says("opened", times=2)
        first, second = await pids(running, 2)
        os.kill(first, signal.SIGKILL)
        await running.says("opened", times=3)
        later = await pids(running, 2)

    assert first not in later
    assert second in later


async def test_sigterm_finishes_the_request_in_progress(tmp_path: Path) -> None:
    async with process(tmp_path, RUN) as running:
        await running.says("opened", times=2)
        slow = asyncio.create_task(running.get("/slow?seconds=1"))
        await running.says("slow")
        running.send(signal.SIGTERM)
        answer = await slow
        code = await running.ends()

    assert answer.status == 200
    assert answer.headers["connection"] == "close"
    assert code == 0
    assert running.output.splitlines().count("closed") == 2


@pytest.mark.guarantee("graceful stop")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
async def test_a_quick_shutdown_does_not_wait_for_requests(number: signal.Signals, tmp_path: Path) -> None:
    async with process(tmp_path, RUN) as running:
        await running.says("opened", times=2)
        slow = asyncio.create_task(running.get("/slow?seconds=60"))
        await running.says("slow")
        running.send(number)
        code = await running.ends()
        slow.cancel()

    assert code == 0
    assert running.output.splitlines().count("closed") == 2


@pytest.mark.parametrize(
    ("factory", "reason"),
    [
        ("build_that_fails", "no configuration"),
        ("build_that_cannot_start", "no database"),
        ("build_nothing", "The factory returned NoneType"),
        ("missing", "has no function missing"),
    ],
)
async def test_a_service_that_cannot_start_ends_instead_of_trying_for_ever(
    factory: str, reason: str, tmp_path: Path
) -> None:
    async with process(tmp_path, f"run_workers('services:{factory}', SETTINGS)") as running:
        code = await running.ends()

    assert code != 0
    assert reason in running.output


async def test_a_signal_during_start_up_ends_the_workers_without_a_traceback(tmp_path: Path) -> None:
    async with process(tmp_path, RUN.replace("build", "build_that_never_starts")) as running:
        await running.says("connecting", times=2)
        running.send(signal.SIGTERM)
        code = await running.ends()

    assert code == 0
    assert "Traceback" not in running.output
    assert running.output.splitlines().count("closed") == 2


async def test_a_worker_is_replaced_after_its_share_of_requests(tmp_path: Path) -> None:
    async with process(tmp_path, RUN, more="worker_requests=3") as running:
        await pids(running, 2)
        for _ in range(12):
            await running.get("/pid")
        await running.says("Worker replaces itself")
        await running.says("opened", times=3)
        answer = await running.get("/pid")

    assert answer.status == 200
    assert "exited with code" not in running.output


async def test_a_worker_whose_loop_is_stuck_is_replaced_and_says_where(tmp_path: Path) -> None:
    async with process(tmp_path, RUN, more="worker_timeout_seconds=2") as running:
        await running.says("opened", times=2)
        stuck = asyncio.create_task(running.get("/stuck"))
        await running.says("Worker stuck here")
        await running.says("opened", times=3)
        stuck.cancel()

    assert "time.sleep(60)" in running.output


async def test_sighup_replaces_the_workers_without_losing_a_request(tmp_path: Path) -> None:
    async with process(tmp_path, RUN) as running:
        before = await pids(running, 2)
        slow = asyncio.create_task(running.get("/slow?seconds=1"))
        await running.says("slow")
        running.send(signal.SIGHUP)
        await running.says("opened", times=4)
        answer = await slow
        await running.says("closed", times=2)
        after = await pids(running, 2)

    assert answer.status == 200
    assert not before & after


async def test_a_worker_whose_parent_is_gone_stops(tmp_path: Path) -> None:
    async with process(tmp_path, RUN) as running:
        await running.says("opened", times=2)
        running.send(signal.SIGKILL)
        await running.says("closed", times=2)

    assert running.output.count("its parent is gone") == 2


@pytest.mark.parametrize("name", ["services:build()", "services:build", "services:build_later"])
async def test_gunicorn_starts_the_same_worker(name: str, tmp_path: Path) -> None:
    async with command(tmp_path, *GUNICORN, "--workers=2", name) as running:
        await running.says("opened", times=2)
        slow = asyncio.create_task(running.get("/slow?seconds=0.5"))
        await running.says("slow")
        running.send(signal.SIGTERM)
        answer = await slow
        code = await running.ends()

    assert answer.status == 200
    assert "server" not in answer.headers
    assert code == 0
    assert "closed" in running.output


async def test_the_graceful_timeout_of_gunicorn_bounds_the_stop(tmp_path: Path) -> None:
    async with command(tmp_path, *GUNICORN, "--graceful-timeout=2", "services:build") as running:
        slow = asyncio.create_task(running.get("/slow?seconds=60"))
        await running.says("slow")
        running.send(signal.SIGTERM)
        code = await running.ends()
        slow.cancel()

    assert code == 0
    assert "closed" in running.output


@pytest.mark.parametrize("name", ["services", "services:", ":build", ""])
def test_the_name_of_a_factory_is_a_module_and_a_function(name: str) -> None:
    with pytest.raises(ConfigurationError, match="module:function"):
        find_factory(name)
