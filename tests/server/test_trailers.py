"""Trailers of a chunked body (RFC 9112, 7.1.2) become headers of nothing, wherever a piece of the bytes ends."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from aiohttp import web

from framework.server import Running
from tests.server.raw import peer, request
from tests.server.service import service, serving

UPLOAD = request("POST /first HTTP/1.1", "Transfer-Encoding: chunked")
LATER = request("GET /second HTTP/1.1", "X-Own: yes")
LAST = request("GET /second HTTP/1.1", "Connection: close")

BODIES = {
    "one": b"5\r\nhello\r\n0\r\nCookie: evil=1\r\n\r\n",
    "several": b"0\r\nX-A: 1\r\nAuthorization: Bearer evil\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n",
    "without-a-value": b"5\r\nhello\r\n0\r\nX-Evil:\r\n\r\n",
    "long": b"0\r\nX-Evil: " + b"a" * 8000 + b"\r\n\r\n",
    "none": b"5\r\nhello\r\n0\r\n\r\n",
}


async def tell(request: web.Request) -> web.Response:
    """Respond with the headers that came."""
    if request.path == "/first":
        await request.read()
    return web.json_response(sorted(name.lower() for name in request.headers))


async def ignore(request: web.Request) -> web.Response:
    """Respond with the headers that came, and leave the body alone."""
    return web.json_response(sorted(name.lower() for name in request.headers))


def telling(*, reads: bool = True) -> web.Application:
    return service(web.route("*", "/{name}", tell if reads else ignore))


async def sent(running: Running, *pieces: bytes) -> list[list[str]]:
    """Send pieces, each on its own, and return the headers of the requests that were answered."""
    async with peer(running.port) as client:
        await client.send(*pieces, pause_seconds=0.03)
        with suppress(OSError):  # the server has closed already
            client.writer.write_eof()
        return [json.loads(answer.body) for answer in await client.answers()]


@pytest.mark.guarantee("trailers")
@pytest.mark.parametrize("reads", [True, False], ids=["read", "not read"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
async def test_the_next_request_has_its_own_headers_and_no_others(body: bytes, reads: bool) -> None:
    async with serving(telling(reads=reads)) as running:
        found = await sent(running, UPLOAD + body, LATER)

    assert found == [["host", "transfer-encoding"], ["host", "x-own"]]


@pytest.mark.guarantee("trailers")
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
async def test_a_request_in_the_same_piece_as_the_end_of_chunks_is_not_read(body: bytes) -> None:
    async with serving(telling()) as running:
        found = await sent(running, UPLOAD + body + LATER)

    assert found == [["host", "transfer-encoding"]]


@pytest.mark.guarantee("trailers")
@pytest.mark.parametrize("cut", range(1, len(BODIES["one"]) + 20))
async def test_wherever_pieces_end_no_trailer_becomes_a_header(cut: int) -> None:
    everything = BODIES["one"] + LATER + LATER

    async with serving(telling()) as running:
        found = await sent(running, UPLOAD, everything[:cut], everything[cut:])

    assert found[0] == ["host", "transfer-encoding"]
    assert all(names == ["host", "x-own"] for names in found[1:])


@pytest.mark.guarantee("trailers")
async def test_requests_in_a_pipeline_before_a_chunked_one_are_answered() -> None:
    early = request("GET /early HTTP/1.1")

    async with serving(telling()) as running:
        found = await sent(running, early + early + UPLOAD + BODIES["one"] + LATER)

    assert found == [["host"], ["host"], ["host", "transfer-encoding"]]


@pytest.mark.guarantee("trailers")
async def test_a_connection_goes_on_behind_chunked_bodies() -> None:
    async with serving(telling()) as running:
        found = await sent(running, *[UPLOAD + BODIES["one"]] * 5, LATER)

    assert found == [["host", "transfer-encoding"]] * 5 + [["host", "x-own"]]


@pytest.mark.parametrize("reads", [True, False], ids=["read", "not read"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
@pytest.mark.parametrize("behind", [LATER, b""], ids=["one piece", "two pieces"])
async def test_no_trailer_crosses_to_another_request(body: bytes, behind: bytes, reads: bool) -> None:
    found = []

    async with serving(telling(reads=reads)) as running, peer(running.port) as client:
        await client.send(UPLOAD + body + behind)
        first = json.loads((await client.answer()).body)
        with suppress(ConnectionError):  # where the server closes behind a chunked body
            await client.send(LAST)
            found = [json.loads(answer.body) for answer in await client.answers()]

    assert first == ["host", "transfer-encoding"]
    assert all({*names} <= {"connection", "host", "x-own"} for names in found)
