"""Every request gets a response, and no response says more than it should."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, cast

import pytest
from aiohttp import ClientSession, web

from framework.adapters.aiohttp.applications import stock_service
from framework.errors import Conflict, ServiceUnavailable
from framework.problem import Problem
from framework.server import SERVICE
from tests.server.raw import exchange, peer, request
from tests.server.service import CALLS, errors, service, serving

GET = request("GET /x HTTP/1.1", "Connection: close")


async def raise_key_error(_: web.Request) -> web.Response:
    raise KeyError("a secret")


async def raise_timeout(_: web.Request) -> web.Response:
    raise TimeoutError


async def wait_for_a_cancelled_task(_: web.Request) -> web.Response:
    task = asyncio.create_task(asyncio.sleep(60))
    asyncio.get_running_loop().call_soon(task.cancel)
    await task
    return web.Response()


async def return_nothing(_: web.Request) -> Any:
    return None


async def return_text(_: web.Request) -> Any:
    return "text"


def response_with(**parts: Any) -> Any:
    """Return a handler whose response has these parts."""

    async def handler(_: web.Request) -> web.Response:
        return web.Response(**parts)

    return handler


async def fail_before_the_first_byte(_: web.Request) -> web.Response:
    async def body() -> AsyncIterator[bytes]:
        for row in [{"a": b"1"}]:
            yield row["a secret"]

    return web.Response(body=body())


async def raise_with_bad_header(_: web.Request) -> web.Response:
    raise web.HTTPForbidden(headers={"X-A": "b\r\nX-Injected: c"})


async def set_bad_cookie(_: web.Request) -> web.Response:
    response = web.Response()
    response.set_cookie("a", "b", path="/\r\nX-Injected: c")
    return response


async def start_with_bad_header(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"X-A": "b\r\nX-Injected: c"})
    await response.prepare(request)
    return response


FAULTS: dict[str, Any] = {
    "exception": raise_key_error,
    "timeout": raise_timeout,
    "stray-cancellation": wait_for_a_cancelled_task,
    "no-response": return_nothing,
    "not-a-response": return_text,
    "crlf-in-header": response_with(headers={"X-A": "b\r\nX-Injected: c"}),
    "cr-in-header": response_with(headers={"X-A": "b\rX-Injected: c"}),
    "lf-in-header": response_with(headers={"X-A": "b\nX-Injected: c"}),
    "nul-in-header": response_with(headers={"X-A": "b\x00c"}),
    "crlf-in-name": response_with(headers={"X-A\r\nX-Injected": "b"}),
    "crlf-in-content-type": response_with(content_type="text/html\r\nX-Injected: c"),
    "crlf-in-location": response_with(status=302, headers={"Location": "/\r\nX-Injected: c"}),
    "nul-in-reason": response_with(reason="a\x00b"),
    "number-in-header": response_with(headers={"X-A": 1}),
    "crlf-in-cookie": set_bad_cookie,
    "crlf-in-stream": start_with_bad_header,
    "crlf-in-http-exception": raise_with_bad_header,
    "body-fails-before-the-first-byte": fail_before_the_first_byte,
}


@pytest.mark.guarantee("response faults")
@pytest.mark.parametrize("debug", [False, True], ids=["plain-loop", "debug-loop"])
@pytest.mark.parametrize("handler", FAULTS.values(), ids=FAULTS.keys())
async def test_a_fault_of_ours_is_a_logged_500_that_tells_nothing(
    handler: Any, debug: bool, caplog: pytest.LogCaptureFixture
) -> None:
    asyncio.get_running_loop().set_debug(debug)

    async with serving(service(web.get("/x", handler))) as running:
        [answer] = await exchange(running.port, GET)

    assert answer.status == 500
    assert answer.problem == {"type": "about:blank", "title": "Internal Server Error", "status": 500}
    assert "x-injected" not in answer.headers
    [record] = [record for record in caplog.records if record.name == "framework.server"]
    assert record.levelname == "ERROR"
    assert record.exc_info
    assert record.__dict__["path"] == "/x"


@pytest.mark.guarantee("response faults")
async def test_an_error_of_the_service_is_its_problem(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(_: web.Request) -> web.Response:
        raise Conflict("The name is taken.", name="ada")

    async with serving(service(web.get("/x", handler))) as running:
        [answer] = await exchange(running.port, GET)

    assert answer.status == 409
    assert answer.problem["detail"] == "The name is taken."
    assert answer.problem["name"] == "ada"
    assert errors(caplog.records) == []


@pytest.mark.guarantee("response faults")
async def test_headers_of_an_error_are_sent_and_a_fault_of_ours_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def handler(_: web.Request) -> web.Response:
        raise ServiceUnavailable(retry_after_seconds=7)

    async with serving(service(web.get("/x", handler))) as running:
        [answer] = await exchange(running.port, GET)

    assert answer.status == 503
    assert answer.headers["retry-after"] == "7"
    assert errors(caplog.records) == ["Unhandled error"]


@pytest.mark.guarantee("response faults")
async def test_a_second_response_is_not_mixed_into_one_that_has_begun(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def begin_and_return_another(request: web.Request) -> web.Response:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half")
        return web.Response(text="another")

    async with (
        serving(service(web.get("/x", begin_and_return_another))) as running,
        peer(running.port) as client,
    ):
        await client.send(request("GET /x HTTP/1.1"))
        everything = await client.until_closed()

    assert everything.count(b"HTTP/1.1") == 1
    assert everything.endswith(b"\r\n4\r\nhalf\r\n")
    assert errors(caplog.records) == ["Unhandled error"]


@pytest.mark.guarantee("response faults")
async def test_a_response_that_another_request_was_sent_is_a_logged_500(
    caplog: pytest.LogCaptureFixture,
) -> None:
    once = web.Response(text="once")

    async def handler(_: web.Request) -> web.Response:
        return once

    async with serving(service(web.get("/x", handler))) as running:
        [first] = await exchange(running.port, GET)
        [second] = await exchange(running.port, GET)

    assert (first.status, second.status) == (200, 500)
    assert errors(caplog.records) == ["Unhandled error"]


@pytest.mark.guarantee("response faults")
async def test_a_response_that_another_request_is_being_sent_is_a_500() -> None:
    once = web.Response(body=bytes(20_000_000))

    async def handler(_: web.Request) -> web.Response:
        return once

    app = service(web.get("/x", handler))
    async with serving(app) as running, peer(running.port) as first:
        await first.send(GET)
        head = await first.reader.readuntil(b"\r\n\r\n")
        [second] = await exchange(running.port, GET)
        body = await first.until_closed()

    assert head.startswith(b"HTTP/1.1 200")
    assert len(body) == 20_000_000
    assert second.status == 500


@pytest.mark.guarantee("response faults")
async def test_a_service_may_respond_for_a_stream_whose_head_could_not_be_written() -> None:
    @web.middleware
    async def excuse(request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            return cast(web.StreamResponse, await handler(request))
        except ValueError:
            return web.Response(status=500, text="sorry")

    app = service(web.get("/x", start_with_bad_header))
    app.middlewares.append(excuse)
    async with serving(app) as running:
        [answer] = await exchange(running.port, GET)

    assert answer.body == b"sorry"
    assert "transfer-encoding" not in answer.headers


@pytest.mark.guarantee("response faults")
async def test_a_response_that_fails_half_way_is_cut_off_and_not_mixed_with_another(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half")
        raise KeyError("a secret")

    async with serving(service(web.get("/x", handler))) as running, peer(running.port) as client:
        await client.send(request("GET /x HTTP/1.1"))
        everything = await client.until_closed()

    assert everything.endswith(b"\r\n4\r\nhalf\r\n")
    assert everything.count(b"HTTP/1.1") == 1
    assert errors(caplog.records) == ["Unhandled error"]


@pytest.mark.guarantee("disconnects")
@pytest.mark.parametrize("size", [10, 2_000_000], ids=["buffered", "paused"])
async def test_a_client_that_leaves_early_is_no_error(size: int, caplog: pytest.LogCaptureFixture) -> None:
    left = asyncio.Event()
    ended = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            await left.wait()
            while True:
                await response.write(b"x" * size)
                await asyncio.sleep(0)
        finally:
            ended.set()

    async with serving(service(web.put("/x", handler))) as running:
        async with peer(running.port) as client:
            await client.send(request("PUT /x HTTP/1.1"))
            await client.reader.readuntil(b"\r\n\r\n")
        left.set()
        await asyncio.wait_for(ended.wait(), 5)

    assert errors(caplog.records) == []


@pytest.mark.guarantee("malformed requests")
async def test_no_response_names_the_server_software() -> None:
    async def own(_: web.Request) -> web.Response:
        return web.Response(headers=[("Server", "mine"), ("Server", "mine")])

    async def socket(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        await ws.close()
        return ws

    routes = [web.get("/own", own), web.get("/fault", raise_key_error), web.get("/ws", socket)]
    async with serving(service(*routes)) as running:
        answers = []
        for data in [
            request("GET / HTTP/1.1", "Connection: close"),
            request("GET /own HTTP/1.1", "Connection: close"),
            request("GET /fault HTTP/1.1", "Connection: close"),
            request("OPTIONS * HTTP/1.1", "Connection: close"),
            b"garbage\r\n\r\n",
        ]:
            answers += await exchange(running.port, data)
        async with ClientSession() as session, session.ws_connect(f"{running.url}/ws") as ws:
            upgrade = dict(ws._response.headers)

    assert [answer.status for answer in answers] == [200, 200, 500, 404, 400]
    assert all("server" not in answer.headers for answer in answers)
    assert "Server" not in upgrade


@pytest.mark.guarantee("malformed requests")
async def test_a_service_may_dress_the_refusals_of_the_server() -> None:
    def refuse(_: web.BaseRequest, problem: Problem) -> web.Response:
        return web.Response(
            status=problem.status, text=problem.detail, headers={"X-Content-Type-Options": "nosniff"}
        )

    app = service()
    app[SERVICE] = lambda app: replace(stock_service(app), refuse=refuse)
    async with serving(app) as running:
        [answer] = await exchange(running.port, request("TRACE / HTTP/1.1"))

    assert answer.status == 405
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.body.startswith(b"TRACE is not allowed by this server; allowed: GET, ")


@pytest.mark.guarantee("short cuts")
async def test_a_service_may_respond_to_requests_without_the_router_of_aiohttp() -> None:
    async def dispatch(request: web.Request) -> web.StreamResponse:
        return web.json_response({"path": request.path})

    app = service()
    app[SERVICE] = lambda app: replace(stock_service(app), handler=dispatch)
    async with serving(app) as running:
        [answer] = await exchange(running.port, GET)

    assert json.loads(answer.body) == {"path": "/x"}
    assert app[CALLS] == []


async def test_a_raised_http_exception_is_its_own_response() -> None:
    async def handler(_: web.Request) -> web.Response:
        raise web.HTTPFound("/elsewhere")

    async with serving(service(web.get("/x", handler))) as running:
        [answer] = await exchange(running.port, GET)

    assert answer.status == 302
    assert answer.headers["location"] == "/elsewhere"


async def test_nothing_is_written_to_the_log_for_a_request_that_went_well(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)

    async with serving(service()) as running:
        await exchange(running.port, GET)

    assert [record for record in caplog.records if record.name.startswith(("aiohttp", "framework"))] == []
