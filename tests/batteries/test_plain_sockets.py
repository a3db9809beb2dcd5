"""aiohttp's own WebSockets are as safe as those of rooms."""

from __future__ import annotations

import asyncio
import gc
import weakref
from dataclasses import replace
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType, web
from yarl import URL

from framework import ServiceSettings, create_app, public, redirect
from framework.batteries.sockets import SocketSettings
from framework.errors import BadRequest, Conflict, ServiceUnavailable
from framework.routing import RouteTableDef
from framework.testing import Serve

MEBIBYTE = 1024 * 1024
ERRORS: dict[str, Exception] = {
    "ours": ValueError("secret"),
    "peer": BadRequest("Say something sensible."),
    "long": Conflict("x" * 200),
    "aiohttp": web.HTTPForbidden(text="No."),
    "away": ServiceUnavailable("Later."),
}


@pytest.fixture
async def url(serve: Serve) -> URL:
    routes = RouteTableDef()

    @routes.get("/socket")
    @public
    async def socket(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for message in ws:
            if message.data in ERRORS:
                raise ERRORS[message.data]
            await ws.send_str(message.data)
        return ws

    @routes.get("/own")
    @public
    async def own(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(heartbeat=60, max_msg_size=2 * MEBIBYTE)
        await ws.prepare(request)
        async for message in ws:
            await ws.send_str(str(len(message.data)))
        return ws

    @routes.get("/typed")
    @public
    async def typed(number: int, request: web.Request) -> web.WebSocketResponse:
        await web.WebSocketResponse().prepare(request)
        raise LookupError(number)

    settings = ServiceSettings()
    sockets = SocketSettings(
        origins=("https://app.example", "https://*.family.example"), heartbeat=timedelta(seconds=0.2)
    )
    return await serve(create_app(replace(settings, sockets=sockets), routes=[routes]))


@pytest.mark.parametrize(
    ("said", "code", "reason"),
    [
        ("ours", 1011, ""),
        ("peer", 1008, "Say something sensible."),
        ("long", 1008, "x" * 123),
        ("aiohttp", 1008, "No."),
        ("away", 1011, ""),
    ],
)
async def test_an_exception_behind_the_handshake_closes_with_a_code(
    said: str,
    code: int,
    reason: str,
    url: URL,
    client: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with client.ws_connect(url / "socket") as ws:
        await ws.send_str(said)
        message = await ws.receive(timeout=5)

    assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, code, reason)
    logged = [record for record in caplog.records if record.msg == "unhandled_error"]
    assert len(logged) == (code == 1011)


async def test_so_does_one_of_a_typed_handler(url: URL, client: aiohttp.ClientSession) -> None:
    async with client.ws_connect((url / "typed").with_query(number=1)) as ws:
        message = await ws.receive(timeout=5)

    assert message.data == 1011


async def test_an_exception_in_front_of_it_is_an_answer(url: URL, client: aiohttp.ClientSession) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as raised:
        await client.ws_connect((url / "typed").with_query(number="x"))

    assert raised.value.status == 422


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        pytest.param(None, 101, id="a program"),
        pytest.param("own", 101, id="a page of the service"),
        pytest.param("https://app.example", 101, id="a known origin"),
        pytest.param("https://one.family.example", 101, id="an origin by pattern"),
        pytest.param("https://evil.example", 403, id="a stranger"),
        pytest.param("null", 403, id="nobody"),
        pytest.param("", 403, id="an empty one"),
        pytest.param("https://app.example.evil.example", 403, id="one that looks like a known one"),
    ],
)
async def test_a_page_may_connect_from(
    origin: str | None, status: int, url: URL, client: aiohttp.ClientSession
) -> None:
    sent: dict[str, Any] = (
        {} if origin is None else {"Origin": str(url.origin()) if origin == "own" else origin}
    )

    try:
        async with client.ws_connect(url / "socket", headers=sent) as ws:
            await ws.send_str("hello")
            answered = 101 if await ws.receive_str() == "hello" else 0
    except aiohttp.WSServerHandshakeError as error:
        answered = error.status

    assert answered == status


async def opened(request: web.Request) -> web.WebSocketResponse:
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    return ws


ends = RouteTableDef()


@ends.get("/closed")
@public
async def close_and_return_none(request: web.Request) -> None:
    await (await opened(request)).close()


@ends.get("/closed-plain")
@public
async def close_and_return(request):  # type: ignore[no-untyped-def] # as aiohttp's handlers often are
    await (await opened(request)).close()


@ends.get("/read")
@public
async def read_and_return_none(request: web.Request) -> web.WebSocketResponse:  # type: ignore[return]
    async for _ in await opened(request):
        pass


@ends.get("/open")
@public
async def return_none(request: web.Request) -> None:
    await opened(request)


@ends.get("/value")
@public
async def return_a_value(request: web.Request) -> dict[str, int]:
    await opened(request)
    return {"a": 1}


@ends.get("/response")
@public
async def return_a_response(request: web.Request, number: int = 1) -> web.Response:
    await opened(request)
    return web.Response(text=str(number))


@ends.get("/redirect")
@public
async def return_a_redirect(request: web.Request) -> web.Response:
    await opened(request)
    return redirect("/elsewhere")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("closed", 1000),
        ("closed-plain", 1000),
        ("read", 1000),
        ("open", 1011),
        ("value", 1011),
        ("response", 1011),
        ("redirect", 1011),
    ],
)
async def test_what_a_handler_returns_behind_the_handshake_ends_the_socket_with_a_code(
    path: str,
    code: int,
    serve: Serve,
    client: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    url = await serve(create_app(ServiceSettings(), routes=[ends]))

    async with client.ws_connect(url / path) as ws:
        if path == "read":
            await ws.close()
        else:
            await ws.receive(timeout=5)

    assert ws.close_code == code
    logged = [record.name for record in caplog.records if record.levelname == "ERROR"]
    assert logged == (["framework.problems"] if code == 1011 else [])


@pytest.mark.guarantee("bounded forms")
@pytest.mark.parametrize(
    ("path", "size", "is_taken"),
    [
        ("socket", MEBIBYTE - 1, True),
        ("socket", MEBIBYTE + 1, False),
        ("own", 2 * MEBIBYTE - 1, True),
        ("own", 2 * MEBIBYTE + 1, False),
    ],
)
async def test_a_message_is_no_larger_than_settings_or_handler_say(
    path: str,
    size: int,
    is_taken: bool,
    url: URL,
    client: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with client.ws_connect(url / path, max_msg_size=0) as ws:
        await ws.send_str("x" * size)
        message = await ws.receive(timeout=5)

    if is_taken:
        assert message.type is WSMsgType.TEXT
    else:
        assert (message.type, message.data) == (WSMsgType.CLOSE, 1009)
    # The handlers stumble over what aiohttp tells them of it.
    assert "unhandled_error" not in caplog.messages


@pytest.mark.guarantee("bounded forms")
@pytest.mark.parametrize(("path", "is_asked"), [("socket", True), ("own", False)])
async def test_a_silent_peer_is_asked_for_a_sign_of_life(
    path: str, is_asked: bool, url: URL, client: aiohttp.ClientSession
) -> None:
    async with client.ws_connect(url / path, autoping=False) as ws:
        try:
            asked = (await ws.receive(timeout=1)).type is WSMsgType.PING
        except TimeoutError:
            asked = False

        assert asked is is_asked


@pytest.mark.guarantee("bounded forms")
async def test_one_that_gives_none_is_gone(url: URL, client: aiohttp.ClientSession) -> None:
    async with client.ws_connect(url / "socket", autoping=False) as ws:
        await ws.receive(timeout=2)

        last = await ws.receive(timeout=2)

    assert last.type in {WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.ERROR}


@pytest.mark.guarantee("short cuts")
async def test_a_socket_and_its_request_go_with_the_connection(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    routes = RouteTableDef()
    left: list[weakref.ref[object]] = []

    @routes.get("/ws")
    @public
    async def socket(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        left.extend([weakref.ref(request), weakref.ref(ws)])
        async for _ in ws:
            pass
        return ws

    url, kept = await serve(create_app(routes=[routes])), [True]
    gc.disable()
    try:
        async with client.ws_connect(url / "ws") as ws:
            await ws.send_str("a")
        for _ in range(100):
            await asyncio.sleep(0.01)
            kept = [reference() is not None for reference in left]
            if not any(kept):
                break
    finally:
        gc.enable()

    assert kept == [False, False]
