"""An application that a server of aiohttp's own serves: it keeps what it can, and tells what nobody keeps."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from framework import RouteTableDef, create_app, public
from framework.server.guarantees import GUARANTEES, OF_THE_SERVER
from framework.testing import Serve
from tests.server.processes import command, process

SERVICE = """
import sys
from aiohttp import web
from framework import RouteTableDef, create_app, public

routes = RouteTableDef()

@routes.get("/pid")
@public
async def pid(request: web.Request) -> web.Response:
    return web.Response(text="here")

async def build():
    return create_app(routes=[routes])
"""


def application() -> web.Application:
    routes = RouteTableDef()

    @routes.get("/")
    @public
    async def hello(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    @routes.get("/fails")
    @public
    async def fails(request: web.Request) -> web.Response:
        raise ValueError("secret")

    return create_app(routes=[routes])


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [text for text in caplog.messages if text.startswith("Another server serves this application.")]


async def test_no_response_names_the_server(client: ClientSession) -> None:
    async with TestServer(application()) as server:
        answers = []
        for path in ("/", "/nothing", "/fails"):
            async with client.get(server.make_url(path)) as answer:
                answers.append((answer.status, answer.headers.get("Server")))

    assert answers == [(200, None), (404, None), (500, None)]


async def test_it_is_told_once_what_nobody_keeps(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)

    async with TestServer(application()):
        pass

    [line] = told(caplog)
    assert all(name in line for name in OF_THE_SERVER)
    assert "framework run" in line


async def test_our_own_server_says_nothing_of_it(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    outer = web.Application()
    outer.add_subapp("/inner", application())

    await serve(outer)
    await serve(application())

    assert told(caplog) == []


def test_what_nobody_keeps_is_among_the_guarantees() -> None:
    assert set(OF_THE_SERVER) < set(GUARANTEES)


@pytest.mark.process
async def test_run_app_tells_it_too(tmp_path: Path) -> None:
    source = SERVICE + "web.run_app(build(), port=int(sys.argv[-1]) if sys.argv[1:] else {port})\n"
    async with process(tmp_path, "", source=source.replace("{port}", "0")) as running:
        await running.says("Another server serves this application.")
        await running.says("framework run")

    assert running.output.count("Another server") == 1


@pytest.mark.process
@pytest.mark.parametrize(
    ("worker", "is_told"),
    [("aiohttp.worker.GunicornWebWorker", True), ("framework.server.worker.Worker", False)],
)
async def test_the_gunicorn_worker_of_aiohttp_is_told_which_to_take(
    worker: str, is_told: bool, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere.py").write_text(SERVICE)
    arguments = ("--no-control-socket", "--bind=127.0.0.1:{port}", f"--worker-class={worker}")
    async with command(tmp_path, "gunicorn", *arguments, "elsewhere:build") as running:
        answer = await running.get("/pid")

    assert (answer.status, "server" in answer.headers) == (200, False)
    assert ("--worker-class framework.server.worker.Worker" in running.output) is is_told
