"""The management port tells those who operate a service what it does, and nobody else."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from click.testing import CliRunner

from framework import RouteTableDef, ServiceSettings, create_app, inserted, public, standard
from framework.batteries import metrics
from framework.batteries.client import ClientSettings
from framework.batteries.management import ManagementSettings
from framework.battery import Battery
from framework.cli import main
from framework.errors import ConfigurationError
from framework.secrets import Secret
from framework.settings import load
from framework.testing import Serve
from tests.ports import free_port

TOKEN = "a-token-for-operators"
ROOT = Path(__file__).parents[2]


def service(settings: ServiceSettings, *more: Battery) -> web.Application:
    routes = RouteTableDef()

    @routes.get("/items/{number}")
    @public
    async def item(number: int) -> int:
        return number

    @routes.get("/wait")
    @public
    async def wait() -> None:
        await asyncio.sleep(60)

    return create_app(settings, routes=[routes], batteries=[*standard(settings), *more])


def managed(**changes: Any) -> ServiceSettings:
    return ServiceSettings(management=ManagementSettings(port=free_port(), **changes))


async def ask(client: aiohttp.ClientSession, settings: ServiceSettings, path: str) -> tuple[int, Any]:
    async with client.get(f"http://127.0.0.1:{settings.management.port}/{path}") as response:
        return response.status, await response.json()


async def test_each_report_is_told_by_number_of_worker(serve: Serve, client: aiohttp.ClientSession) -> None:
    settings = managed()
    await serve(service(settings))

    _, index = await ask(client, settings, "")
    told = {name: await ask(client, settings, name) for name in index["reports"]}

    assert {*told} == {
        *(
            "exchanges",
            "health",
            "load",
            "loggers",
            "pulse",
            "routes",
            "settings",
            "tasks",
            "upstreams",
            "versions",
        )
    }
    assert {status for status, _ in told.values()} == {200}
    assert {tuple(body["workers"]) for _, body in told.values()} == {("1",)}
    routes = told["routes"][1]["workers"]["1"]
    assert [each["marks"] for each in routes if each["path"] == "/items/{number}"] == [["Public()"]]
    assert told["versions"][1]["workers"]["1"]["packages"]["aiohttp"]["wanted"].startswith("<3.15")


async def test_a_service_has_no_such_port_unless_it_is_named(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    settings = ServiceSettings()
    url = await serve(service(settings))

    async with client.get(url / "settings") as response:
        status = response.status

    assert status == 404
    assert "management" not in {battery.name for battery in standard(settings)}


async def test_settings_tell_their_origin_and_no_secret(
    serve: Serve, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "0123456789abcdefghijklmnopqrstuvwxyz-key"
    environ = {"NAME": "shop", "AUTH_KEYS": key, "LOGS_LEVEL": "warning", "MANAGEMENT_PORT": str(free_port())}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    settings = replace(load(ServiceSettings), client=ClientSettings())
    settings = replace(settings, logs=replace(settings.logs, level="error"))
    await serve(service(settings))

    _, body = await ask(client, settings, "settings")

    told = {name: (each["value"], each["origin"]) for name, each in body["workers"]["1"].items()}
    assert told["NAME"] == ("shop", "environment")
    assert told["AUTH_KEYS"] == ("***", "environment")
    assert told["SESSIONS_KEYS"] == ("***", "code")
    assert told["LOGS_LEVEL"] == ("error", "code")
    assert told["SERVER_PORT"][1] == "default"
    assert key not in str(body)


async def test_the_last_exchanges_are_told_without_what_may_be_secret(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    settings = managed(exchanges=2)
    url = await serve(service(settings))

    for path in ("items/1", "items/2?token=secret", "nowhere", "health/live"):
        async with client.get(f"{url}/{path}", headers={"X-Request-ID": "mine"}) as response:
            await response.read()
    _, body = await ask(client, settings, "exchanges")

    last = body["workers"]["1"]
    assert [(each["path"], each["route"], each["status"]) for each in last] == [
        ("/nowhere", "", 404),
        ("/items/2", "/items/{number}", 200),
    ]
    assert last[0]["request_id"] == "mine"
    assert "secret" not in str(body)


async def test_tasks_tell_where_they_wait(serve: Serve, client: aiohttp.ClientSession) -> None:
    settings = managed()
    url = await serve(service(settings))

    waiting = asyncio.ensure_future(client.get(url / "wait"))
    await asyncio.sleep(0.1)
    _, body = await ask(client, settings, "tasks")
    waiting.cancel()

    stacks = [" ".join(each["stack"]) for each in body["workers"]["1"]]
    assert any("service.<locals>.wait" in stack for stack in stacks)


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    logger = logging.getLogger("shop.orders")
    yield logger
    logger.setLevel(logging.NOTSET)


async def test_a_logger_is_given_a_level_while_the_service_runs(
    serve: Serve, client: aiohttp.ClientSession, logger: logging.Logger
) -> None:
    settings = managed()
    await serve(service(settings))
    url = f"http://127.0.0.1:{settings.management.port}/loggers/shop.orders"

    answers = []
    for level in ("debug", "loud", None, 5):
        async with client.put(url, json={"level": level}) as response:
            answers.append((response.status, logger.level))

    assert answers == [
        (200, logging.DEBUG),
        (400, logging.DEBUG),
        (200, logging.NOTSET),
        (400, logging.NOTSET),
    ]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"level": "debug", "more": 1}', b""])
async def test_a_body_that_is_no_level_is_a_bad_request(
    body: bytes, serve: Serve, client: aiohttp.ClientSession
) -> None:
    settings = managed()
    await serve(service(settings))

    async with client.put(f"http://127.0.0.1:{settings.management.port}/loggers/shop", data=body) as response:
        status = response.status

    assert status == 400


async def test_health_tells_why_and_its_status_is_for_probes(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    async def check(app: web.Application) -> None:
        raise OSError("no route to db-7")

    settings = managed()
    await serve(service(settings, Battery(name="database", check=check)))

    status, body = await ask(client, settings, "health")

    assert status == 503
    assert body["workers"]["1"]["checks"]["database"] == "OSError('no route to db-7')"


async def test_metrics_are_shown_there_without_a_token_of_their_own(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    settings = managed()
    stack = inserted(standard(settings), metrics.battery(), after="management")
    await serve(create_app(settings, routes=[], batteries=stack))

    async with client.get(f"http://127.0.0.1:{settings.management.port}/metrics") as response:
        text = await response.text()

    assert "event_loop_lag_seconds_count" in text


@pytest.mark.parametrize("headers", [{"Host": "rebound.example"}, {"Origin": "https://elsewhere.example"}])
async def test_without_a_token_pages_in_a_browser_are_refused(
    headers: dict[str, str], serve: Serve, client: aiohttp.ClientSession
) -> None:
    settings = managed()
    await serve(service(settings))

    async with client.get(
        f"http://127.0.0.1:{settings.management.port}/settings", headers=headers
    ) as response:
        status = response.status

    assert status == 403


async def test_with_a_token_nothing_is_told_without_it(serve: Serve, client: aiohttp.ClientSession) -> None:
    settings = managed(token=Secret(TOKEN))
    await serve(service(settings))

    statuses = []
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Bearer {TOKEN}"}):
        async with client.get(
            f"http://127.0.0.1:{settings.management.port}/settings", headers=headers
        ) as response:
            statuses.append(response.status)

    assert statuses == [401, 401, 200]


async def test_what_is_not_there_is_not_found(serve: Serve, client: aiohttp.ClientSession) -> None:
    settings = managed()
    await serve(service(settings))

    answers = [(await ask(client, settings, path))[0] for path in ("made-up", "a/b", "tasks?worker=7")]

    assert answers == [404, 404, 404]


async def test_a_port_that_is_taken_is_named(serve: Serve) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        settings = ServiceSettings(management=ManagementSettings(port=taken.getsockname()[1]))

        with pytest.raises(ConfigurationError, match="MANAGEMENT_PORT"):
            await serve(service(settings))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"host": "0.0.0.0"}, "set a token"),
        ({"host": "internal.example"}, "set a token"),
        ({"port": 70_000}, "port must"),
        ({"token": Secret("short")}, "token must"),
        ({"exchanges": 0}, "exchanges must"),
    ],
)
def test_settings_that_would_open_it_to_others_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        ManagementSettings(**wrong)


async def test_the_command_shows_the_same(
    serve: Serve, client: aiohttp.ClientSession, logger: logging.Logger
) -> None:
    settings = managed(token=Secret(TOKEN))
    await serve(service(settings))
    environ = {"MANAGEMENT_PORT": str(settings.management.port), "MANAGEMENT_TOKEN": TOKEN}

    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, ["inspect", *arguments], env=environ)
        return done.exit_code, done.output

    index = await asyncio.to_thread(run)
    level = await asyncio.to_thread(run, "--set", "shop.orders=debug")
    unknown = await asyncio.to_thread(run, "made-up")

    assert index[0] == level[0] == 0
    assert '"exchanges"' in index[1]
    assert logger.level == logging.DEBUG
    assert unknown[0] == 1


def test_the_command_says_where_nobody_answers() -> None:
    done = CliRunner().invoke(main, ["inspect"], env={"MANAGEMENT_PORT": str(free_port())})
    unset = CliRunner().invoke(main, ["inspect"], env={})

    assert (done.exit_code, unset.exit_code) == (2, 2)
    assert "No service answers on 127.0.0.1" in done.output
    assert "MANAGEMENT_PORT is not set" in unset.output


WORKERS = """
from framework import RouteTableDef, ServiceSettings, create_app
from framework.batteries.management import ManagementSettings
from framework.server import ServerSettings
from framework.server.worker import run_workers

def build():
    settings = ServiceSettings(management=ManagementSettings(port={management}))
    return create_app(settings, routes=[])

if __name__ == "__main__":
    run_workers(build, ServerSettings(port={port}, workers=2, stop_seconds=5))
"""


@asynccontextmanager
async def two_workers(folder: Path) -> AsyncIterator[str]:
    """Start two workers; the address of their management port."""
    management = free_port()
    text = WORKERS.replace("{port}", str(free_port())).replace("{management}", str(management))
    (folder / "workers.py").write_text(text, "utf-8")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "workers.py",
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)},
        start_new_session=True,
    )
    try:
        yield f"http://127.0.0.1:{management}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        await process.wait()


@pytest.mark.process
async def test_every_worker_answers_whichever_is_asked(tmp_path: Path) -> None:
    async with two_workers(tmp_path) as url:
        both: dict[str, Any] = {}
        async with asyncio.timeout(30):
            while len(both) < 2:
                try:
                    async with aiohttp.request("GET", f"{url}/versions") as response:
                        both = (await response.json())["workers"]
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.05)
        found = []
        for _ in range(6):
            async with aiohttp.request("GET", f"{url}/versions?worker=2") as response:
                found.append(
                    {number: each["pid"] for number, each in (await response.json())["workers"].items()}
                )
        async with aiohttp.request("PUT", f"{url}/loggers/shop", json={"level": "debug"}) as response:
            told = (await response.json())["workers"]

    assert both["1"]["pid"] != both["2"]["pid"]
    assert found == [{"2": both["2"]["pid"]}] * 6
    assert {number: each["shop"]["level"] for number, each in told.items()} == {"1": "debug", "2": "debug"}
