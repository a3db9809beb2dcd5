"""Bodies that stall, answers that nobody fetches, and when a body is asked for at all."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any

import pytest
from aiohttp import web

from tests.server.raw import exchange, peer, request
from tests.server.service import CALLS, errors, service, serving, until

CLOSE = "Connection: close"
IMPATIENT = {"slow_grace_seconds": 0.2, "max_gap_seconds": 0.4}

BODIES = {
    "content-length": b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n",
    "chunked": b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
}


@pytest.mark.guarantee("pace")
@pytest.mark.parametrize("start", BODIES.values(), ids=BODIES.keys())
async def test_a_body_that_stops_arriving_is_408(start: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(service(), **IMPATIENT) as running:
        [answer] = await exchange(running.port, start)

    assert answer.status == 408
    assert answer.headers["connection"] == "close"
    assert answer.problem["detail"] == "The body did not arrive in time."
    assert errors(caplog.records) == []


@pytest.mark.guarantee("pace")
async def test_the_body_of_a_later_request_has_the_same_deadline() -> None:
    async with serving(service(), **IMPATIENT) as running, peer(running.port) as client:
        await client.send(request("GET / HTTP/1.1"))
        first = await client.answer()
        await client.send(BODIES["content-length"] + b"x")
        [second] = await client.answers()

    assert first.status == 200
    assert second.status == 408


@pytest.mark.guarantee("pace")
async def test_a_body_that_dribbles_in_below_the_rate_is_408() -> None:
    async with serving(service(), **IMPATIENT) as running, peer(running.port) as client:
        dribble = asyncio.create_task(
            client.send(BODIES["content-length"], *[b"x"] * 300, pause_seconds=0.01)
        )
        [answer] = await client.answers()
        dribble.cancel()

    assert answer.status == 408


@pytest.mark.guarantee("pace")
async def test_a_body_that_stops_for_too_long_is_408_however_fast_it_was() -> None:
    async with serving(service(), **IMPATIENT) as running:
        [answer] = await exchange(running.port, BODIES["content-length"] + b"x" * 90_000)

    assert answer.status == 408


async def test_a_body_above_the_rate_may_take_longer_than_the_grace() -> None:
    async with serving(service(), **IMPATIENT) as running, peer(running.port) as client:
        await client.send(request("PUT / HTTP/1.1", CLOSE, "Content-Length: 4000"))
        await client.send(*[b"x" * 100] * 40, pause_seconds=0.02)
        [answer] = await client.answers()

    assert answer.status == 200


async def test_a_handler_that_reads_late_is_not_the_fault_of_the_client() -> None:
    async def late(request: web.Request) -> web.Response:
        await asyncio.sleep(1)
        total = 0
        async for chunk in request.content.iter_chunked(65536):
            total += len(chunk)
        return web.json_response(total)

    size = 8_000_000
    async with serving(service(web.put("/", late)), **IMPATIENT) as running, peer(running.port) as client:
        await client.send(request("PUT / HTTP/1.1", CLOSE, f"Content-Length: {size}", body=b"x" * size))
        [answer] = await client.answers()

    assert answer.body == str(size).encode()


@pytest.mark.guarantee("pace")
async def test_a_handler_that_does_not_read_a_stalled_body_answers_as_it_likes() -> None:
    finish = asyncio.Event()

    async def ignore(_: web.Request) -> web.Response:
        await finish.wait()
        return web.Response(status=202)

    async with serving(service(web.put("/", ignore)), **IMPATIENT) as running, peer(running.port) as client:
        await client.send(BODIES["content-length"])
        await asyncio.sleep(0.6)
        finish.set()
        [answer] = await client.answers()

    assert answer.status == 202
    assert answer.headers["connection"] == "close"


async def test_an_early_answer_reaches_a_client_that_is_still_sending() -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=401)

    async with (
        serving(service(web.put("/", refuse)), linger_seconds=5) as running,
        peer(running.port) as client,
    ):
        data = request("PUT / HTTP/1.1", "Content-Length: 3000000", body=b"x" * 3_000_000)
        await client.send(data)
        first = await client.answer()
        await client.send(request("GET / HTTP/1.1", CLOSE))
        second = await client.answer()

    assert first.status == 401
    assert second.status == 200


@pytest.mark.guarantee("pace")
async def test_a_client_that_does_not_fetch_its_answer_is_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def large(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * 30_000_000)

    async with serving(service(web.get("/", large)), **IMPATIENT) as running:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", running.port))
            client.sendall(request("GET / HTTP/1.1"))
            await until(
                lambda: "Closed a connection whose client does not fetch its response" in caplog.messages
            )

    assert errors(caplog.records) == []


@pytest.mark.guarantee("pace")
async def test_the_rest_of_an_answer_that_nobody_fetches_does_not_keep_a_closing_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)

    async def large(request: web.Request) -> web.Response:
        request.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        response = web.Response(body=b"x" * 60_000)
        response.force_close()
        return response

    async with serving(service(web.get("/", large)), **IMPATIENT) as running:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            client.connect(("127.0.0.1", running.port))
            client.sendall(request("GET / HTTP/1.1"))
            await until(
                lambda: "Closed a connection whose client does not fetch its response" in caplog.messages
            )

    assert errors(caplog.records) == []


async def test_a_client_that_fetches_slowly_but_steadily_gets_its_whole_answer() -> None:
    async def large(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * 12_000_000)

    async with serving(service(web.get("/", large)), **IMPATIENT) as running, peer(running.port) as client:
        await client.send(request("GET / HTTP/1.1", CLOSE))
        head = await client.reader.readuntil(b"\r\n\r\n")
        total = 0
        while chunk := await client.reader.read(200_000):
            total += len(chunk)
            await asyncio.sleep(0.01)

    assert b"200 OK" in head
    assert total == 12_000_000


# Expect: 100-continue


EXPECTING = (
    b"PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.guarantee("interim responses")
async def test_a_body_is_asked_for_when_the_handler_first_reads_it() -> None:
    read = asyncio.Event()
    app = service(web.put("/", gated(read)))

    async with serving(app) as running, peer(running.port) as client:
        await client.send(EXPECTING)
        await until(lambda: app[CALLS])
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.reader.readexactly(1), 0.2)
        read.set()
        interim = await client.reader.readexactly(len(CONTINUE))
        await client.send(b"hello")
        answer = await client.answer()

    assert interim == CONTINUE
    assert answer.body == b"hello"


@pytest.mark.guarantee("interim responses")
async def test_a_request_that_is_refused_without_reading_is_never_asked_for_its_body() -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=401)

    async with serving(service(web.put("/", refuse)), linger_seconds=60) as running:
        answers = await exchange(running.port, EXPECTING.replace(b"Connection: close\r\n", b""))

    assert [answer.status for answer in answers] == [401]
    assert answers[0].headers["connection"] == "close"


@pytest.mark.guarantee("interim responses")
async def test_a_body_that_is_there_already_is_not_asked_for() -> None:
    async with serving(service()) as running:
        [answer] = await exchange(running.port, EXPECTING + b"hello")

    assert answer.status == 200
    assert answer.body.endswith(b'"bytes": 5}')


@pytest.mark.guarantee("interim responses")
async def test_a_body_that_comes_unasked_is_not_asked_for_later() -> None:
    read = asyncio.Event()
    app = service(web.put("/", gated(read)))

    async with serving(app) as running, peer(running.port) as client:
        await client.send(EXPECTING)
        await until(lambda: app[CALLS])
        await client.send(b"he")
        await asyncio.sleep(0.1)
        read.set()
        await client.send(b"llo", pause_seconds=0.1)
        answer = await client.answer()

    assert answer.status == 200
    assert answer.body == b"hello"


@pytest.mark.guarantee("interim responses")
async def test_a_body_that_was_asked_for_has_its_deadline_from_then_on() -> None:
    async with serving(service(), **IMPATIENT) as running, peer(running.port) as client:
        await client.send(EXPECTING)
        interim = await client.reader.readexactly(len(CONTINUE))
        [answer] = await client.answers()

    assert interim == CONTINUE
    assert answer.status == 408


async def test_an_old_client_is_not_sent_an_interim_response() -> None:
    data = b"PUT / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"

    async with serving(service()) as running, peer(running.port) as client:
        await client.send(data, b"hello", pause_seconds=0.1)
        answer = await client.answer()

    assert answer.status == 200


@pytest.mark.guarantee("interim responses")
async def test_no_interim_response_gets_into_an_answer_that_has_begun() -> None:
    async def streaming(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 5
        await response.prepare(request)
        await response.write(await request.read())
        return response

    async with serving(service(web.put("/", streaming))) as running, peer(running.port) as client:
        await client.send(EXPECTING, b"hello", pause_seconds=0.1)
        answer = await client.answer()

    assert answer.body == b"hello"


def gated(gate: asyncio.Event) -> Any:
    """Return a handler that reads the body when the gate opens."""

    async def handler(request: web.Request) -> web.Response:
        request.app[CALLS].append(request.path)
        await gate.wait()
        return web.Response(body=await request.read())

    return handler
