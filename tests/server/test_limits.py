"""What a client may send at most, and how long it may take."""

from __future__ import annotations

import asyncio
import logging

import pytest
from aiohttp import web

from tests.server.raw import exchange, peer, request
from tests.server.service import CALLS, errors, service, serving

CLOSE = "Connection: close"


def headers_of(size: int) -> list[str]:
    """Return headers that make so many bytes with ``Host: a`` and ``Connection: close``."""
    left = size - len("Host: a\r\n") - len(f"{CLOSE}\r\n")
    lines = []
    while left > 0:
        line = min(left, 4000)
        if 0 < left - line < 20:
            line -= 20
        lines.append("X-A: ".ljust(line - 2, "b"))
        left -= line
    return lines


@pytest.mark.guarantee("head limits")
async def test_a_target_at_its_limit_is_served_and_one_above_is_414() -> None:
    limit = 8192 - len("OPTIONS  HTTP/1.1\r\n")

    async with serving(service()) as running:
        [at] = await exchange(running.port, request(f"GET /{'a' * (limit - 1)} HTTP/1.1", CLOSE))
        [above] = await exchange(running.port, request(f"GET /{'a' * limit} HTTP/1.1", CLOSE))

    assert at.status == 200
    assert above.status == 414
    assert str(limit) in above.problem["detail"]


@pytest.mark.guarantee("head limits")
async def test_a_header_at_its_limit_is_served_and_one_above_is_431() -> None:
    async with serving(service()) as running:
        [at] = await exchange(running.port, request("GET / HTTP/1.1", CLOSE, f"X-A: {'b' * 8192}"))
        [above] = await exchange(running.port, request("GET / HTTP/1.1", CLOSE, f"X-A: {'b' * 8193}"))
        [name] = await exchange(running.port, request("GET / HTTP/1.1", CLOSE, f"{'X' * 8193}: b"))

    assert at.status == 200
    assert above.status == 431
    assert "8192" in above.problem["detail"]
    assert name.status == 431


@pytest.mark.guarantee("head limits")
async def test_a_content_type_at_its_limit_is_served_and_one_above_is_431() -> None:
    longest = "Content-Type: text/plain".ljust(len("Content-Type: ") + 512, ";")

    async with serving(service()) as running:
        [at] = await exchange(running.port, request("GET / HTTP/1.1", CLOSE, longest))
        [above] = await exchange(running.port, request("GET / HTTP/1.1", CLOSE, f"{longest};"))

    assert at.status == 200
    assert above.status == 431
    assert above.problem["detail"] == "Content-Type must be within 512 bytes."


@pytest.mark.guarantee("head limits")
async def test_a_hundred_headers_are_served_and_one_more_is_431() -> None:
    async with serving(service()) as running:
        [at] = await exchange(running.port, request("GET / HTTP/1.1", CLOSE, *["X-A: b"] * 98))
        [above] = await exchange(running.port, request("GET / HTTP/1.1", CLOSE, *["X-A: b"] * 99))

    assert at.status == 200
    assert above.status == 431
    assert above.problem["detail"] == "The request has too many headers."


@pytest.mark.guarantee("head limits")
@pytest.mark.parametrize("later", [False, True], ids=["first-request", "later-request"])
@pytest.mark.parametrize("pieces", [1, 7], ids=["at-once", "in-pieces"])
async def test_headers_together_at_their_limit_are_served_and_above_are_431(pieces: int, later: bool) -> None:
    limit = 32 * 1024

    async with serving(service()) as running:
        found = []
        for size in (limit, limit + 1):
            data = request("GET / HTTP/1.1", CLOSE, *headers_of(size))
            step = len(data) // pieces + 1
            async with peer(running.port) as client:
                if later:
                    await client.send(request("GET / HTTP/1.1"))
                    await client.answer()
                await client.send(
                    *(data[i : i + step] for i in range(0, len(data), step)), pause_seconds=0.01
                )
                found += await client.answers()

    assert [answer.status for answer in found] == [200, 431]
    assert str(limit) in found[1].problem["detail"]


@pytest.mark.guarantee("head limits")
@pytest.mark.parametrize(
    ("before", "held_back"),
    [
        (request("GET / HTTP/1.1") * 40, 0),
        (request("GET / HTTP/1.1"), 4),
        (request("POST / HTTP/1.1", "Content-Length: 5"), 4),
    ],
    ids=["behind many requests", "begun with another request", "begun with the end of a body"],
)
async def test_headers_are_counted_wherever_they_came_in(before: bytes, held_back: int) -> None:
    head = request("GET / HTTP/1.1", CLOSE, *headers_of(60_000))
    split = len(head) - held_back

    async with serving(service()) as running, peer(running.port) as client:
        start, data = (before, b"hello") if before.startswith(b"POST") else (b"", before)
        await client.send(start, data + head[:split], head[split:], pause_seconds=0.05)
        answers = await client.answers()

    assert answers[-1].status == 431
    assert {answer.status for answer in answers[:-1]} == {200}


@pytest.mark.guarantee("head limits")
async def test_headers_without_end_are_cut_off_before_they_are_complete() -> None:
    async with serving(service(), header_count=10_000) as running, peer(running.port) as client:
        await client.send(b"GET / HTTP/1.1\r\nHost: a\r\n", *[b"X-A: " + b"b" * 1000 + b"\r\n"] * 45)
        [answer] = await client.answers()

    assert answer.status == 431


async def test_a_large_body_behind_small_headers_is_no_large_header() -> None:
    async with serving(service()) as running:
        data = request("PUT / HTTP/1.1", CLOSE, "Content-Length: 100000", body=b"x" * 100_000)
        [answer] = await exchange(running.port, data)

    assert answer.status == 200


@pytest.mark.guarantee("head limits")
async def test_a_client_that_still_sends_too_large_headers_gets_the_answer() -> None:
    async with serving(service()) as running, peer(running.port) as client:
        await client.send(b"GET / HTTP/1.1\r\nHost: a\r\nX-A: " + b"b" * 9000)
        await client.send(*[b"c" * 1000] * 50, pause_seconds=0.001)
        [answer] = await client.answers()

    assert answer.status == 431


@pytest.mark.guarantee("head limits")
async def test_a_client_that_still_sends_behind_a_refused_request_gets_the_answer() -> None:
    app = service()

    async with serving(app, linger_seconds=5) as running, peer(running.port) as client:
        await client.send(request("GET /a/../b HTTP/1.1"), pause_seconds=0.1)
        await client.send(*[request("GET / HTTP/1.1")] * 50, pause_seconds=0.001)
        [answer] = await client.answers()

    assert answer.status == 400
    assert app[CALLS] == []


@pytest.mark.guarantee("head limits")
@pytest.mark.parametrize(
    "start",
    [b"G", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\n", b"\r\n"],
    ids=["method", "line", "headers", "empty-line"],
)
async def test_a_head_that_is_not_complete_in_time_is_408(start: bytes) -> None:
    async with serving(service(), header_read_seconds=0.2) as running:
        [answer] = await exchange(running.port, start)

    assert answer.status == 408
    assert answer.headers["connection"] == "close"
    assert answer.problem["detail"]


@pytest.mark.guarantee("head limits")
async def test_a_head_that_dribbles_in_is_408() -> None:
    async with serving(service(), header_read_seconds=0.3) as running, peer(running.port) as client:
        head = b"GET / HTTP/1.1\r\nHost: " + b"a" * 200
        dribble = asyncio.create_task(client.send(*(bytes([byte]) for byte in head), pause_seconds=0.01))
        [answer] = await client.answers()
        dribble.cancel()

    assert answer.status == 408


@pytest.mark.guarantee("head limits")
async def test_a_later_request_of_a_connection_has_the_same_deadline() -> None:
    patient = {"header_read_seconds": 0.2, "keepalive_seconds": 60}
    async with serving(service(), **patient) as running, peer(running.port) as client:
        await client.send(request("GET / HTTP/1.1"))
        first = await client.answer()
        await client.send(b"GET / HT")
        [second] = await client.answers()

    assert first.status == 200
    assert second.status == 408


@pytest.mark.guarantee("head limits")
async def test_a_connection_without_any_request_is_closed_without_a_word() -> None:
    async with serving(service(), header_read_seconds=0.2) as running, peer(running.port) as client:
        rest = await client.until_closed()

    assert rest == b""


async def test_an_idle_connection_is_closed_without_a_word() -> None:
    async with serving(service(), keepalive_seconds=0.2) as running, peer(running.port) as client:
        await client.send(request("GET / HTTP/1.1"))
        await client.answer()
        rest = await client.until_closed()

    assert rest == b""


async def test_a_slow_handler_is_not_cut_off_by_the_deadlines_of_the_client() -> None:
    async def slow(_: object) -> web.Response:
        await asyncio.sleep(0.5)
        return web.Response()

    app = service(web.get("/", slow))
    async with serving(app, keepalive_seconds=0.1, header_read_seconds=0.1) as running:
        [answer] = await exchange(running.port, request("GET / HTTP/1.1", CLOSE))

    assert answer.status == 200


@pytest.mark.guarantee("head limits")
async def test_a_connection_is_closed_after_its_share_of_requests() -> None:
    app = service()

    async with serving(app, requests_per_connection=3) as running:
        answers = await exchange(running.port, request("GET / HTTP/1.1") * 5)

    assert ["connection" in answer.headers for answer in answers] == [False, False, True]
    assert answers[-1].headers["connection"] == "close"
    assert len(app[CALLS]) == 3


@pytest.mark.guarantee("head limits")
async def test_tls_on_a_plain_port_is_told_so(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async with serving(service()) as running:
        [answer] = await exchange(running.port, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")

    assert answer.problem["detail"] == "This port speaks plain HTTP; the client sent TLS."
    assert errors(caplog.records) == []
