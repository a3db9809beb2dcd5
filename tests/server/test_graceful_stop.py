"""A service that stops finishes what it has begun, says good-bye, and ends within its budget."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, WSCloseCode, WSMsgType, web

from framework.errors import ConfigurationError
from framework.server import CONNECTIONS, LIFECYCLE, Phase
from tests.server.raw import exchange, peer, request
from tests.server.service import CALLS, errors, service, serving, until

GET = request("GET /x HTTP/1.1")
UPGRADE = request(
    "GET /ws HTTP/1.1",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


class Stopping:
    """Run a server that is told when to stop, so that a test can watch it stop."""

    def __init__(self, app: web.Application, **settings: Any) -> None:
        self.app = app
        self.port = 0
        self._settings = settings
        self._told = asyncio.Event()
        self._listening = asyncio.Event()
        self._task = asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        async with serving(self.app, **self._settings) as running:
            self.port = running.port
            self._listening.set()
            await self._told.wait()

    async def __aenter__(self) -> Stopping:
        await self._listening.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def phase(self) -> Phase:
        return self.app[LIFECYCLE].phase

    @property
    def has_stopped(self) -> bool:
        return self._task.done()

    async def begin_to_stop(self) -> None:
        self._told.set()
        await until(lambda: self.phase is Phase.DRAINING)
        await asyncio.sleep(0.05)

    async def stop(self) -> None:
        self._told.set()
        async with asyncio.timeout(20):
            await self._task


def gated(begun: asyncio.Event, gate: asyncio.Event) -> Any:
    async def handler(request: web.Request) -> web.Response:
        body = await request.read()
        begun.set()
        await gate.wait()
        return web.Response(body=body)

    return handler


async def test_a_service_is_starting_then_ready_then_draining() -> None:
    phases = []
    app = service()

    async def see(app: web.Application) -> AsyncIterator[None]:
        phases.append(app[LIFECYCLE].phase)
        yield
        phases.append(app[LIFECYCLE].phase)

    app.cleanup_ctx.append(see)
    async with serving(app) as running:
        phases.append(running.lifecycle.phase)
        ready = running.lifecycle.is_ready

    assert phases == [Phase.STARTING, Phase.READY, Phase.DRAINING]
    assert ready


@pytest.mark.guarantee("graceful stop")
async def test_a_request_in_progress_is_finished() -> None:
    begun, gate = asyncio.Event(), asyncio.Event()

    async with Stopping(service(web.get("/x", gated(begun, gate)))) as server, peer(server.port) as client:
        await client.send(GET)
        await begun.wait()
        await server.begin_to_stop()
        gate.set()
        [answer] = await client.answers()

    assert answer.status == 200
    assert answer.headers["connection"] == "close"


@pytest.mark.guarantee("graceful stop")
async def test_a_body_that_is_still_arriving_is_read_to_its_end() -> None:
    begun, gate = asyncio.Event(), asyncio.Event()
    gate.set()

    async with Stopping(service(web.put("/x", gated(begun, gate)))) as server, peer(server.port) as client:
        await client.send(request("PUT /x HTTP/1.1", "Content-Length: 10", body=b"hello"), pause_seconds=0.1)
        await server.begin_to_stop()
        await client.send(b"world")
        [answer] = await client.answers()

    assert answer.body == b"helloworld"


async def test_idle_connections_are_closed_and_new_ones_refused() -> None:
    begun, gate = asyncio.Event(), asyncio.Event()

    app = service(web.get("/x", gated(begun, gate)))
    async with Stopping(app) as server, peer(server.port) as busy, peer(server.port) as idle:
        await busy.send(GET)
        await begun.wait()
        await idle.send(request("GET / HTTP/1.1"))
        await idle.answer()
        await server.begin_to_stop()
        rest = await idle.until_closed()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", server.port)
        gate.set()

    assert rest == b""


@pytest.mark.guarantee("graceful stop")
async def test_a_draining_service_still_serves_and_asks_to_close() -> None:
    app = service()

    async with Stopping(app, drain_seconds=0.5) as server:
        await server.begin_to_stop()
        phase = server.phase
        answers = await exchange(server.port, request("GET /1 HTTP/1.1") + request("GET /2 HTTP/1.1"))

    assert phase is Phase.DRAINING
    assert [answer.status for answer in answers] == [200]
    assert answers[0].headers["connection"] == "close"
    assert app[CALLS] == ["GET /1"]


@pytest.mark.guarantee("graceful stop")
async def test_a_handler_that_does_not_end_is_cancelled_and_may_clean_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    begun, cleaned = asyncio.Event(), asyncio.Event()

    async def endless(_: web.Request) -> web.Response:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            cleaned.set()
        return web.Response()

    async with (
        Stopping(service(web.post("/x", endless)), stop_seconds=1) as server,
        peer(server.port) as client,
    ):
        await client.send(request("POST /x HTTP/1.1"))
        await begun.wait()
        await server.stop()
        rest = await client.until_closed()

    assert cleaned.is_set()
    assert rest == b""
    assert "Cancelling requests that did not end in time" in caplog.messages
    assert errors(caplog.records) == []


async def test_a_handler_that_refuses_to_be_cancelled_does_not_hold_up_the_end() -> None:
    begun = asyncio.Event()
    release = asyncio.Event()

    async def stubborn(_: web.Request) -> web.Response:
        begun.set()
        while not release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await release.wait()
        return web.Response()

    async with (
        Stopping(service(web.get("/x", stubborn)), stop_seconds=0.5) as server,
        peer(server.port) as client,
    ):
        await client.send(GET)
        await begun.wait()
        await server.stop()
        rest = await client.until_closed()
    release.set()

    assert rest == b""


async def test_web_sockets_are_closed_as_going_away() -> None:
    async def chat(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async with request.app[CONNECTIONS].socket(ws):
            async for _ in ws:
                pass
        return ws

    app = service(web.get("/ws", chat))
    async with Stopping(app) as server, ClientSession(f"http://127.0.0.1:{server.port}") as session:
        ws = await session.ws_connect("/ws")
        await until(lambda: len(app[CONNECTIONS]) == 1)
        await server.begin_to_stop()
        message = await ws.receive(timeout=5)

    assert message.type is WSMsgType.CLOSE
    assert message.data == WSCloseCode.GOING_AWAY
    assert len(app[CONNECTIONS]) == 0


async def test_a_client_that_does_not_say_good_bye_does_not_hold_up_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)

    async def chat(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(timeout=60)
        await ws.prepare(request)
        async with request.app[CONNECTIONS].socket(ws):
            async for _ in ws:
                pass
        return ws

    app = service(web.get("/ws", chat))
    async with Stopping(app, stop_seconds=1) as server, peer(server.port) as client:
        await client.send(UPGRADE)
        await until(lambda: len(app[CONNECTIONS]) == 1)
        await server.stop()

    assert len(app[CONNECTIONS]) == 0
    assert errors(caplog.records) == []


async def test_streams_are_asked_to_end() -> None:
    async def ticks(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        async with request.app[CONNECTIONS].stream() as ending:
            while not ending.is_set():
                await response.write(b"tick")
                await asyncio.sleep(0.02)
        await response.write(b"bye")
        return response

    async with Stopping(service(web.get("/x", ticks))) as server, peer(server.port) as client:
        await client.send(GET)
        await client.reader.readuntil(b"tick")
        await server.begin_to_stop()
        everything = await client.until_closed()

    assert everything.endswith(b"3\r\nbye\r\n0\r\n\r\n")


async def test_a_stream_that_begins_at_the_end_is_asked_to_end_at_once() -> None:
    begun, gate, ended = asyncio.Event(), asyncio.Event(), []

    async def late(request: web.Request) -> web.Response:
        begun.set()
        await gate.wait()
        async with request.app[CONNECTIONS].stream() as ending:
            ended.append(ending.is_set())
        return web.Response()

    async with Stopping(service(web.get("/x", late))) as server, peer(server.port) as client:
        await client.send(GET)
        await begun.wait()
        await server.begin_to_stop()
        gate.set()
        await client.answer()

    assert ended == [True]


async def test_a_connection_that_cannot_be_ended_politely_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        async def close(self, **_: object) -> None:
            raise KeyError("no socket")

    async def handler(request: web.Request) -> web.Response:
        begun.set()
        async with request.app[CONNECTIONS].socket(Broken()):  # type: ignore[arg-type]
            await gate.wait()
        return web.Response()

    begun, gate = asyncio.Event(), asyncio.Event()
    async with Stopping(service(web.get("/x", handler))) as server, peer(server.port) as client:
        await client.send(GET)
        await begun.wait()
        await server.begin_to_stop()
        gate.set()
        answer = await client.answer()

    assert answer.status == 200
    assert "A connection could not be ended politely" in caplog.messages


async def test_a_connection_that_hangs_at_its_end_is_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    class Hanging:
        async def close(self, **_: object) -> None:
            await asyncio.Event().wait()

    async def handler(request: web.Request) -> web.Response:
        begun.set()
        async with request.app[CONNECTIONS].socket(Hanging()):  # type: ignore[arg-type]
            await asyncio.Event().wait()
        return web.Response()

    begun = asyncio.Event()
    app = service(web.get("/x", handler))
    async with Stopping(app, stop_seconds=1) as server, peer(server.port) as client:
        await client.send(GET)
        await begun.wait()
        await server.stop()
        rest = await client.until_closed()

    assert rest == b""
    assert "Cutting off sockets whose clients did not say good-bye in time" in caplog.messages


@pytest.mark.guarantee("graceful stop")
async def test_somebody_in_a_hurry_cuts_draining_and_waiting_short() -> None:
    begun = asyncio.Event()
    app = service(web.get("/x", gated(begun, asyncio.Event())))

    async with Stopping(app, stop_seconds=600, drain_seconds=300) as server, peer(server.port) as client:
        await client.send(GET)
        await begun.wait()
        await server.begin_to_stop()
        drained_at_once = server.has_stopped
        app[LIFECYCLE].hurry()
        await server.stop()
        rest = await client.until_closed()

    assert not drained_at_once
    assert rest == b""


async def test_what_the_application_opened_is_closed_after_the_last_request() -> None:
    order = []
    begun, gate = asyncio.Event(), asyncio.Event()

    async def handler(_: web.Request) -> web.Response:
        begun.set()
        await gate.wait()
        order.append("answered")
        return web.Response()

    async def database(_: web.Application) -> AsyncIterator[None]:
        yield
        order.append("closed")

    app = service(web.get("/x", handler))
    app.cleanup_ctx.append(database)
    app.on_shutdown.append(lambda _: _note(order, "shutdown"))
    async with Stopping(app) as server, peer(server.port) as client:
        await client.send(GET)
        await begun.wait()
        await server.begin_to_stop()
        gate.set()
        await client.answer()

    assert order == ["shutdown", "answered", "closed"]


@pytest.mark.guarantee("graceful stop")
async def test_a_clean_up_that_hangs_does_not_hold_up_the_end(caplog: pytest.LogCaptureFixture) -> None:
    closed = []

    def hanging(name: str) -> Any:
        async def context(_: web.Application) -> AsyncIterator[None]:
            yield
            try:
                await asyncio.Event().wait()
            finally:
                closed.append(name)

        return context

    app = service()
    app.cleanup_ctx.extend([hanging("first"), hanging("second")])
    app.on_shutdown.append(lambda _: asyncio.Event().wait())
    async with Stopping(app, stop_seconds=1) as server:
        await server.stop()

    assert closed == ["second", "first"]
    assert "Gave up waiting for the application's on_shutdown" in caplog.messages
    assert "Gave up waiting for the application's clean-up" in caplog.messages


@pytest.mark.guarantee("graceful stop")
async def test_a_failing_on_shutdown_does_not_keep_the_rest_from_being_closed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    closed = []

    async def database(_: web.Application) -> AsyncIterator[None]:
        yield
        closed.append("database")

    async def broken(_: web.Application) -> None:
        raise KeyError("no broker")

    app = service()
    app.cleanup_ctx.append(database)
    app.on_shutdown.append(broken)
    async with serving(app):
        pass

    assert closed == ["database"]
    assert errors(caplog.records) == ["The application's on_shutdown failed"]


async def test_a_clean_up_that_fails_is_raised() -> None:
    async def database(_: web.Application) -> AsyncIterator[None]:
        yield
        raise KeyError("lost")

    app = service()
    app.cleanup_ctx.append(database)
    with pytest.raises(KeyError, match="lost"):
        async with serving(app):
            pass


async def test_a_start_that_fails_closes_what_was_opened_and_says_why() -> None:
    closed = []

    async def database(_: web.Application) -> AsyncIterator[None]:
        yield
        closed.append("database")

    async def broken(_: web.Application) -> None:
        raise KeyError("no broker")

    app = service()
    app.cleanup_ctx.append(database)
    app.on_startup.append(broken)
    with pytest.raises(KeyError, match="no broker"):
        async with serving(app):
            pass

    assert closed == ["database"]


async def test_an_address_in_use_is_said_so_and_the_application_closed() -> None:
    closed = []

    async def database(_: web.Application) -> AsyncIterator[None]:
        yield
        closed.append("database")

    app = service()
    app.cleanup_ctx.append(database)
    async with serving(service()) as running:
        with pytest.raises(ConfigurationError, match="Address already in use"):
            async with serving(app, port=running.port):
                pass

    assert closed == ["database"]


async def _note(order: list[str], what: str) -> None:
    order.append(what)
