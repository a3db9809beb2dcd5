"""One process: ``run`` from the first line of the log to the last signal."""

from __future__ import annotations

import asyncio
import signal
import socket
from pathlib import Path

import pytest

from framework.errors import ConfigurationError
from framework.server import ServerSettings, run, serve
from tests.server.processes import process
from tests.server.raw import exchange, request
from tests.server.service import service

ALONE = "import dataclasses; run(build(), dataclasses.replace(SETTINGS, workers=1))"

pytestmark = pytest.mark.filterwarnings("default::ResourceWarning")


@pytest.mark.process
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_finishes_the_request_in_progress(number: signal.Signals, tmp_path: Path) -> None:
    async with process(tmp_path, ALONE) as running:
        await running.says("Serving on http://127.0.0.1:")
        slow = asyncio.create_task(running.get("/slow?seconds=1"))
        await running.says("slow")
        running.send(number)
        answer = await slow
        code = await running.ends()

    assert answer.status == 200
    assert answer.headers["connection"] == "close"
    assert code == 0
    assert running.output.splitlines()[-1] == "closed"


@pytest.mark.process
async def test_a_handler_that_ends_the_process_does_so(tmp_path: Path) -> None:
    async with process(tmp_path, ALONE) as running:
        await running.says("Serving on http://127.0.0.1:")
        await exchange(running.port, request("GET /leave HTTP/1.1"))
        code = await running.ends()

    assert code == 7
    assert running.output.splitlines()[-1] == "closed"


@pytest.mark.process
async def test_a_second_signal_stops_at_once_but_closes_what_was_opened(tmp_path: Path) -> None:
    async with process(tmp_path, ALONE, more="drain_seconds=9") as running:
        slow = asyncio.create_task(running.get("/slow?seconds=60"))
        await running.says("slow")
        running.send(signal.SIGTERM)
        await running.says("Stopping")
        running.send(signal.SIGTERM)
        code = await running.ends()
        slow.cancel()

    assert code == 0
    assert running.output.splitlines()[-1] == "closed"


@pytest.mark.process
async def test_a_signal_during_start_up_ends_it_and_closes_what_was_opened(tmp_path: Path) -> None:
    line = ALONE.replace("build()", "build_that_never_starts()")

    async with process(tmp_path, line) as running:
        await running.says("connecting")
        running.send(signal.SIGTERM)
        code = await running.ends()

    assert code == 0
    assert "Serving on" not in running.output
    assert running.output.splitlines()[-1] == "closed"


@pytest.mark.process
async def test_a_start_that_fails_is_an_error_of_the_process(tmp_path: Path) -> None:
    line = ALONE.replace("build()", "build_that_cannot_start()")

    async with process(tmp_path, line) as running:
        code = await running.ends()

    assert code == 1
    assert "RuntimeError: no database" in running.output
    assert "closed" in running.output


@pytest.mark.guarantee("malformed requests")
@pytest.mark.process
async def test_a_server_without_the_c_parser_does_not_start(tmp_path: Path) -> None:
    async with process(tmp_path, ALONE, environment={"AIOHTTP_NO_EXTENSIONS": "1"}) as running:
        code = await running.ends()

    assert code == 1
    assert "ConfigurationError: aiohttp runs without its C parser here" in running.output
    assert "opened" not in running.output


@pytest.mark.process
async def test_the_python_parser_may_be_allowed(tmp_path: Path) -> None:
    environment = {"AIOHTTP_NO_EXTENSIONS": "1"}

    async with process(tmp_path, ALONE, more="allow_python_parser=True", environment=environment) as running:
        answer = await running.get("/pid")

    assert answer.status == 200
    assert "server" not in answer.headers


def test_several_workers_need_more_than_one_application() -> None:
    with pytest.raises(ConfigurationError, match="run_workers"):
        run(service(), ServerSettings(workers=2))


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:"), ("0.0.0.0", "http://127.0.0.1:"), ("::1", "http://[::1]:")],
)
async def test_the_url_of_a_running_server_can_be_asked(host: str, url: str) -> None:
    async with serve(service(), ServerSettings(host=host, port=0)) as running:
        reader, writer = await asyncio.open_connection(running.host, running.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        status_line = await reader.readline()
        await reader.read()
        writer.close()

    assert running.url == f"{url}{running.port}"
    assert status_line == b"HTTP/1.1 200 OK\r\n"


@pytest.mark.guarantee("malformed requests")
@pytest.mark.process
async def test_the_python_parser_is_behind_the_same_gate(tmp_path: Path) -> None:
    environment = {"AIOHTTP_NO_EXTENSIONS": "1"}
    heads = ["GET /\u00e4 HTTP/1.1", "GET /a/../b HTTP/1.1", "TRACE / HTTP/1.1", "GET /#a HTTP/1.1"]

    async with process(tmp_path, ALONE, more="allow_python_parser=True", environment=environment) as running:
        await running.get("/pid")
        answers = [answer for head in heads for answer in await exchange(running.port, request(head))]

    assert [answer.status for answer in answers] == [400, 400, 405, 400]


async def test_a_socket_of_another_kind_may_be_handed_in(tmp_path: Path) -> None:
    path = str(tmp_path / "service.sock")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        async with serve(service(), sockets=[listening]) as running:
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(request("GET / HTTP/1.1", "Connection: close"))
            status_line = await reader.readline()
            await reader.read()
            writer.close()

    assert running.port == 0
    assert status_line == b"HTTP/1.1 200 OK\r\n"
