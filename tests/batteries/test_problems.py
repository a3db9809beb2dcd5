"""Every error becomes a problem document, or a page for a browser, and the log says whose fault it was."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import jinja2
import pytest
from aiohttp import web

from framework.app import ServiceSettings, create_app
from framework.batteries import problems
from framework.batteries.problems import Blame, ProblemsSettings, is_sendable, judge
from framework.battery import Battery
from framework.context import DEADLINE, REQUEST_ID
from framework.errors import (
    BadGateway,
    ConfigurationError,
    NotFound,
    ServiceError,
    ServiceUnavailable,
    UnprocessableContent,
)
from framework.http.accept import prefers_html
from framework.problem import Fault
from framework.responses import stream
from framework.routing import RouteTableDef
from framework.secrets import Profile
from framework.testing import Serve

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


async def _with_id(request: web.Request, handler: Any) -> web.StreamResponse:
    request[REQUEST_ID] = "id-1"
    response: web.StreamResponse = await handler(request)
    return response


IDS = Battery(name="logs", middleware=_with_id)


def service(handler: Any, settings: ProblemsSettings | None = None, *inner: Battery) -> web.Application:
    """Return a service that answers ``/x`` with this handler."""
    routes = RouteTableDef()
    routes.route("*", "/x")(handler)
    return create_app(ServiceSettings(), routes=[routes], batteries=[IDS, problems.battery(settings), *inner])


def raising(error: BaseException) -> Any:
    async def handler(request: web.Request) -> web.Response:
        raise error

    return handler


class Teapot(ServiceError):
    status = 418


class Unheard(ServiceError):
    status = 499


def chained(error: ServiceError) -> ServiceError:
    error.__cause__ = OSError("no route to host")
    return error


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        pytest.param(NotFound("note", 7), 404, "There is no note '7'.", id="our own error"),
        pytest.param(Teapot("short and stout"), 418, "short and stout", id="a user's error"),
        pytest.param(web.HTTPConflict(text="taken"), 409, "taken", id="aiohttp's with a text"),
        pytest.param(web.HTTPConflict(reason="taken"), 409, "taken", id="aiohttp's with a reason"),
        pytest.param(web.HTTPForbidden(), 403, None, id="aiohttp's as it is"),
        pytest.param(
            web.HTTPRequestEntityTooLarge(1, 2), 413, "Maximum request body size 1", id="aiohttp's 413"
        ),
        pytest.param(Unheard("of"), 499, "of", id="a status without a name"),
        pytest.param(BadGateway("the shop is down"), 502, "the shop is down", id="a neighbour's fault"),
        pytest.param(RuntimeError("SELECT 1"), 500, None, id="unexpected"),
        pytest.param(ServiceError("SELECT 1"), 500, None, id="our fault in our words"),
        pytest.param(web.HTTPInternalServerError(text="x.html"), 500, None, id="aiohttp's 500"),
        pytest.param(ExceptionGroup("g", [NotFound("note")]), 404, "There is no note.", id="in a task group"),
        pytest.param(
            Teapot(f"half a character: {chr(0xD800)}"), 418, "half a character", id="lone surrogate"
        ),
    ],
)
async def test_an_error_becomes_a_problem_document(
    serve: Serve, client: aiohttp.ClientSession, error: Exception, status: int, detail: str | None
) -> None:
    url = await serve(service(raising(error)))

    async with client.get(url / "x") as response:
        problem = await response.json(content_type="application/problem+json")

    assert (response.status, problem["status"], problem["request_id"]) == (status, status, "id-1")
    assert problem["title"]
    assert problem.get("detail") is None if detail is None else problem["detail"].startswith(detail)
    assert response.headers["Cache-Control"] == "no-store"


async def test_a_path_that_is_not_there_is_404(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve(service(raising(AssertionError())))

    async with client.get(url / "nowhere") as response:
        problem = await response.json(content_type="application/problem+json")

    assert (response.status, problem["title"]) == (404, "Not Found")


async def test_a_method_that_is_not_there_is_405_and_names_the_others(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    routes = RouteTableDef()
    routes.post("/x")(raising(AssertionError()))
    routes.put("/x")(raising(AssertionError()))
    url = await serve(create_app(ServiceSettings(), routes=[routes], batteries=[problems.battery()]))

    async with client.delete(url / "x") as response:
        problem = await response.json(content_type="application/problem+json")

    assert (response.status, response.headers["Allow"]) == (405, "POST, PUT")
    assert problem["detail"] == "DELETE is not allowed here; allowed: POST, PUT."


@pytest.mark.parametrize(
    ("error", "status", "name", "value"),
    [
        pytest.param(web.HTTPMethodNotAllowed("GET", ["POST"]), 405, "Allow", "POST", id="methods"),
        pytest.param(
            web.HTTPTooManyRequests(headers={"Retry-After": "7"}), 429, "Retry-After", "7", id="wait"
        ),
        pytest.param(
            web.HTTPServiceUnavailable(headers={"Retry-After": "8"}), 503, "Retry-After", "8", id="busy"
        ),
    ],
)
async def test_what_a_raised_exception_of_aiohttp_says_in_its_headers_stays(
    serve: Serve, client: aiohttp.ClientSession, error: web.HTTPException, status: int, name: str, value: str
) -> None:
    url = await serve(service(raising(error)))

    async with client.get(url / "x") as response:
        problem = await response.json(content_type="application/problem+json")

    assert (response.status, problem["status"], response.headers[name]) == (status, status, value)


async def test_all_faults_stand_in_the_document(serve: Serve, client: aiohttp.ClientSession) -> None:
    faults = [Fault("body", "/a", "Too short."), Fault("query", "/b", "Not a number.")]
    url = await serve(service(raising(UnprocessableContent(faults))))

    async with client.get(url / "x") as response:
        problem = await response.json(content_type="application/problem+json")

    assert problem["errors"] == [fault.as_dict() for fault in faults]


async def test_headers_of_an_error_go_out_with_it(serve: Serve, client: aiohttp.ClientSession) -> None:
    error = web.HTTPUnauthorized(headers={"WWW-Authenticate": "Basic", "Content-Length": "1"})
    error.set_cookie("seen", "yes")
    url = await serve(service(raising(error)))

    async with client.get(url / "x") as response:
        body = await response.json(content_type="application/problem+json")

    assert response.headers["WWW-Authenticate"] == "Basic"
    assert response.headers.getall("Set-Cookie") == ["seen=yes; Path=/"]
    assert body["title"] == "Unauthorized"


async def test_a_redirect_passes_untouched(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve(service(raising(web.HTTPFound("/elsewhere"))))

    async with client.get(url / "x", allow_redirects=False) as response:
        text = await response.text()

    assert (response.status, response.headers["Location"], text) == (302, "/elsewhere", "302: Found")


async def test_an_error_with_a_body_of_its_own_passes_untouched(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    error = web.HTTPBadRequest(text='{"code": 7}', content_type="application/json")
    url = await serve(service(raising(error)))

    async with client.get(url / "x") as response:
        body = await response.json()

    assert (response.status, body) == (400, {"code": 7})


async def test_a14_an_error_that_is_returned_or_raised_twice_is_answered_each_time(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    constant, redirect = web.HTTPNotFound(), web.HTTPFound("/elsewhere")
    constant.__suppress_context__ = True
    answers = iter([constant, constant, redirect, redirect])

    async def handler(request: web.Request) -> web.Response:
        return next(answers)

    url = await serve(service(handler))
    statuses = []
    for _ in range(4):
        async with client.get(url / "x", allow_redirects=False) as response:
            await response.read()
            statuses.append(response.status)

    assert statuses == [404, 404, 302, 302]
    assert not constant.prepared
    assert not redirect.prepared


async def test_a2_a_timeout_error_of_a_handler_is_a_bug_and_is_logged(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    url = await serve(service(raising(TimeoutError("the bug"))))

    async with client.get(url / "x") as response:
        problem = await response.json(content_type="application/problem+json")

    assert (response.status, "the bug" in str(problem)) == (500, False)
    assert [record.getMessage() for record in errors(caplog)] == ["unhandled_error"]


async def test_a2_a_timeout_error_behind_the_deadline_is_504(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: web.Request) -> web.Response:
        request[DEADLINE] = asyncio.get_running_loop().time()
        async with asyncio.timeout_at(request[DEADLINE]):
            await asyncio.Event().wait()
        raise AssertionError

    url = await serve(service(handler))

    async with client.get(url / "x") as response:
        problem = await response.json(content_type="application/problem+json")

    assert (response.status, problem["detail"]) == (504, "The answer was not ready in time.")
    assert errors(caplog) == []


def errors(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_an_unexpected_error_is_logged_in_full_and_answered_without_details(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    url = await serve(service(raising(RuntimeError("secret detail"))))

    async with client.get(url / "x") as response:
        text = await response.text()

    (record,) = errors(caplog)
    assert "secret detail" not in text
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "secret detail"
    assert {"request_id": "id-1", "method": "GET", "path": "/x", "route": "/x"}.items() <= vars(
        record
    ).items()


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(NotFound("note"), id="our own error"),
        pytest.param(chained(NotFound("note")), id="with a cause"),
        pytest.param(web.HTTPBadRequest(text="wrong"), id="aiohttp's error"),
        pytest.param(web.HTTPBadGateway(), id="aiohttp's 502"),
        pytest.param(ServiceUnavailable("busy", retry_after_seconds=1), id="load is shed"),
    ],
)
async def test_what_is_raised_on_purpose_is_not_logged(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    url = await serve(service(raising(error)))

    async with client.get(url / "x") as response:
        await response.read()

    assert [record for record in caplog.records if record.name == "framework.problems"] == []


async def test_the_cause_of_a_neighbours_failure_is_a_warning(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    url = await serve(service(raising(chained(BadGateway("the shop is down")))))

    async with client.get(url / "x") as response:
        text = await response.text()

    (record,) = [record for record in caplog.records if record.name == "framework.problems"]
    assert (record.levelname, vars(record)["error"]) == ("WARNING", "OSError('no route to host')")
    assert "no route" not in text


@pytest.mark.guarantee("malformed requests")
async def test_a_broken_body_is_the_clients_fault(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    url = await serve(service(handler))
    reader, writer = await asyncio.open_connection(url.host, url.port)

    writer.write(b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    await asyncio.sleep(0.05)
    writer.write(b"nonsense\r\n")
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in answer
    assert errors(caplog) == []


@pytest.mark.guarantee("disconnects")
async def test_a_client_that_leaves_in_the_middle_of_its_body_is_not_logged_as_an_error(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    ended = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        try:
            return web.Response(body=await request.read())
        finally:
            ended.set()

    url = await serve(service(handler))
    _, writer = await asyncio.open_connection(url.host, url.port)

    writer.write(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
    await asyncio.sleep(0.05)
    writer.transport.abort()
    await asyncio.wait_for(ended.wait(), 5)
    await asyncio.sleep(0.05)

    assert errors(caplog) == []


async def test_a_client_that_leaves_in_the_middle_of_its_answer_is_not_logged_as_an_error(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    ended = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 1000)
                await asyncio.sleep(0.01)
        finally:
            ended.set()

    url = await serve(service(handler))
    reader, writer = await asyncio.open_connection(url.host, url.port)

    # A GET would be cancelled when its client leaves.
    writer.write(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    await reader.readline()
    writer.transport.abort()
    await asyncio.wait_for(ended.wait(), 5)
    await asyncio.sleep(0.05)

    assert errors(caplog) == []


async def test_a_client_that_leaves_in_the_middle_of_a_stream_is_not_logged_as_an_error(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    ended = asyncio.Event()

    async def chunks() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 1000
                await asyncio.sleep(0.01)
        finally:
            ended.set()

    async def handler(request: web.Request) -> web.Response:
        return stream(chunks())

    url = await serve(service(handler))
    reader, writer = await asyncio.open_connection(url.host, url.port)

    writer.write(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    await reader.readline()
    writer.transport.abort()
    await asyncio.wait_for(ended.wait(), 5)
    await asyncio.sleep(0.05)

    assert errors(caplog) == []


async def test_a_broken_upstream_connection_is_not_blamed_on_the_client(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    url = await serve(service(raising(ConnectionResetError("of the database"))))

    async with client.get(url / "x") as response:
        await response.read()

    assert response.status == 500
    assert len(errors(caplog)) == 1


@pytest.mark.guarantee("disconnects")
async def test_cancellation_is_no_error(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    cancelled = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        raise AssertionError

    url = await serve(service(handler))
    _, writer = await asyncio.open_connection(url.host, url.port)

    writer.write(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
    await asyncio.sleep(0.05)
    writer.transport.abort()
    await asyncio.wait_for(cancelled.wait(), 5)
    await asyncio.sleep(0.05)

    assert errors(caplog) == []


@pytest.mark.parametrize("error", [RuntimeError("in the middle"), NotFound("note")], ids=["a bug", "a 404"])
async def test_half_an_answer_is_cut_off_and_nothing_follows_it(
    serve: Serve, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half")
        raise error

    url = await serve(service(handler))
    reader, writer = await asyncio.open_connection(url.host, url.port)

    writer.write(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    await writer.wait_closed()

    assert answer.endswith(b"4\r\nhalf\r\n")
    assert answer.count(b"HTTP/1.1") == 1
    assert [vars(record)["request_id"] for record in errors(caplog)] == ["id-1"]


async def _chunks(before: int) -> AsyncIterator[bytes]:
    for _ in range(before):
        yield b"half"
    raise RuntimeError("in the middle")


async def test_a_stream_that_fails_at_once_is_a_500_document(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: web.Request) -> web.Response:
        return stream(_chunks(0))

    url = await serve(service(handler))

    async with client.get(url / "x") as response:
        problem = await response.json(content_type="application/problem+json")

    assert (response.status, problem["request_id"], len(errors(caplog))) == (500, "id-1", 1)


async def test_a_stream_that_fails_half_way_is_cut_off(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: web.Request) -> web.Response:
        return stream(_chunks(1))

    url = await serve(service(handler))

    async with client.get(url / "x") as response:
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()

    assert [vars(record)["request_id"] for record in errors(caplog)] == ["id-1"]


async def test_a_file_is_sent_once(serve: Serve, client: aiohttp.ClientSession, tmp_path: Path) -> None:
    document = tmp_path / "document"
    document.write_bytes(b"x" * 300_000)

    async def handler(request: web.Request) -> web.FileResponse:
        return web.FileResponse(document)

    url = await serve(service(handler))
    bodies = []
    for headers in ({}, {"Range": "bytes=0-1"}):
        async with client.get(url / "x", headers=headers) as response:
            bodies.append(await response.read())

    assert bodies == [document.read_bytes(), b"xx"]


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b=c", "a\nb", "a\x00b", "a\x7fb"])
async def test_a28_a_header_with_control_characters_is_a_logged_500(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture, value: str
) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(headers={"X-Name": value})

    url = await serve(service(handler))

    async with client.get(url / "x") as response:
        problem = await response.json(content_type="application/problem+json")

    assert (response.status, problem["request_id"]) == (500, "id-1")
    assert "Set-Cookie" not in response.headers
    assert len(errors(caplog)) == 1


async def test_a28_so_is_one_in_an_error(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve(service(raising(web.HTTPConflict(headers={"X-Name": "a\r\nb"}))))

    async with client.get(url / "x") as response:
        problem = await response.json(content_type="application/problem+json")

    assert (response.status, problem["status"]) == (409, 409)
    assert "X-Name" not in response.headers


@pytest.mark.parametrize(
    ("value", "sendable"),
    [
        *(pytest.param(f"a{chr(code)}b", code == 9, id=f"{code:#04x}") for code in range(32)),
        pytest.param("a\x7fb", False, id="DEL"),
        pytest.param("a b", True, id="space"),
        pytest.param("ä\x85\u2028", True, id="beyond ASCII"),
        pytest.param("", True, id="empty"),
    ],
)
def test_a28_which_header_values_can_be_sent(value: str, sendable: bool) -> None:
    assert is_sendable({"A": "a", "B": value}) is sendable


async def test_a_response_that_was_sent_before_is_a_logged_500(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    constant = web.Response(text="hello")

    async def handler(request: web.Request) -> web.Response:
        return constant

    url = await serve(service(handler))
    statuses = []
    for _ in range(2):
        async with client.get(url / "x") as response:
            await response.read()
            statuses.append(response.status)

    assert statuses == [200, 500]
    assert len(errors(caplog)) == 1


async def test_head_gets_the_head_alone(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve(service(raising(NotFound("note"))))

    async with client.head(url / "x") as response:
        body = await response.read()

    assert (response.status, response.content_type, body) == (404, "application/problem+json", b"")


@pytest.mark.parametrize("error", [web.HTTPNotModified(), web.HTTPNoContent()], ids=["304", "204"])
async def test_an_answer_without_a_body_stays_without_one(
    serve: Serve, client: aiohttp.ClientSession, error: web.HTTPException
) -> None:
    url = await serve(service(raising(error)))

    async with client.get(url / "x") as response:
        body = await response.read()

    assert (response.status, body) == (error.status, b"")


async def test_a_browser_gets_a_page_with_everything_escaped(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(service(raising(NotFound("<script>", "<b>"))))

    async with client.get(url / "x", headers=BROWSER) as response:
        page = await response.text()

    assert (response.status, response.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "<h1>Not Found</h1>" in page
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert "id-1" in page


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        pytest.param(BROWSER["Accept"], True, id="a browser"),
        pytest.param("text/html", True, id="nothing but html"),
        pytest.param("text/*;q=0.5", False, id="any text"),
        pytest.param("*/*", False, id="anything"),
        pytest.param("", False, id="nothing said"),
        pytest.param("application/json, text/html;q=0.9", False, id="rather json"),
        pytest.param("text/html, application/json", True, id="both alike"),
        pytest.param("text/html;q=0, */*", False, id="all but html"),
        pytest.param("text/html;q=nan", False, id="a weight that is none"),
        pytest.param("text/html;q=1x, */*;q=0.1", False, id="a weight that cannot be read"),
        pytest.param("TEXT/HTML", False, id="in capitals, which no browser sends"),
        pytest.param("text/html;level=1;q=0.9,application/json;q=0.8", True, id="with parameters"),
        pytest.param("text/html,,;;q=,=", True, id="garbage around it"),
    ],
)
def test_who_prefers_a_page(accept: str, html: bool) -> None:
    assert prefers_html(accept) is html


async def test_in_development_a_browser_sees_the_traceback(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    settings = ProblemsSettings(profile=Profile.development)
    url = await serve(service(raising(RuntimeError("<secret> detail")), settings))

    async with client.get(url / "x", headers=BROWSER) as response:
        page = await response.text()
    async with client.get(url / "x") as response:
        document = await response.text()

    assert "RuntimeError: &lt;secret&gt; detail" in page
    assert "secret" not in document


async def test_with_debug_the_document_has_the_traceback(serve: Serve, client: aiohttp.ClientSession) -> None:
    settings = ProblemsSettings(profile=Profile.development, debug=True)
    url = await serve(service(raising(RuntimeError("secret detail")), settings))

    async with client.get(url / "x") as response:
        problem = await response.json(content_type="application/problem+json")

    assert problem["debug"][-1] == "RuntimeError: secret detail"


async def test_in_production_nobody_sees_the_traceback(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve(service(raising(RuntimeError("secret detail"))))

    async with client.get(url / "x", headers=BROWSER) as response:
        page = await response.text()

    assert (response.status, "secret" in page, "Traceback" in page) == (500, False, False)


def test_debug_is_refused_in_production() -> None:
    with pytest.raises(ConfigurationError, match="not in production"):
        ProblemsSettings(profile=Profile.production, debug=True)


async def test_a23_a_debug_loop_shows_no_traceback(serve: Serve, client: aiohttp.ClientSession) -> None:
    asyncio.get_running_loop().set_debug(True)
    url = await serve(service(raising(RuntimeError("secret detail"))))

    async with client.get(url / "x") as response:
        text = await response.text()

    assert (response.status, "secret" in text) == (500, False)


async def test_a_service_may_bring_its_own_page(
    serve: Serve, client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    (tmp_path / "base.html").write_text("<body>ours: {% block content %}{% endblock %}")
    url = await serve(service(raising(NotFound("note")), ProblemsSettings(folders=(tmp_path,))))

    async with client.get(url / "x", headers=BROWSER) as response:
        page = await response.text()

    assert page.startswith("<body>ours:")
    assert "There is no note." in page


def test_a_fault_in_a_page_of_the_services_own_is_told_at_start_up(tmp_path: Path) -> None:
    (tmp_path / "problem.html").write_text("{% block %}")

    with pytest.raises(jinja2.TemplateSyntaxError):
        problems.battery(ProblemsSettings(folders=(tmp_path,)))


async def test_a_page_that_needs_more_than_an_error_has_gives_way_to_the_shipped_one(
    serve: Serve, client: aiohttp.ClientSession, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "base.html").write_text("{{ url('index') }}{% block content %}{% endblock %}")
    url = await serve(service(raising(NotFound("note")), ProblemsSettings(folders=(tmp_path,))))

    async with client.get(url / "x", headers=BROWSER) as response:
        page = await response.text()

    assert "<h1>Not Found</h1>" in page
    assert [record.getMessage() for record in caplog.records if record.name == "framework.problems"] == [
        "problem_page_unusable"
    ]


async def test_an_error_of_an_inner_battery_is_answered_too(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    async def refuse(request: web.Request, handler: Any) -> web.StreamResponse:
        raise NotFound("door")

    url = await serve(service(raising(AssertionError()), None, Battery(name="door", middleware=refuse)))

    async with client.get(url / "x") as response:
        problem = await response.json(content_type="application/problem+json")

    assert problem["detail"] == "There is no door."


async def test_members_that_json_does_not_know_are_shown_as_text(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(service(raising(Teapot("x", part=complex(1, 2)))))

    async with client.get(url / "x") as response:
        problem = await response.json(content_type="application/problem+json")

    assert (response.status, problem["part"]) == (418, "(1+2j)")


def test_the_clients_own_failure_decides_before_the_type_of_the_error() -> None:
    judged = judge(ConnectionResetError(), client_failed=True), judge(ConnectionResetError())

    assert [(problem.status, blame) for problem, blame in judged] == [
        (400, Blame.CLIENT),
        (500, Blame.SERVICE),
    ]


def test_a2_a_timeout_error_is_a_bug_unless_the_time_was_up() -> None:
    judged = judge(TimeoutError(), out_of_time=True), judge(TimeoutError())

    assert [(problem.status, blame) for problem, blame in judged] == [
        (504, Blame.NEIGHBOUR),
        (500, Blame.SERVICE),
    ]
