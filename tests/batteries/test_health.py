"""Probes learn whether the process lives and is ready, at a cost that does not grow with their number."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from framework.app import ServiceSettings, create_app
from framework.batteries import health, problems
from framework.batteries.health import HealthSettings, Readiness, failures_of
from framework.battery import Battery, Check, Degraded
from framework.context import ENDPOINTS
from framework.errors import ConfigurationError
from framework.marks import Public, Quiet, Unlimited
from framework.server.lifecycle import LIFECYCLE, Phase
from framework.testing import Serve


class Part:
    """Be a battery whose check counts its runs and fails on demand."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.runs = 0

    async def check(self, app: web.Application) -> None:
        self.runs += 1
        if self.error is not None:
            raise self.error


async def hang(app: web.Application) -> None:
    await asyncio.Event().wait()


def service(settings: HealthSettings | None = None, **checks: Check) -> web.Application:
    parts = [Battery(name=name, check=check) for name, check in checks.items()]
    batteries = [problems.battery(), *parts, health.battery(settings)]
    return create_app(ServiceSettings(), routes=[], batteries=batteries)


async def test_a_service_that_runs_is_alive_whatever_its_parts_say(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(service(database=Part(OSError()).check))

    async with client.get(url / "health/live") as response:
        body = await response.json()

    assert (response.status, body) == (200, {"status": "alive"})
    assert response.headers["Cache-Control"] == "no-store"


async def test_a_service_is_ready_when_every_check_passes(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    part = Part()
    url = await serve(service(database=part.check, cache=Part().check))

    async with client.get(url / "health/ready") as response:
        body = await response.json()

    assert (response.status, body, part.runs) == (200, {"status": "ready"}, 1)
    assert response.headers["Cache-Control"] == "no-store"


async def test_a_failing_check_is_named_and_its_details_go_to_the_log(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    checks = {
        "database": Part(OSError("password wrong for db-7")).check,
        "cache": Part().check,
        "queue": hang,
    }
    url = await serve(service(HealthSettings(check_seconds=0.1), **checks))

    async with client.get(url / "health/ready") as response:
        text, problem = await response.text(), await response.json(content_type="application/problem+json")

    assert (response.status, problem["failing"]) == (503, ["database", "queue"])
    assert "db-7" not in text
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Retry-After"] == "1"
    told = {vars(record)["check"]: vars(record)["error"] for record in logged(caplog)}
    assert told == {"database": "OSError('password wrong for db-7')", "queue": "TimeoutError()"}


def logged(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name == "framework.health"]


async def test_many_probes_make_no_more_work_than_one(serve: Serve, client: aiohttp.ClientSession) -> None:
    part = Part()
    url = await serve(service(HealthSettings(cache_seconds=60), database=part.check))

    async def probe() -> int:
        async with client.get(url / "health/ready") as response:
            return response.status

    statuses = await asyncio.gather(*(probe() for _ in range(20)))

    assert (set(statuses), part.runs) == ({200}, 1)


async def test_an_answer_is_good_for_a_moment_only_and_changes_are_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now, part = [0.0], Part(OSError("down"))
    readiness = Readiness(checks={"database": bound(part)}, settings=HealthSettings(), clock=lambda: now[0])

    seen = []
    for now[0], part.error in (
        (0.0, OSError("down")),
        (0.9, None),
        (1.0, OSError("down")),
        (2.0, None),
        (3.0, None),
    ):
        seen.append((list(await readiness.failing()), part.runs))

    assert seen == [(["database"], 1), (["database"], 1), (["database"], 2), ([], 3), ([], 4)]
    assert [record.getMessage() for record in logged(caplog)] == ["check_failed", "check_recovered"]


def bound(part: Part) -> Callable[[], Any]:
    return lambda: part.check(web.Application())


async def test_checks_run_at_the_same_time() -> None:
    met = asyncio.Barrier(3)

    async def meet() -> None:
        await met.wait()

    failures = await failures_of({"a": meet, "b": meet, "c": meet}, seconds=5)

    assert failures == {}


async def test_a_service_that_stops_is_not_ready(serve: Serve, client: aiohttp.ClientSession) -> None:
    part = Part()
    app = service(database=part.check)
    url = await serve(app)
    app[LIFECYCLE].phase = Phase.DRAINING

    async with client.get(url / "health/ready") as response:
        problem = await response.json(content_type="application/problem+json")
    async with client.get(url / "health/live") as response:
        alive = response.status

    assert (problem["status"], problem["detail"]) == (503, "The service is stopping.")
    assert (alive, part.runs) == (200, 0)


async def test_it_is_ready_on_a_server_that_tells_nothing_of_phases(client: aiohttp.ClientSession) -> None:
    runner = web.AppRunner(service())
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with client.get(f"http://127.0.0.1:{runner.addresses[0][1]}/health/ready") as response:
            status = response.status
    finally:
        await runner.cleanup()

    assert status == 200


def test_anybody_may_ask_and_it_is_no_news() -> None:
    app = service(HealthSettings(live_path="/alive", ready_path="/ready", startup_path="/started"))

    marks = {endpoint.path: {type(mark) for mark in endpoint.marks} for endpoint in app[ENDPOINTS]}

    assert all({Public, Quiet, Unlimited} <= marks[path] for path in ("/alive", "/ready", "/started"))


async def test_without_a_cache_each_probe_asks_anew(serve: Serve, client: aiohttp.ClientSession) -> None:
    part = Part()
    url = await serve(service(HealthSettings(cache_seconds=0), database=part.check))

    for _ in range(2):
        async with client.get(url / "health/ready") as response:
            await response.read()

    assert part.runs == 2


@pytest.mark.parametrize("settings", [{"check_seconds": 0}, {"cache_seconds": -1}])
def test_wrong_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="_seconds"):
        HealthSettings(**settings)


async def test_a_part_that_works_badly_or_is_optional_makes_a_service_degraded_and_not_down(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    checks = {
        "cache": Part(Degraded("slow")).check,
        "mail": Part(OSError("gone")).check,
        "database": Part().check,
    }
    url = await serve(service(HealthSettings(optional=("mail",)), **checks))

    async with client.get(url / "health/ready") as response:
        body = await response.json()

    assert (response.status, body) == (200, {"status": "degraded", "degraded": ["cache", "mail"]})
    assert response.headers["Cache-Control"] == "no-store"


async def test_a_group_is_asked_after_by_its_name_and_at_no_cost_of_its_own(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    broken, sound = Part(OSError("down")), Part()
    groups = {"reading": ("replica",), "writing": ("database", "replica")}
    settings = HealthSettings(groups=groups, cache_seconds=60)
    url = await serve(service(settings, database=broken.check, replica=sound.check))

    statuses = {}
    for path in ("", "/reading", "/writing", "/made-up"):
        async with client.get(f"{url}/health/ready{path}") as response:
            statuses[path] = response.status

    assert statuses == {"": 503, "/reading": 200, "/writing": 503, "/made-up": 404}
    assert (broken.runs, sound.runs) == (1, 1)


async def test_a_start_is_over_when_the_server_says_so(serve: Serve, client: aiohttp.ClientSession) -> None:
    app = service(database=Part(OSError()).check)
    url = await serve(app)

    async with client.get(url / "health/startup") as response:
        started = (response.status, await response.json())
    app[LIFECYCLE].phase = Phase.STARTING
    async with client.get(url / "health/startup") as response:
        starting = response.status

    assert (started, starting) == ((200, {"status": "started"}), 503)


@pytest.mark.parametrize("wrong", [{"optional": ("databse",)}, {"groups": {"reading": ("databse",)}}])
def test_a_check_that_is_not_there_is_refused_with_those_that_are(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"names databse; there are database, health, problems"):
        service(HealthSettings(**wrong), database=Part().check)
