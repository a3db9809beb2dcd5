"""A response without a body has none on the wire, whatever its handler writes."""

from __future__ import annotations

import pytest
from aiohttp import web
from yarl import URL

from framework.routing import RouteTableDef
from framework.testing import Serve
from tests.kernel import kernel_app
from tests.server.raw import peer, request

routes = RouteTableDef()


async def write(response: web.StreamResponse, asked: web.Request) -> web.StreamResponse:
    await response.prepare(asked)
    await response.write(b"hello " * 100)
    await response.write(b"world")
    await response.write_eof(b"!")
    return response


@routes.get("/plain")
async def plain(request: web.Request) -> web.StreamResponse:
    return await write(web.StreamResponse(), request)


@routes.get("/length")
async def length(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    response.content_length = 606
    return await write(response, request)


@routes.get("/chunked")
async def chunked(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    response.enable_chunked_encoding()
    return await write(response, request)


@routes.get("/compressed")
async def compressed(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    response.enable_compression(web.ContentCoding.gzip)
    return await write(response, request)


@routes.get("/status/{status}")
async def with_status(status: int, request: web.Request) -> web.StreamResponse:
    return await write(web.StreamResponse(status=status), request)


@routes.get("/next")
async def following() -> str:
    return "next"


@pytest.fixture
async def url(serve: Serve) -> URL:
    return await serve(kernel_app(routes))


@pytest.mark.guarantee("response faults")
@pytest.mark.parametrize(
    "line",
    [
        "HEAD /plain",
        "HEAD /length",
        "HEAD /chunked",
        "HEAD /compressed",
        "HEAD /status/204",
        "GET /status/204",
        "GET /status/304",
    ],
)
async def test_nothing_of_it_spoils_the_next_response(line: str, url: URL) -> None:
    first = request(f"{line} HTTP/1.1")
    second = request("GET /next HTTP/1.1", "Connection: close")

    async with peer(url.port or 0) as client:
        await client.send(first + second)
        answer = await client.until_closed()

    head, _, rest = answer.partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 204", b"HTTP/1.1 304"))
    assert rest.startswith(b"HTTP/1.1 200 OK\r\n")
    assert rest.endswith(b'"next"')


@pytest.mark.parametrize("path", ["/plain", "/length", "/chunked"])
async def test_a_body_that_is_asked_for_is_sent(path: str, url: URL) -> None:
    async with peer(url.port or 0) as client:
        await client.send(request(f"GET {path} HTTP/1.1", "Connection: close"))
        answer = await client.until_closed()

    assert b"hello hello" in answer
    assert b"world" in answer
