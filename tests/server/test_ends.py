"""No connection stays open for ever, wherever a client stops and whatever it has sent behind a request."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from framework.server.service import Handler
from tests.server.raw import peer, request
from tests.server.service import service, serving

pytestmark = pytest.mark.guarantee("trailers")

PART = b"GET /next HTTP/1.1\r\nHost: a\r\n"
WHOLE = PART + b"\r\n"
CHUNKED = request("POST /x HTTP/1.1", "Transfer-Encoding: chunked")
LARGE = [b"10000\r\n" + bytes(65_536) + b"\r\n"] * 6
PIECES: dict[str, list[bytes]] = {
    "part of a request with the end of chunks": [CHUNKED + b"3\r\nabc\r\n0\r\n\r\n" + PART],
    "the end of chunks later, with part of a request": [CHUNKED, b"3\r\nabc\r\n0\r\n\r\n" + PART],
    "the end of chunks in two pieces": [CHUNKED, b"3\r\nabc\r\n0\r\n", b"\r\n" + PART],
    "the end within a line break": [CHUNKED, b"3\r\nabc\r\n0\r\n\r", b"\nG"],
    "a trailer": [CHUNKED, b"3\r\nabc\r\n0\r\nX: y\r\n\r\n"],
    "a trailer and part of a request": [CHUNKED, b"3\r\nabc\r\n0\r\nX: y\r\n\r\nG"],
    "a whole request with the end": [CHUNKED + b"0\r\n\r\n" + WHOLE],
    "part of a request behind the end": [CHUNKED + b"0\r\n\r\n", PART],
    "an empty line behind the end": [CHUNKED, b"0\r\n\r\n\r\n"],
    "garbage behind the end": [CHUNKED, b"0\r\n\r\n\x00\x01"],
    "a request in front and part of one behind": [WHOLE + CHUNKED + b"0\r\n\r\n" + PART],
    "two that are chunked": [CHUNKED + b"0\r\n\r\n" + CHUNKED + b"0\r\n\r\n" + PART],
    "a large body and part of a request": [CHUNKED, *LARGE, b"0\r\n\r\n" + PART],
    "part of a chunk": [CHUNKED + b"5\r\nab"],
    "part of a head": [PART],
    "part of a request behind a declined upgrade": [
        request("GET /x HTTP/1.1", "Connection: Upgrade", "Upgrade: h2c") + PART
    ],
    "part of a request behind CONNECT": [request("CONNECT a:1 HTTP/1.1", host="a:1") + PART],
    "part of a request behind 100-continue": [
        request("POST /x HTTP/1.1", "Expect: 100-continue", "Transfer-Encoding: chunked"),
        b"0\r\n\r\n" + PART,
    ],
}


async def ignore(_: web.Request) -> web.Response:
    return web.Response()


async def wait_and_read(request: web.Request) -> web.Response:
    await asyncio.sleep(0.1)
    return web.Response(body=await request.read())


async def read_and_wait(request: web.Request) -> web.Response:
    body = await request.read()
    await asyncio.sleep(0.1)
    return web.Response(body=body)


HANDLERS = [ignore, wait_and_read, read_and_wait]
SHORT = {
    "keepalive_seconds": 0.5,
    "header_read_seconds": 0.5,
    "slow_grace_seconds": 0.5,
    "max_gap_seconds": 0.5,
}


@pytest.mark.parametrize("handler", HANDLERS, ids=[handler.__name__ for handler in HANDLERS])
async def test_a_connection_closes_wherever_its_client_stops(handler: Handler) -> None:
    async with serving(service(web.route("*", "/x", handler)), **SHORT) as running:

        async def is_closed(pieces: list[bytes], pause_seconds: float) -> bool:
            async with peer(running.port) as client:
                try:
                    await client.send(*pieces, pause_seconds=pause_seconds)
                except ConnectionError:
                    return True
                try:
                    await client.until_closed()
                except TimeoutError:
                    return False
                return True

        cases = [(name, pause) for name in PIECES for pause in (0, 0.02, 0.2)]
        closed = await asyncio.gather(*[is_closed(PIECES[name], pause) for name, pause in cases])

    assert [case for case, is_so in zip(cases, closed, strict=True) if not is_so] == []
