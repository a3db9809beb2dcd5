"""One connection's requests: each for itself, one after the other, and their responses the same on either way."""

from __future__ import annotations

import asyncio
import gc
import json
import time
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest
from aiohttp import web

from framework.adapters.aiohttp.exchange import ordinary_request
from framework.adapters.aiohttp.protocol import Connection
from framework.adapters.aiohttp.responses import JSONResponse
from tests.server.raw import peer, request
from tests.server.service import CALLS, service, serving

BEFORE: ContextVar[str] = ContextVar("before", default="")


async def leave_a_trace(request: web.Request) -> web.Response:
    """Respond with what an earlier request left in the context, and leave something."""
    found = BEFORE.get()
    BEFORE.set(request.query["name"])
    await asyncio.sleep(float(request.query.get("pause", 0)))
    return web.Response(text=found, headers={"X-Bytes": str(len(await request.read()))})


@pytest.mark.parametrize("pause", ["0", "0.01"], ids=["at once", "after a wait"])
async def test_a_request_sees_no_context_of_the_ones_before_it(pause: str) -> None:
    body = bytes(
        900_000
    )  # more than is read ahead, so that reading stops and begins again within the request
    upload = request(f"POST /x?name=a&pause={pause} HTTP/1.1", f"Content-Length: {len(body)}", body=body)
    others = [request(f"GET /x?name={name}&pause={pause} HTTP/1.1") for name in "bcd"]

    async with serving(service(web.route("*", "/x", leave_a_trace))) as running, peer(running.port) as client:
        await client.send(upload)
        answers = [await client.answer()]
        for other in others:
            await client.send(other)
            answers.append(await client.answer())
        await client.send(b"".join(others))
        answers += [await client.answer() for _ in others]

    assert [answer.body for answer in answers] == [b""] * 7
    assert answers[0].headers["x-bytes"] == "900000"


@pytest.mark.parametrize("pause", [0, 0.001], ids=["at once", "after a wait"])
async def test_many_requests_in_one_piece_are_answered_in_order(pause: float) -> None:
    async def count(request: web.Request) -> web.Response:
        await asyncio.sleep(pause) if pause else None
        return web.Response(text=request.match_info["number"])

    requests = b"".join(request(f"GET /{number} HTTP/1.1") for number in range(200))
    async with serving(service(web.get(r"/{number:\d+}", count))) as running, peer(running.port) as client:
        await client.send(requests)
        answers = [await client.answer() for _ in range(200)]

    assert [answer.body.decode() for answer in answers] == [str(number) for number in range(200)]


@pytest.mark.guarantee("short cuts")
async def test_many_requests_behind_the_end_of_a_body_are_all_answered() -> None:
    start = request("POST /x HTTP/1.1", "Content-Length: 10", body=b"hello")
    later = [request(f"GET /{number} HTTP/1.1") for number in range(100)]

    async with serving(service()) as running, peer(running.port) as client:
        await client.send(start, b"world" + b"".join(later), pause_seconds=0.05)
        answers = [await client.answer() for _ in range(101)]

    paths = [json.loads(answer.body)["path"] for answer in answers]
    assert paths == ["/x", *(f"/{number}" for number in range(100))]


@pytest.mark.guarantee("trailers")
async def test_a_body_is_read_whole_behind_one_that_was_held_up_at_its_end() -> None:
    chunks = 262_144 // 16 + 1  # one more than aiohttp reads ahead
    chunked = request(
        "POST /a HTTP/1.1", "Transfer-Encoding: chunked", body=b"1\r\na\r\n" * chunks + b"0\r\n\r\n"
    )

    async with serving(service(), slow_grace_seconds=1) as running, peer(running.port) as client:
        await client.send(chunked)
        answers = [await client.answer()]
        await client.send(request("POST /b HTTP/1.1", "Content-Length: 5", body=b"hello"))
        answers.append(await client.answer())

    assert [json.loads(answer.body).get("bytes") for answer in answers] == [chunks, 5]


UPGRADE = request("GET /chat HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket")


async def test_a_body_behind_an_upgrade_that_is_declined_is_read_as_any_other() -> None:
    body = bytes(200_000)
    upload = request("POST /x HTTP/1.1", f"Content-Length: {len(body)}", body=body)

    async with serving(service()) as running, peer(running.port) as client:
        await client.send(UPGRADE + upload[:100])
        await client.answer()
        await client.send(*(upload[start : start + 5000] for start in range(100, len(upload), 5000)))
        answer = await client.answer()

    assert json.loads(answer.body)["bytes"] == len(body)


@pytest.mark.guarantee("pace")
async def test_a_body_behind_a_declined_upgrade_that_stops_arriving_is_408() -> None:
    start = request("POST /x HTTP/1.1", "Content-Length: 10", body=b"hello")

    async with serving(service(), slow_grace_seconds=0.2) as running, peer(running.port) as client:
        await client.send(UPGRADE + start)
        answers = await client.answers()

    assert [answer.status for answer in answers] == [200, 408]


async def test_requests_in_one_piece_leave_room_for_others() -> None:
    requests = b"".join(request(f"GET /{number} HTTP/1.1") for number in range(200))
    app = service()

    async with serving(app) as running, peer(running.port) as busy, peer(running.port) as other:
        await asyncio.sleep(0.05)
        await asyncio.gather(busy.send(requests), other.send(request("GET /other HTTP/1.1")))
        await other.answer()
        [await busy.answer() for _ in range(200)]

    assert app[CALLS].index("GET /other") < 100


async def test_a_connection_that_rests_has_no_task() -> None:
    async with serving(service()) as running, peer(running.port) as client:
        before = asyncio.all_tasks()
        await client.send(request("GET /x HTTP/1.1"))
        await client.answer()
        await asyncio.sleep(0.05)
        after = asyncio.all_tasks()

    assert after == before


def sized(response: web.Response) -> web.Response:
    response.headers["Content-Length"] = "2"
    return response


def with_cookie(response: web.Response) -> web.Response:
    response.set_cookie("a", "b")
    return response


def closing(response: web.Response) -> web.Response:
    response.force_close()
    return response


def compressed(response: web.Response) -> web.Response:
    response.enable_compression(web.ContentCoding.deflate)
    return response


def chunked(response: web.Response) -> web.Response:
    response.enable_chunked_encoding()
    return response


RESPONSES: dict[str, Callable[[], web.StreamResponse]] = {
    "JSON": lambda: JSONResponse(b'{"a": 1}', status=201, headers={"X-A": "b"}),
    "text": lambda: web.Response(text="ä"),
    "bytes without a type": lambda: web.Response(body=b"abc"),
    "bytes that can change": lambda: web.Response(body=bytearray(b"abc")),
    "nothing": web.Response,
    "created, nothing to say": lambda: web.Response(status=201),
    "no content": lambda: web.Response(status=204),
    "early hints that are a response": lambda: web.Response(status=103, text="a"),
    "not modified": lambda: web.Response(status=304, headers={"ETag": '"a"'}),
    "a reason of its own": lambda: web.Response(status=299, reason="Fine"),
    "no known reason": lambda: web.Response(status=299),
    "a length of its own": lambda: sized(web.Response(body=b"ab")),
    "a date of its own": lambda: web.Response(headers={"Date": "Sun, 06 Nov 1994 08:49:37 GMT"}),
    "a server of its own": lambda: web.Response(headers={"Server": "me"}),
    "a header twice": lambda: web.Response(headers=[("Link", "<a>"), ("Link", "<b>")]),
    "a cookie": lambda: with_cookie(web.Response(text="a")),
    "the last": lambda: closing(web.Response(text="a")),
    "a connection of its own": lambda: web.Response(headers={"Connection": "close"}),
    "compressed": lambda: compressed(web.Response(text="a" * 2000)),
    "16 KiB": lambda: web.Response(body=bytes(16_384)),
    "more than 16 KiB": lambda: web.Response(body=bytes(16_385)),
    "a raised response": lambda: web.HTTPFound("/elsewhere"),
}
LINES = ["GET /x HTTP/1.1", "HEAD /x HTTP/1.1", "POST /x HTTP/1.1", "GET /x HTTP/1.0"]


@pytest.mark.guarantee("short cuts")
@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("make", RESPONSES.values(), ids=RESPONSES.keys())
async def test_a_short_response_is_what_aiohttp_would_send(
    make: Callable[[], web.StreamResponse], line: str
) -> None:
    async def received(app: web.Application) -> bytes:
        async with serving(app, keepalive_seconds=0.02) as running, peer(running.port) as client:
            await client.send(request(line))
            return await client.until_closed()

    async def handler(_: web.Request) -> web.StreamResponse:
        response = make()
        response.headers.setdefault("Date", "Sun, 22 Nov 2026 08:49:37 GMT")
        return response

    async def ask(*_: Any) -> None:
        """Receive a signal, so that aiohttp's way has to be gone."""

    brief, long = service(web.route("*", "/x", handler)), service(web.route("*", "/x", handler))
    long.on_response_prepare.append(ask)

    assert lines(await received(brief)) == lines(await received(long))


def lines(response: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Return a response's first line, its headers in the order of their names, and its body."""
    head, _, body = response.partition(b"\r\n\r\n")
    first, *headers = head.split(b"\r\n")
    assert first.startswith((b"HTTP/1.1 ", b"HTTP/1.0 "))
    return first, sorted(headers), body


async def test_a_chunked_response_stays_one() -> None:
    async def handler(_: web.Request) -> web.Response:
        return chunked(web.Response(text="abc"))

    async with serving(service(web.get("/x", handler))) as running, peer(running.port) as client:
        await client.send(request("GET /x HTTP/1.1", "Connection: close"))
        answer = await client.until_closed()

    assert b"transfer-encoding: chunked" in answer.lower()
    assert answer.endswith(b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n")


@pytest.mark.guarantee("short cuts")
async def test_an_ordinary_request_has_all_that_aiohttp_gives_one() -> None:
    pairs: list[tuple[dict[str, Any], dict[str, Any]]] = []

    async def compare(request: web.Request) -> web.Response:
        connection = request.protocol
        assert isinstance(connection, Connection)
        task = asyncio.current_task()
        assert task is not None
        ours = ordinary_request(request._message, request._payload, connection, task)
        theirs = web.Request(
            request._message,
            request._payload,
            connection,
            ours._payload_writer,
            task,
            ours._loop,
            client_max_size=ours._client_max_size,
            client_max_fields=ours._client_max_fields,
        )
        pairs.append(({name: getattr(ours, name) for name in vars(theirs)}, vars(theirs)))
        return web.Response()

    async with serving(service(web.get("/x", compare))) as running, peer(running.port) as client:
        await client.send(request("GET /x HTTP/1.1"))
        await client.answer()

    ours, theirs = pairs[0]
    assert ours == theirs


class Left:
    """Be what a request leaves in its context."""


LEFT: ContextVar[Left | None] = ContextVar("left", default=None)


async def test_a_connection_keeps_nothing_of_the_context_of_a_request() -> None:
    left: list[weakref.ref[Left]] = []

    async def leave(_: web.Request) -> web.Response:
        something = Left()
        LEFT.set(something)
        left.append(weakref.ref(something))
        await asyncio.sleep(0.001)
        return web.Response()

    async with serving(service(web.get("/x", leave))) as running, peer(running.port) as client:
        for _ in range(3):
            await client.send(request("GET /x HTTP/1.1"))
            await client.answer()
        await asyncio.sleep(0.05)
        gc.collect()
        kept = [reference() for reference in left]

    assert kept == [None] * 3


async def test_a_connection_whose_pipeline_never_rests_is_not_idle() -> None:
    async def hold_up(_: web.Request) -> web.Response:
        time.sleep(0.01)  # noqa: ASYNC251 -- the request waits for nothing, so each is answered in its own turn
        return web.Response()

    app = service(web.get("/x", hold_up))
    async with serving(app, keepalive_seconds=0.1) as running, peer(running.port) as client:
        await client.send(request("GET /first HTTP/1.1"))
        await client.answer()
        await client.send(request("GET /x HTTP/1.1") * 30)
        answers = await client.answers()

    assert [answer.status for answer in answers] == [200] * 30


@pytest.mark.guarantee("graceful stop")
async def test_a_stream_that_is_its_connection_s_last_response_says_so_in_its_head() -> None:
    async def tell(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1"})
        await response.prepare(request)
        await response.write_eof(b"a")
        return response

    async with (
        serving(service(web.get("/x", tell)), requests_per_connection=2) as running,
        peer(running.port) as client,
    ):
        await client.send(request("GET /x HTTP/1.1"))
        first = await client.answer()
        await client.send(request("GET /x HTTP/1.1"))
        second = await client.answer()

    assert "connection" not in first.headers
    assert second.headers["connection"] == "close"
