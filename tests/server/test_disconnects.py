"""What happens to a handler whose client goes away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from framework.server import CANCEL_ON_DISCONNECT
from tests.server.raw import peer, request
from tests.server.service import errors, service, serving


class Work:
    """Be a handler that takes its time, and know how it ended."""

    def __init__(self, prepare: Callable[[web.Request], None] = lambda _: None) -> None:
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()
        self.ended = asyncio.Event()
        self.cancelled = False
        self._prepare = prepare

    async def __call__(self, request: web.Request) -> web.Response:
        self._prepare(request)
        self.begun.set()
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        finally:
            self.ended.set()
        return web.Response()


@asynccontextmanager
async def left_alone(work: Work, method: str, **settings: Any) -> AsyncIterator[None]:
    """Ask for the work, and go away while it is done."""

    async def handler(request: web.Request) -> web.Response:
        return await work(request)

    async with serving(service(web.route("*", "/x", handler)), **settings) as running:
        async with peer(running.port) as client:
            await client.send(request(f"{method} /x HTTP/1.1"))
            await work.begun.wait()
        yield


@pytest.mark.guarantee("disconnects")
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_a_read_is_cancelled_when_its_client_leaves(method: str) -> None:
    work = Work()

    async with left_alone(work, method):
        await asyncio.wait_for(work.ended.wait(), 5)

    assert work.cancelled


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_write_is_finished_though_its_client_has_left(
    method: str, caplog: pytest.LogCaptureFixture
) -> None:
    work = Work()

    async with left_alone(work, method):
        await asyncio.sleep(0.1)
        work.may_end.set()
        await asyncio.wait_for(work.ended.wait(), 5)

    assert not work.cancelled
    assert errors(caplog.records) == []


async def test_a_request_may_ask_to_be_finished() -> None:
    work = Work(lambda request: request.__setitem__(CANCEL_ON_DISCONNECT, False))

    async with left_alone(work, "GET"):
        await asyncio.sleep(0.1)
        work.may_end.set()
        await asyncio.wait_for(work.ended.wait(), 5)

    assert not work.cancelled


@pytest.mark.guarantee("disconnects")
async def test_a_request_may_ask_to_be_cancelled() -> None:
    work = Work(lambda request: request.__setitem__(CANCEL_ON_DISCONNECT, True))

    async with left_alone(work, "POST"):
        await asyncio.wait_for(work.ended.wait(), 5)

    assert work.cancelled


@pytest.mark.guarantee("disconnects")
async def test_which_methods_are_cancelled_is_a_setting() -> None:
    work = Work()

    async with left_alone(work, "POST", cancelled_methods=frozenset({"POST"})):
        await asyncio.wait_for(work.ended.wait(), 5)

    assert work.cancelled


async def test_the_end_of_the_service_waits_for_a_write_whose_client_has_left() -> None:
    work = Work()

    async with left_alone(work, "POST"):
        await asyncio.sleep(0.1)
        asyncio.get_running_loop().call_later(0.3, work.may_end.set)

    assert work.ended.is_set()
    assert not work.cancelled


async def test_the_handler_of_a_web_socket_sees_its_end_instead_of_being_cancelled() -> None:
    ends: asyncio.Queue[str] = asyncio.Queue()

    async def chat(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        try:
            async for _ in ws:
                pass
            await asyncio.sleep(0.05)
            ends.put_nowait("closed")
        except asyncio.CancelledError:
            ends.put_nowait("cancelled")
            raise
        return ws

    upgrade = request(
        "GET /ws HTTP/1.1",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )
    async with serving(service(web.get("/ws", chat))) as running:
        async with peer(running.port) as client:
            await client.send(upgrade)
            await client.reader.readuntil(b"\r\n\r\n")
        end = await asyncio.wait_for(ends.get(), 5)

    assert end == "closed"
