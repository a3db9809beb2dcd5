"""A restart loses no request: whoever is connected is told, and what is on its way is still answered."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, WSCloseCode, WSMsgType, web

from framework import RouteTableDef, create_app, public, stream
from framework.server import ServerSettings
from tests.server.processes import process
from tests.server.raw import peer, request
from tests.server.service import service, serving
from tests.server.test_graceful_stop import GET, Stopping

routes = RouteTableDef()


@routes.get("/ws")
@public
async def socket(request: web.Request) -> web.WebSocketResponse:
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    async for _ in ws:
        pass
    return ws


@routes.get("/deaf")
@public
async def deaf(request: web.Request) -> web.WebSocketResponse:
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    await asyncio.Event().wait()
    return ws


async def ticks() -> AsyncIterator[bytes]:
    while True:
        yield b"tick\n"
        await asyncio.sleep(0.05)


@routes.get("/stream")
@public
async def endless(request: web.Request) -> web.Response:
    return stream(ticks())


@routes.get("/plain")
@public
async def plain(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    async for tick in ticks():
        await response.write(tick)
    return response


@routes.get("/begun-elsewhere")
@public
async def begun_elsewhere(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await asyncio.create_task(response.prepare(request))
    async for tick in ticks():
        await response.write(tick)
    return response


@pytest.mark.guarantee("graceful stop")
@pytest.mark.parametrize("path", ["/ws", "/deaf"])
async def test_a_plain_web_socket_is_closed_as_going_away_at_once(path: str) -> None:
    async with Stopping(create_app(routes=[routes])) as server, ClientSession() as session:
        ws = await session.ws_connect(f"http://127.0.0.1:{server.port}{path}")
        began = time.monotonic()
        await server.begin_to_stop()
        message = await ws.receive(timeout=5)
        await server.stop()
        seconds = time.monotonic() - began

    assert (message.type, message.data) == (WSMsgType.CLOSE, WSCloseCode.GOING_AWAY)
    assert seconds < 3


@pytest.mark.guarantee("graceful stop")
@pytest.mark.parametrize("path", ["/stream", "/plain", "/begun-elsewhere"])
async def test_a_stream_without_an_end_comes_to_its_end_at_once(path: str) -> None:
    async with Stopping(create_app(routes=[routes])) as server, ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{server.port}{path}") as response:
            await response.content.readline()
            began = time.monotonic()
            await server.begin_to_stop()
            rest = await response.content.read()
        await server.stop()
        seconds = time.monotonic() - began

    assert rest == b"" or rest.endswith(b"tick\n")
    assert seconds < 2


@pytest.mark.guarantee("graceful stop")
async def test_a_plain_application_s_stream_is_ended_too() -> None:
    async with Stopping(service(web.get("/x", plain))) as server, peer(server.port) as client:
        await client.send(GET)
        await client.reader.readuntil(b"tick\n")
        await server.begin_to_stop()
        rest = await client.until_closed()

    assert rest.endswith(b"0\r\n\r\n")


@pytest.mark.guarantee("graceful stop")
async def test_a_kept_alive_connection_is_answered_while_draining_and_told_to_close() -> None:
    async with Stopping(service(), drain_seconds=1) as server, peer(server.port) as client:
        await client.send(GET)
        first = await client.answer()
        await server.begin_to_stop()
        await client.send(GET)
        second = await client.answer()
        rest = await client.until_closed()

    assert "connection" not in first.headers
    assert (second.status, second.headers["connection"]) == (200, "close")
    assert rest == b""


@pytest.mark.guarantee("graceful stop")
async def test_a_connection_made_at_the_end_of_draining_is_still_answered() -> None:
    async with Stopping(service(), drain_seconds=0.5) as server:
        await server.begin_to_stop()
        await asyncio.sleep(0.35)
        async with peer(server.port) as client:
            await asyncio.sleep(0.3)
            await client.send(GET)
            answer = await client.answer()

    assert (answer.status, answer.headers["connection"]) == (200, "close")


@pytest.mark.guarantee("graceful stop")
async def test_a_head_that_has_begun_to_arrive_is_waited_for() -> None:
    async with Stopping(service()) as server, peer(server.port) as client:
        await client.send(GET[:10], pause_seconds=0.1)
        await server.begin_to_stop()
        await client.send(GET[10:])
        answer = await client.answer()

    assert answer.status == 200


def test_draining_is_on_unless_somebody_switches_it_off() -> None:
    assert ServerSettings().drain_seconds == 1


async def _ask(port: int, until: float, lost: list[str]) -> int:
    """Send requests on kept-alive connections, a new one wherever the server has said that it closes."""
    count, kept = 0, contextlib.AsyncExitStack()
    connection = None
    while time.monotonic() < until:
        try:
            if connection is None:
                connection = await kept.enter_async_context(peer(port))
            await connection.send(request("GET /pid HTTP/1.1"))
            answer = await connection.answer()
        except (OSError, asyncio.IncompleteReadError) as error:
            lost.append(repr(error))
            connection = None
            await asyncio.sleep(0.01)
            continue
        count += 1
        if answer.status != 200:
            lost.append(str(answer.status))
        if answer.headers.get("connection") == "close":
            connection = None
            await kept.aclose()
    await kept.aclose()
    return count


@pytest.mark.process
@pytest.mark.guarantee("graceful stop")
async def test_reloading_the_workers_loses_no_request(tmp_path: Path) -> None:
    lost: list[str] = []
    async with process(tmp_path, "run_workers('services:build', SETTINGS)") as running:
        await running.says("opened", times=2)
        loads = [asyncio.create_task(_ask(running.port, time.monotonic() + 6, lost)) for _ in range(4)]
        await asyncio.sleep(0.5)
        running.send(signal.SIGHUP)
        counts = await asyncio.gather(*loads)

    assert lost == []
    assert sum(counts) > 100


@pytest.mark.process
@pytest.mark.guarantee("graceful stop")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_the_next_generation_takes_over_on_the_same_port(
    tmp_path: Path, number: signal.Signals
) -> None:
    lost: list[str] = []
    line = "from dataclasses import replace; run(build(), replace(SETTINGS, workers=1))"
    async with process(tmp_path, line, more="reuse_port=True") as old:
        await old.says("opened")
        await old.get("/pid")
        source = (tmp_path / "services.py").read_text()
        folder = tmp_path / "new"
        folder.mkdir()
        async with process(folder, line, more="reuse_port=True", source=source) as new:
            await new.says("opened")
            await asyncio.sleep(0.2)
            loads = [asyncio.create_task(_ask(old.port, time.monotonic() + 3, lost)) for _ in range(4)]
            await asyncio.sleep(0.3)
            old.send(number)
            code = await old.ends()
            counts = await asyncio.gather(*loads)

    assert code == 0
    assert lost == []
    assert sum(counts) > 100


async def test_a_slow_reader_who_fetches_is_not_taken_for_a_dead_one() -> None:
    async def big(_: web.Request) -> web.Response:
        return web.Response(body=bytes(20_000_000))

    read = 0
    async with (
        serving(service(web.get("/x", big)), slow_grace_seconds=0.4, max_gap_seconds=0.6) as running,
        peer(running.port) as client,
    ):
        await client.send(GET)
        until = time.monotonic() + 2.5
        while time.monotonic() < until:
            read += len(await client.reader.readexactly(25_000))
            await asyncio.sleep(0.1)

    assert read > 400_000
