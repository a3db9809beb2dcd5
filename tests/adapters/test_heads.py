"""Heads that were learned are the heads that aiohttp would have made, and belong to one kind of response alone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from framework.adapters.aiohttp.heads import Heads
from framework.adapters.aiohttp.responses import JSONResponse
from framework.app import ServiceSettings, create_app
from framework.batteries import cors, logs, problems, security
from framework.batteries.cors import CorsSettings
from framework.battery import Battery, Facts
from framework.context import PRINCIPAL, REQUEST_ID
from framework.principal import Principal
from framework.routing import RouteTableDef
from framework.server import ServerSettings, serve
from tests.server.raw import peer, request

pytestmark = pytest.mark.guarantee("short cuts")

KNOWN, PATTERN = "https://known.example", "https://*.pattern.example"
CORS = CorsSettings(origins=(KNOWN, PATTERN), allow_credentials=True)


def touched(response: web.Response) -> web.Response:
    response.headers["X-Touched"] = "100 %d %s"
    return response


def with_cookie(response: web.Response) -> web.Response:
    response.set_cookie("session", "one")
    return response


def compressed(response: web.Response) -> web.Response:
    response.enable_compression(web.ContentCoding.deflate)
    return response


def closing(response: web.Response) -> web.Response:
    response.force_close()
    return response


def with_reason(response: web.Response) -> web.Response:
    response.set_status(299, "Fine 100% %s")
    return response


RESPONSES: dict[str, Callable[[], web.StreamResponse]] = {
    "ok": lambda: JSONResponse(b'{"a":1}'),
    "longer": lambda: JSONResponse(b'{"a":[1,2,3,4,5,6,7,8,9]}'),
    "empty": lambda: JSONResponse(b""),
    "created": lambda: JSONResponse(b"{}", status=201),
    "missing": lambda: JSONResponse(b"{}", status=404),
    "no-content": lambda: JSONResponse(b"", status=204),
    "not-modified": lambda: JSONResponse(b"", status=304),
    "unknown": lambda: JSONResponse(b"{}", status=299),
    "reason": lambda: with_reason(JSONResponse(b"{}")),
    "media-type": lambda: JSONResponse(b"{}", media_type="application/vnd.a+json; p=100%"),
    "html": lambda: JSONResponse(b"{}", media_type="text/html"),
    "touched": lambda: touched(JSONResponse(b"{}")),
    "given": lambda: JSONResponse(b"{}", headers={"Set-Cookie": "a=b", "X-A": "%d"}),
    "cookie": lambda: with_cookie(JSONResponse(b"{}")),
    "compressed": lambda: compressed(JSONResponse(b"0" * 4000)),
    "closing": lambda: closing(JSONResponse(b"{}")),
    "large": lambda: JSONResponse(b"0" * 20_000),
    "problem": lambda: web.json_response({}, status=400),
}


def api() -> RouteTableDef:
    """Return one endpoint of all methods for all kinds of responses: the heads of all are in one place."""
    routes = RouteTableDef()

    @routes.route("*", "/x")
    async def respond(request: web.Request) -> web.StreamResponse:
        if "principal" in request.query:
            request[PRINCIPAL] = Principal(subject=request.query["principal"])
        return RESPONSES[request.query["as"]]()

    return routes


def app_with(*batteries: Battery) -> web.Application:
    quiet = logs.battery(write=lambda _: None)
    standard = [quiet, problems.battery(), security.battery(), cors.battery(CORS)]
    return create_app(ServiceSettings(), routes=[api()], batteries=[*standard, *batteries])


def slow() -> web.Application:
    """Return the service with a receiver of somebody's, for which aiohttp's own way has to be gone."""

    async def receive(*_: Any) -> None:
        await asyncio.sleep(0)

    app = app_with()
    app.on_response_prepare.append(receive)
    return app


REQUESTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "plain": ("GET", ()),
    "posted": ("POST", ("Content-Length: 0",)),
    "head": ("HEAD", ()),
    "known origin": ("GET", (f"Origin: {KNOWN}",)),
    "origin of a pattern": ("GET", ("Origin: https://a.pattern.example",)),
    "another origin of a pattern": ("GET", ("Origin: https://b.pattern.example",)),
    "unknown origin": ("GET", ("Origin: https://evil.example",)),
    "no origin": ("GET", ("Origin: null",)),
    "empty origin": ("GET", ("Origin:",)),
    "two origins": ("GET", ("Origin: https://evil.example", f"Origin: {KNOWN}")),
    "its own id": ("GET", ("X-Request-ID: mine-1",)),
    "an id that is a header's value": ("GET", ("X-Request-ID: nosniff",)),
    "the last": ("GET", ("Connection: close",)),
}


async def received(app: web.Application, heads: list[bytes]) -> list[bytes]:
    """Return the response to each of these requests, each on a connection of its own, asked for in turn."""
    found = []
    async with serve(
        app, ServerSettings(port=0, keepalive_seconds=0.001, linger_seconds=0.1, drain_seconds=0)
    ) as running:
        for head in heads:
            async with peer(running.port) as client:
                await client.send(head)
                found.append(await client.until_closed())
    return found


def steady(response: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Return a response without its date and a drawn id, its headers in the order of their names."""
    head, _, body = response.partition(b"\r\n\r\n")
    head = re.sub(rb"\r\nDate: [^\r]*", b"\r\nDate: now", head)
    first, *headers = re.sub(rb"(?<=X-Request-ID: )[0-9a-f]{32}", b"drawn", head).split(b"\r\n")
    return first, sorted(headers), body


@pytest.mark.parametrize("principal", ["", "&principal=ada"], ids=["nobody", "somebody"])
@pytest.mark.parametrize("kind", RESPONSES)
async def test_a_learned_head_is_the_one_that_aiohttp_makes(kind: str, principal: str) -> None:
    heads = [
        request(f"{method} /x?as={kind}{principal} HTTP/1.1", *headers)
        for method, headers in REQUESTS.values()
        for _ in range(2)
    ]

    ours, theirs = await received(app_with(), heads), await received(slow(), heads)

    assert all(response.startswith(b"HTTP/1.1 ") for response in ours)
    assert [steady(response) for response in ours] == [steady(response) for response in theirs]


async def test_kinds_of_responses_of_one_endpoint_do_not_mix() -> None:
    kinds = [f"{kind}{principal}" for kind in RESPONSES for principal in ("", "&principal=ada")]
    origins = [(), (f"Origin: {KNOWN}",), ("Origin: https://evil.example",)]
    heads = [
        request(f"GET /x?as={kind} HTTP/1.1", *origin)
        for _ in range(2)
        for kind in kinds
        for origin in origins
    ]

    ours, theirs = await received(app_with(), heads), await received(slow(), heads)

    assert [steady(response) for response in ours] == [steady(response) for response in theirs]


async def responses_to(app: web.Application, *heads: tuple[str, ...]) -> list[bytes]:
    return await received(app, [request("GET /x?as=ok HTTP/1.1", *head) for head in heads])


async def test_a_stamp_that_does_not_say_what_it_depends_on_keeps_heads_from_being_learned() -> None:
    def stamp(request: web.Request, response: web.StreamResponse) -> None:
        response.headers["X-Language"] = request.headers.get("Accept-Language", "none")

    found = await responses_to(
        app_with(Battery(name="language", stamp=stamp)), (), ("Accept-Language: de",), ()
    )

    assert [re.findall(rb"X-Language: (\w+)", response) for response in found] == [
        [b"none"],
        [b"de"],
        [b"none"],
    ]


async def test_a_stamp_that_repeats_the_request_s_id_gives_each_its_own() -> None:
    def stamp(request: web.Request, response: web.StreamResponse) -> None:
        response.headers["X-Correlation"] = request[REQUEST_ID]

    repeating = Battery(name="correlation", stamp=stamp, stamp_facts=lambda endpoint: Facts())
    found = await responses_to(app_with(repeating), ("X-Request-ID: one",), ("X-Request-ID: two",))

    assert [re.findall(rb"(?:X-Correlation|X-Request-ID): (\w+)", response) for response in found] == [
        [b"one", b"one"],
        [b"two", b"two"],
    ]


async def test_a_head_that_lacks_a_stamp_that_failed_is_not_kept() -> None:
    attempts = iter(range(3))

    def stamp(request: web.Request, response: web.StreamResponse) -> None:
        if next(attempts) == 0:
            raise RuntimeError
        response.headers["X-Safe"] = "yes"

    failing = Battery(name="failing", stamp=stamp, stamp_facts=lambda endpoint: Facts())
    found = await responses_to(app_with(failing), (), (), ())

    assert [b"X-Safe: yes" in response for response in found] == [False, True, True]


async def test_an_id_with_a_line_break_is_never_written() -> None:
    async def replace_id(request: web.Request, handler: Any) -> web.StreamResponse:
        request[REQUEST_ID] = request.headers.get("X-Id", "good").replace("|", "\r\n")
        response: web.StreamResponse = await handler(request)
        return response

    renaming = Battery(name="renaming", middleware=replace_id)
    found = await responses_to(app_with(renaming), (), (), ("X-Id: a|X-Evil: b",))

    assert [response[:12] for response in found] == [b"HTTP/1.1 200", b"HTTP/1.1 200", b""]


def head_of(number: int) -> bytes:
    return f"HTTP/1.1 {number} OK\r\nContent-Length: 2\r\nDate: now\r\nX-Request-ID: id-{number}\r\n\r\n".encode()


def test_heads_are_learned_of_so_many_kinds_and_no_more() -> None:
    heads = Heads([])

    for number in range(200, 300):
        heads.learn(number, head_of(number) + b"{}", 2, f"id-{number}")

    known = [
        number for number in range(200, 300) if heads.data(number, JSONResponse(b"[]"), "later") is not None
    ]
    assert known == list(range(200, 232))


def test_a_known_head_gets_the_length_the_date_and_the_id_of_its_own_response() -> None:
    heads, response = Heads([]), JSONResponse(b"[1, 2]")
    heads.learn("kind", head_of(200) + b"{}", 2, "id-200")

    data = heads.data("kind", response, "later")

    assert data is not None
    assert re.fullmatch(
        rb"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nDate: \w{3}, [^\r]+ GMT\r\nX-Request-ID: later\r\n\r\n\[1, 2\]",
        data,
    )
    assert response.body_length == len(data)


@pytest.mark.parametrize("request_id", ["", "a\r\nb: c", "a\x00"], ids=["none", "line break", "NUL"])
def test_a_known_head_is_not_used_with_an_id_that_is_none(request_id: str) -> None:
    heads = Heads([])
    heads.learn("kind", head_of(200) + b"{}", 2, "id-200")

    assert heads.data("kind", JSONResponse(b"{}"), request_id) is None
