"""Metrics tell how a service fares, of all its workers together, and of no path that a client has made up."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as families

from framework import RouteTableDef, ServiceSettings, create_app, public, standard
from framework.batteries import metrics
from framework.batteries.metrics import MetricsSettings
from framework.errors import ConfigurationError
from framework.secrets import Secret
from framework.testing import Serve
from tests.ports import free_port

TOKEN = "a-token-for-scrapers"
SCRAPER = {"Authorization": f"Bearer {TOKEN}"}
OPEN = {**SCRAPER, "Accept": "application/openmetrics-text; version=1.0.0"}
COUNT = "http_server_request_duration_seconds_count"


def service(registry: CollectorRegistry | None = None, token: str | None = TOKEN) -> web.Application:
    routes = RouteTableDef()

    @routes.get("/items/{number}")
    @public
    async def item(number: int) -> dict[str, int]:
        return {"number": number}

    @routes.post("/items")
    @public
    async def fail() -> None:
        raise RuntimeError("broken")

    @routes.get("/stream")
    @public
    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x")
        return response

    settings = ServiceSettings()
    mine = MetricsSettings(token=None if token is None else Secret(token), lag_seconds=0.01)
    battery = metrics.battery(mine, registry=registry or CollectorRegistry())
    return create_app(settings, routes=[routes], batteries=[battery, *standard(settings)])


async def samples(client: aiohttp.ClientSession, url: object) -> dict[tuple[str, tuple[str, ...]], float]:
    async with client.get(f"{url}/metrics", headers=SCRAPER) as response:
        text = await response.text()
    assert response.status == 200, text
    return {
        (sample.name, tuple(value for name, value in sample.labels.items() if name != "worker")): sample.value
        for family in families(text)
        for sample in family.samples
    }


async def send(client: aiohttp.ClientSession, url: object, method: str, *paths: str) -> None:
    for path in paths:
        async with client.request(method, f"{url}{path}") as response:
            await response.read()


async def test_requests_are_counted_by_route_method_and_class_of_status(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = str(await serve(service())).rstrip("/")

    await send(client, url, "GET", "/items/1", "/items/2", "/items/none", "/stream")
    await send(client, url, "POST", "/items")
    found = await samples(client, url)

    assert found[COUNT, ("GET", "/items/{number}", "2xx")] == 2
    assert found[COUNT, ("GET", "/items/{number}", "4xx")] == 1
    assert found[COUNT, ("POST", "/items", "5xx")] == 1
    assert found[COUNT, ("GET", "/stream", "2xx")] == 1
    assert found["http_server_validation_failures_total", ("/items/{number}",)] == 1
    assert found["http_server_active_requests", ("/metrics",)] == 1
    assert found["http_server_active_requests", ("/items/{number}",)] == 0


async def test_what_matches_no_route_is_one_label_however_it_is_spelt(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = str(await serve(service())).rstrip("/")

    await send(client, url, "GET", *(f"/made/up/{number}" for number in range(5)))
    await send(client, url, "POST", "/made")
    found = await samples(client, url)

    unmatched = {
        labels: value for (name, labels), value in found.items() if name == COUNT and "unmatched" in labels
    }
    assert unmatched == {("GET", "unmatched", "4xx"): 5, ("POST", "unmatched", "4xx"): 1}


async def test_a_bucket_shows_the_id_of_a_request_that_was_in_it(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = str(await serve(service())).rstrip("/")

    async with client.get(f"{url}/items/1", headers={"X-Request-ID": "look-at-me"}) as response:
        await response.read()
    async with client.get(f"{url}/metrics", headers=OPEN) as response:
        text = await response.text()

    shown = [
        sample.exemplar.labels
        for family in open_metrics(text)  # type: ignore[no-untyped-call]
        for sample in family.samples
        if sample.exemplar and sample.labels["route"] == "/items/{number}"
    ]
    assert shown == [{"request_id": "look-at-me"}]
    assert response.headers["Content-Type"].startswith("application/openmetrics-text")
    assert text.endswith("# EOF\n")


async def test_a_services_own_metrics_are_those_of_the_library(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    registry = CollectorRegistry()
    Counter("orders", "Orders.", ["kind"], registry=registry).labels("big").inc(3)
    url = await serve(service(registry))

    found = await samples(client, str(url).rstrip("/"))

    assert found["orders_total", ("big",)] == 3


async def test_a_loop_that_was_blocked_is_seen(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = str(await serve(service())).rstrip("/")

    await asyncio.sleep(0.1)
    found = await samples(client, url)

    assert found["event_loop_lag_seconds_count", ()] >= 1


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer ü"}])
async def test_without_the_token_nothing_is_shown(
    headers: dict[str, str], serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(service())

    async with client.get(url / "metrics", headers=headers) as response:
        text = await response.text()

    assert (response.status, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "http_server" not in text


async def test_by_default_the_services_own_port_shows_none(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(service(token=None))

    async with client.get(url / "metrics", headers=SCRAPER) as response:
        status = response.status

    assert status == 404


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"path": "metrics"}, "path must begin"),
        ({"token": Secret("short")}, "token must have"),
        ({"buckets_seconds": (1.0, 0.5)}, "buckets_seconds must"),
        ({"buckets_seconds": ()}, "buckets_seconds must"),
        ({"lag_seconds": 0}, "lag_seconds must"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        MetricsSettings(**wrong)  # type: ignore[arg-type]


WORKERS = f"""
import os
from prometheus_client import Counter, Gauge
from framework import RouteTableDef, Secret, ServiceSettings, create_app, public, standard
from framework.batteries import metrics
from framework.batteries.metrics import MetricsSettings
from framework.server import ServerSettings
from framework.server.worker import run_workers

SETTINGS = ServerSettings(port={{port}}, workers=2, stop_seconds=5)
SEEN, PID = Counter("seen", "Seen."), Gauge("worker_pid", "The process.")
routes = RouteTableDef()

@routes.get("/pid")
@public
async def pid() -> int:
    SEEN.inc()
    PID.set(os.getpid())
    return os.getpid()

def build():
    settings = ServiceSettings()
    mine = metrics.battery(MetricsSettings(token=Secret("{TOKEN}")))
    return create_app(settings, routes=[routes], batteries=[mine, *standard(settings)])

if __name__ == "__main__":
    run_workers(build, SETTINGS)
"""


@asynccontextmanager
async def two_workers(folder: Path) -> AsyncIterator[str]:
    """Start two workers; the address of both."""
    port = free_port()
    (folder / "workers.py").write_text(WORKERS.replace("{port}", str(port)), "utf-8")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "workers.py",
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TMPDIR": str(folder)},
        start_new_session=True,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        await process.wait()


async def pids(url: str, count: int) -> list[int]:
    """Ask on new connections until so many workers have answered; every answer there was."""
    found: list[int] = []
    async with asyncio.timeout(30):
        while len(set(found)) < count or len(found) < 10:
            try:
                async with aiohttp.request("GET", f"{url}/pid") as response:
                    found.append(await response.json())
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05)
    return found


def folder_of(folder: Path) -> list[Path]:
    return [*folder.glob("framework-*")]


@pytest.mark.process
async def test_several_workers_are_counted_together_and_a_killed_one_is_not_forgotten(
    tmp_path: Path, client: aiohttp.ClientSession
) -> None:
    async with two_workers(tmp_path) as url:
        asked = await pids(url, 2)
        before = await samples(client, url)
        os.kill(asked[0], signal.SIGKILL)
        await asyncio.sleep(0.5)
        more = await pids(url, 2)
        after = await samples(client, url)

    key = (COUNT, ("GET", "/pid", "2xx"))
    assert before[key] == before["seen_total", ()] == len(asked)
    assert after[key] == after["seen_total", ()] == len(asked) + len(more)
    assert [path.name for path in folder_of(tmp_path)] == []


@pytest.mark.process
async def test_what_rises_and_falls_is_told_of_each_worker(
    tmp_path: Path, client: aiohttp.ClientSession
) -> None:
    async with two_workers(tmp_path) as url:
        asked = await pids(url, 2)
        async with client.get(f"{url}/metrics", headers=SCRAPER) as response:
            text = await response.text()

    told = {
        sample.labels["worker"]: sample.value
        for family in families(text)
        for sample in family.samples
        if sample.name == "worker_pid"
    }
    assert told.keys() == {"1", "2"}
    assert {*told.values()} == {*asked}
