"""Unusual requests that are right are served, and mean the same to a route and to ``request.url``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from aiohttp import web

from tests.server.raw import exchange, peer, request
from tests.server.service import CALLS, service, serving

CLOSE = "Connection: close"

# A name, and then what is sent, the path that a handler sees, and the URL that it sees.
ACCEPTED: dict[str, tuple[bytes, str, str]] = {
    "port": (request("GET /x HTTP/1.1", CLOSE, host="a:8080"), "/x", "http://a:8080/x"),
    "port-empty": (request("GET /x HTTP/1.1", CLOSE, host="a:"), "/x", "http://a/x"),
    "underscore": (request("GET /x HTTP/1.1", CLOSE, host="a_b"), "/x", "http://a_b/x"),
    "ipv6": (request("GET /x HTTP/1.1", CLOSE, host="[::1]:80"), "/x", "http://[::1]/x"),
    "http-1.0": (request("GET /x HTTP/1.0", host="a"), "/x", "http://a/x"),
    "http-1.0-without-host": (request("GET /x HTTP/1.0", host=""), "/x", "http://127.0.0.1/x"),
    "absolute": (request("GET http://a/x?y=1 HTTP/1.1", CLOSE), "/x", "http://a/x?y=1"),
    "absolute-upper-case": (request("GET HTTP://A/x HTTP/1.1", CLOSE), "/x", "http://a/x"),
    "absolute-without-path": (request("GET http://a HTTP/1.1", CLOSE), "/", "http://a/"),
    "absolute-only-query": (request("GET http://a?y=1 HTTP/1.1", CLOSE), "/", "http://a/?y=1"),
    "absolute-https": (request("GET https://a/x HTTP/1.1", CLOSE), "/x", "http://a/x"),
    "hidden-file": (
        request("GET /.well-known/x HTTP/1.1", CLOSE),
        "/.well-known/x",
        "http://a/.well-known/x",
    ),
    "dots-in-a-name": (request("GET /a..b/... HTTP/1.1", CLOSE), "/a..b/...", "http://a/a..b/..."),
    "dots-in-the-query": (request("GET /x?y=/../ HTTP/1.1", CLOSE), "/x", "http://a/x?y=/../"),
    "escaped-slash": (request("GET /a%2F..%2fb HTTP/1.1", CLOSE), "/a/../b", "http://a/a%2F..%2fb"),
    "two-slashes": (request("GET //b/x HTTP/1.1", CLOSE), "//b/x", "http://a//b/x"),
    "escaped-space": (request("GET /a%20b HTTP/1.1", CLOSE), "/a b", "http://a/a%20b"),
    "encoding-without-body": (
        request("GET /x HTTP/1.1", CLOSE, "Content-Encoding: gzip"),
        "/x",
        "http://a/x",
    ),
    "encoding-identity": (
        request("PUT /x HTTP/1.1", CLOSE, "Content-Encoding: identity", "Content-Length: 1", body=b"x"),
        "/x",
        "http://a/x",
    ),
    "chunk-extension-and-trailer": (
        request(
            "PUT /x HTTP/1.1", CLOSE, "Transfer-Encoding: Chunked", body=b"1;a=b\r\nx\r\n0\r\nX-T: y\r\n\r\n"
        ),
        "/x",
        "http://a/x",
    ),
    "expectation-without-body": (
        request("GET /x HTTP/1.1", CLOSE, "Expect: 100-continue"),
        "/x",
        "http://a/x",
    ),
    "registered-method": (request("PROPFIND /x HTTP/1.1", CLOSE), "/x", "http://a/x"),
}


@pytest.mark.guarantee("malformed requests")
@pytest.mark.parametrize(("data", "path", "url"), ACCEPTED.values(), ids=ACCEPTED.keys())
async def test_an_unusual_request_is_served(data: bytes, path: str, url: str) -> None:
    async with serving(service()) as running:
        [answer] = await exchange(running.port, data)

    assert answer.status == 200
    seen = json.loads(answer.body)
    assert seen["path"] == path
    assert seen["url"] == url


async def test_options_for_the_whole_server_reach_the_application() -> None:
    async with serving(service()) as running:
        [answer] = await exchange(running.port, request("OPTIONS * HTTP/1.1", CLOSE))

    assert answer.status == 404


async def test_pipelined_requests_are_answered_in_order() -> None:
    app = service()

    async with serving(app) as running:
        data = request("GET /1 HTTP/1.1") + request("GET /2 HTTP/1.1") + request("GET /3 HTTP/1.1", CLOSE)
        answers = await exchange(running.port, data)

    assert [json.loads(answer.body)["path"] for answer in answers] == ["/1", "/2", "/3"]
    assert app[CALLS] == ["GET /1", "GET /2", "GET /3"]


async def test_a_connection_may_change_its_host() -> None:
    async with serving(service()) as running, peer(running.port) as client:
        urls = []
        for host in ("a", "b:81", "a"):
            await client.send(request("GET / HTTP/1.1", host=host))
            urls.append(json.loads((await client.answer()).body)["url"])

    assert urls == ["http://a/", "http://b:81/", "http://a/"]


@pytest.mark.guarantee("malformed requests")
async def test_a_host_that_was_good_once_does_not_open_the_gate_for_another() -> None:
    async with serving(service()) as running, peer(running.port) as client:
        await client.send(request("GET / HTTP/1.1", host="a"))
        first = await client.answer()
        await client.send(request("GET / HTTP/1.1", host="a:abc"))
        second = await client.answer()

    assert first.status == 200
    assert second.status == 400


@pytest.mark.guarantee("malformed requests")
@pytest.mark.parametrize("version", ["HTTP/0.9", "HTTP/1.2", "HTTP/2.0"])
async def test_another_version_of_http_is_refused_as_such(version: str) -> None:
    async with serving(service()) as running, peer(running.port) as client:
        await client.send(request("GET / HTTP/1.1"))
        good = await client.answer()
        await client.send(request(f"GET / {version}"))
        [answer] = await client.answers()

    assert good.status == 200
    assert answer.status == 505
    assert answer.version == "HTTP/1.1"


async def test_compressed_bodies_are_let_through_where_the_service_decodes_them() -> None:
    async with serving(service(), accept_encoded_bodies=True) as running:
        data = request("PUT /x HTTP/1.1", CLOSE, "Content-Encoding: gzip", "Content-Length: 3", body=b"abc")
        [answer] = await exchange(running.port, data)

    assert json.loads(answer.body)["bytes"] == 3


@pytest.mark.guarantee("malformed requests")
@pytest.mark.parametrize("header", ["If-Modified-Since", "If-Unmodified-Since", "If-Range"])
async def test_a_date_of_a_year_that_never_comes_is_ignored(header: str, tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    file.write_text("content")

    async def send(request: web.Request) -> web.FileResponse:
        return web.FileResponse(file)

    async with serving(service(web.get("/file", send))) as running:
        date = f"{header}: Fri, 31 Dec 99999999999 23:59:59 GMT"
        [answer] = await exchange(running.port, request("GET /file HTTP/1.1", CLOSE, date))

    assert (answer.status, answer.body) == (200, b"content")
