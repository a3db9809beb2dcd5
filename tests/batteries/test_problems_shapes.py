"""A service's own shape of errors, its own exceptions, and the hook that tells of faults."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

import aiohttp
import pytest
from aiohttp import web
from marshmallow import fields
from yarl import URL

from framework.app import ServiceSettings, create_app, standard
from framework.batteries import cors, openapi, problems
from framework.batteries.cors import CorsSettings
from framework.batteries.problems import Renderer
from framework.batteries.sockets import Rooms
from framework.battery import Battery
from framework.context import ENDPOINT, REQUEST_ID
from framework.errors import (
    ConfigurationError,
    Conflict,
    ContentTooLarge,
    Locked,
    MethodNotAllowed,
    NotFound,
    PreconditionRequired,
    ServiceError,
    ServiceUnavailable,
    TooManyRequests,
    Unauthorized,
    UnprocessableContent,
    UnsupportedMediaType,
)
from framework.marks import public
from framework.problem import Problem
from framework.responses import stream
from framework.routing import RouteTableDef
from framework.services import provide
from framework.tasks import Tasks
from framework.testing import Serve


@dataclass
class Envelope:
    """The body of every error."""

    code: int
    message: str
    request: str = ""
    fields: list[str] = field(default_factory=list)


def enveloped(problem: Problem) -> Envelope:
    found = problem.extensions
    pointers = [fault["pointer"] for fault in found.get("errors", [])]
    return Envelope(problem.status, problem.detail or problem.title, found.get("request_id", ""), pointers)


ENVELOPE = Renderer(render=enveloped, schema=Envelope)


@dataclass
class Draft:
    title: str


def table(handler: Callable[..., Any]) -> RouteTableDef:
    routes = RouteTableDef()
    routes.get("/x")(public(handler))
    return routes


def raising(error: BaseException) -> Callable[..., Any]:
    async def handler(request: web.Request) -> web.Response:
        raise error

    return handler


def fail(error: Exception) -> None:
    raise error


def service(handler: Callable[..., Any], *further: Battery, **options: Any) -> web.Application:
    batteries = [problems.battery(**options), *further]
    return create_app(ServiceSettings(), routes=[table(handler)], batteries=batteries)


def full_service(handler: Callable[..., Any], **options: Any) -> web.Application:
    settings = ServiceSettings()
    ours = problems.battery(settings.problems, **options)
    batteries = [ours if each.name == "problems" else each for each in standard(settings)]
    routes = table(handler)

    @routes.post("/drafts")
    @public
    async def add(body: Draft) -> Draft:
        return body

    return create_app(settings, routes=[routes], batteries=batteries)


async def raw(url: URL, data: bytes) -> tuple[int, str, Any]:
    """Send bytes, and return the response's status, media type and JSON."""
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(data)
    received = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    head, _, body = received.partition(b"\r\n\r\n")
    kind = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-type"))
    return int(head.split()[1]), kind.partition(b": ")[2].decode(), json.loads(body)


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        pytest.param("GET", "/x", None, {}, 409, id="raised in a handler"),
        pytest.param("GET", "/nowhere", None, {}, 404, id="no such path"),
        pytest.param("DELETE", "/x", None, {}, 405, id="no such method"),
        pytest.param("POST", "/drafts", b"{}", {"Content-Type": "application/json"}, 422, id="not valid"),
        pytest.param("POST", "/drafts", b"{", {"Content-Type": "application/json"}, 400, id="no JSON"),
        pytest.param("POST", "/drafts", b"{}", {"Content-Type": "text/plain"}, 415, id="another type"),
        pytest.param(
            "POST", "/drafts", b"{}", {"Origin": "https://evil.example"}, 403, id="from another site"
        ),
        pytest.param("GET", "/x", None, {"Host": "a:99999"}, 400, id="refused before routing"),
    ],
)
async def test_every_error_has_the_shape_of_the_service(
    serve: Serve,
    client: aiohttp.ClientSession,
    method: str,
    path: str,
    body: bytes | None,
    headers: dict[str, str],
    status: int,
) -> None:
    url = await serve(full_service(raising(Conflict("taken")), renderer=ENVELOPE))

    async with client.request(method, url.with_path(path), data=body, headers=headers) as response:
        told = await response.json()

    assert (response.status, response.content_type, told["code"]) == (status, "application/json", status)
    assert set(told) == {"code", "message", "request", "fields"}


@pytest.mark.guarantee("malformed requests")
async def test_so_has_a_request_that_is_no_http(serve: Serve) -> None:
    url = await serve(full_service(raising(Conflict()), renderer=ENVELOPE))

    status, media_type, told = await raw(url, b"GET / HTTP/1.1\r\nno colon\r\n\r\n")

    assert (status, media_type, told["code"]) == (400, "application/json", 400)


async def test_the_renderer_sees_the_request_s_id_and_all_faults(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(full_service(raising(Conflict()), renderer=ENVELOPE))

    async with client.post(url / "drafts", json={"other": 1}, headers={"X-Request-ID": "id-1"}) as response:
        told = await response.json()

    assert (told["request"], sorted(told["fields"])) == ("id-1", ["/other", "/title"])


async def test_a_browser_still_gets_its_page(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve(full_service(raising(Conflict("taken")), renderer=ENVELOPE))

    async with client.get(url / "x", headers={"Accept": "text/html"}) as response:
        page = await response.text()

    assert (response.status, response.content_type, "taken" in page) == (409, "text/html", True)


async def test_the_document_describes_the_shape(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve(full_service(raising(Conflict()), renderer=ENVELOPE))

    async with client.get(url / "openapi.json") as response:
        document = await response.json()

    answer = document["components"]["responses"]["UnprocessableContent"]["content"]
    assert answer == {"application/json": {"schema": {"$ref": "#/components/schemas/Envelope"}}}
    assert set(document["components"]["schemas"]["Envelope"]["properties"]) == {
        "code",
        "message",
        "request",
        "fields",
    }
    assert "Problem" not in document["components"]["schemas"]


async def test_a_shape_may_be_plain_values_with_a_json_schema(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    shape = Renderer(
        render=lambda problem: {"error": problem.title},
        media_type="application/vnd.example+json",
        schema={"type": "object", "properties": {"error": {"type": "string"}}},
    )
    url = await serve(service(raising(Conflict()), openapi.battery(), renderer=shape))

    async with client.get(url / "x") as response:
        told = (response.content_type, await response.json(content_type=None))
    async with client.get(url / "openapi.json") as response:
        described = (await response.json())["components"]["schemas"]["Problem"]

    assert told == ("application/vnd.example+json", {"error": "Conflict"})
    assert described == shape.schema


async def test_a_shape_may_be_bytes(serve: Serve, client: aiohttp.ClientSession) -> None:
    shape = Renderer(render=lambda problem: b"%d!" % problem.status, media_type="text/plain")
    url = await serve(service(raising(Conflict()), renderer=shape))

    async with client.get(url / "x") as response:
        assert (response.content_type, await response.text()) == ("text/plain", "409!")


async def test_a_renderer_that_fails_hides_no_error(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    shape = Renderer(render=lambda problem: {"x": problem.extensions["absent"]})
    url = await serve(service(raising(Conflict("taken")), renderer=shape))

    async with client.get(url / "x") as response:
        told = await response.json(content_type="application/problem+json")

    assert (response.status, told["detail"]) == (409, "taken")
    assert "problem_renderer_failed" in caplog.messages


async def test_a_cors_refusal_keeps_its_headers_in_any_shape(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    allowed = cors.battery(CorsSettings(origins=("https://shop.example",)))
    url = await serve(service(raising(Conflict()), allowed, renderer=ENVELOPE))

    async with client.get(url / "x", headers={"Origin": "https://shop.example"}) as response:
        told = await response.json()

    assert (told["code"], response.headers["Access-Control-Allow-Origin"]) == (409, "https://shop.example")


# Exceptions of the user's own.


class UserNotFoundError(Exception):
    """Nobody is there."""


class AdminNotFoundError(UserNotFoundError):
    """No such administrator."""


class StockError(Exception):
    """Sold out."""


MAPPING: problems.Translations = {
    UserNotFoundError: NotFound,
    StockError: lambda error: Conflict(str(error)),
    ConnectionRefusedError: ServiceUnavailable,
    ArithmeticError: lambda error: None,
}


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        pytest.param(UserNotFoundError("SELECT 1"), 404, "There is no resource.", id="a class"),
        pytest.param(AdminNotFoundError("SELECT 1"), 404, "There is no resource.", id="a class below it"),
        pytest.param(StockError("Only 3 are left."), 409, "Only 3 are left.", id="a function"),
        pytest.param(ConnectionRefusedError("db:5432"), 503, None, id="a library's exception"),
        pytest.param(ZeroDivisionError("secret"), 500, None, id="a function that declines"),
        pytest.param(KeyError("secret"), 500, None, id="nothing of it"),
        pytest.param(Locked("held"), 423, "held", id="an error of the tree"),
        pytest.param(ExceptionGroup("g", [StockError("gone")]), 409, "gone", id="in a task group"),
    ],
)
async def test_an_exception_means_what_the_mapping_says(
    serve: Serve, client: aiohttp.ClientSession, error: Exception, status: int, detail: str | None
) -> None:
    url = await serve(service(raising(error), mapping=MAPPING))

    async with client.get(url / "x") as response:
        told = await response.json(content_type="application/problem+json")

    assert (response.status, told.get("detail")) == (status, detail)


async def test_the_nearest_class_counts(serve: Serve, client: aiohttp.ClientSession) -> None:
    mapping: problems.Translations = {
        Exception: ServiceUnavailable,
        UserNotFoundError: NotFound,
        AdminNotFoundError: lambda error: Conflict("no admin"),
    }
    statuses = []
    for error in (KeyError(), UserNotFoundError(), AdminNotFoundError(), Locked(), web.HTTPGone()):
        url = await serve(service(raising(error), mapping=mapping))
        async with client.get(url / "x") as response:
            statuses.append(response.status)

    assert statuses == [503, 404, 409, 423, 410]


async def test_an_exception_of_a_service_is_mapped_too(serve: Serve, client: aiohttp.ClientSession) -> None:
    class Shelf:
        def take(self) -> None:
            raise StockError("Sold out.")

    async def handler(shelf: Shelf) -> None:
        shelf.take()

    handler.__annotations__["shelf"] = Shelf
    url = await serve(service(handler, provide(Shelf), mapping=MAPPING))

    async with client.get(url / "x") as response:
        assert response.status == 409


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        pytest.param(StockError("gone"), [], id="nothing of the client's fault"),
        pytest.param(
            ConnectionRefusedError("db"), [("WARNING", "neighbour_failed")], id="a warning of a neighbour's"
        ),
        pytest.param(KeyError("k"), [("ERROR", "unhandled_error")], id="an error of ours"),
    ],
)
async def test_the_log_says_of_a_mapped_exception(
    serve: Serve,
    client: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    lines: list[tuple[str, str]],
) -> None:
    url = await serve(service(raising(error), mapping=MAPPING))

    async with client.get(url / "x") as response:
        await response.read()

    found = [(r.levelname, r.message) for r in caplog.records if r.name == "framework.problems"]
    assert found == lines


async def test_a_mapping_that_fails_leaves_the_500(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    url = await serve(service(raising(StockError("x")), mapping={StockError: lambda error: Conflict(1 / 0)}))  # type: ignore[arg-type]

    async with client.get(url / "x") as response:
        assert response.status == 500

    assert "translation_failed" in caplog.messages


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        pytest.param({"StockError": Conflict}, "class of exceptions", id="a name"),
        pytest.param({StockError: 409}, "lambda error: Conflict", id="a status"),
        pytest.param({StockError: web.HTTPConflict}, "class of framework.errors", id="aiohttp's class"),
        pytest.param({StockError: Conflict("x")}, "class of framework.errors", id="an instance"),
        pytest.param(
            {StockError: TooManyRequests}, "TooManyRequests needs arguments", id="a class with arguments"
        ),
    ],
)
def test_start_up_refuses_a_mapping_of(mapping: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        problems.battery(mapping=mapping)


async def test_a_mapped_exception_closes_a_typed_socket_as_the_peer_s_fault(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: web.Request, rooms: Rooms) -> web.WebSocketResponse:
        async with rooms.join(request, "room") as member:
            fail(StockError("Sold out."))
        return member.response

    url = await serve(full_service(handler, mapping=MAPPING))

    async with client.ws_connect(url / "x") as socket:
        message = await socket.receive()

    assert (message.data, message.extra) == (1008, "Sold out.")
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


# The hook that tells of faults.


@dataclass
class Tracker:
    """What an error tracker has been told."""

    told: list[tuple[str, str, str]] = field(default_factory=list)

    def note(self, error: BaseException, request: web.Request | None) -> None:
        where = request[ENDPOINT].path if request is not None else ""
        number = request.get(REQUEST_ID, "") if request is not None else ""
        self.told.append((str(error), where, number))

    async def note_later(self, error: BaseException, request: web.Request | None) -> None:
        await asyncio.sleep(0)
        self.note(error, request)

    async def wait(self, count: int = 1) -> list[tuple[str, str, str]]:
        for _ in range(500):
            if len(self.told) >= count:
                break
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)  # for a second report, of which there must be none
        return self.told


@pytest.fixture
def tracker() -> Tracker:
    return Tracker()


async def halves() -> AsyncIterator[bytes]:
    yield b"half"
    raise RuntimeError("bug")


async def failing_stream(request: web.Request) -> web.Response:
    return stream(halves())


async def failing_socket(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    raise RuntimeError("bug")


async def failing_room(request: web.Request, rooms: Rooms) -> web.WebSocketResponse:
    async with rooms.join(request, "room") as member:
        fail(RuntimeError("bug"))
    return member.response


@pytest.mark.parametrize("is_async", [False, True], ids=["a function", "a coroutine function"])
@pytest.mark.parametrize(
    "handler",
    [
        pytest.param(raising(RuntimeError("bug")), id="in a handler"),
        pytest.param(failing_stream, id="in the middle of a stream"),
        pytest.param(failing_socket, id="in a WebSocket"),
        pytest.param(failing_room, id="in a room"),
    ],
)
async def test_an_unexpected_exception_is_reported_once_with_its_request(
    serve: Serve, client: aiohttp.ClientSession, tracker: Tracker, handler: Any, is_async: bool
) -> None:
    hook = tracker.note_later if is_async else tracker.note
    url = await serve(full_service(handler, report=hook))
    headers = {"X-Request-ID": "id-1"}
    if handler in {failing_socket, failing_room}:
        headers |= {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        }

    try:
        async with client.get(url / "x", headers=headers) as response:
            await response.read()
    except aiohttp.ClientError:
        pass

    assert await tracker.wait() == [("bug", "/x", "id-1")]


async def test_a_failed_background_task_is_reported_without_a_request(
    serve: Serve, client: aiohttp.ClientSession, tracker: Tracker
) -> None:
    async def work() -> None:
        raise RuntimeError("bug")

    async def handler(tasks: Tasks) -> None:
        tasks.start(work(), name="work")

    url = await serve(service(handler, report=tracker.note))

    async with client.get(url / "x") as response:
        assert response.status == 204

    assert await tracker.wait() == [("bug", "", "")]


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(NotFound("note"), id="a client's fault"),
        pytest.param(ServiceUnavailable("busy"), id="load is shed"),
        pytest.param(web.HTTPForbidden(), id="aiohttp's error"),
        pytest.param(StockError("gone"), id="a mapped exception"),
    ],
)
async def test_nothing_is_reported_of(
    serve: Serve, client: aiohttp.ClientSession, tracker: Tracker, error: Exception
) -> None:
    url = await serve(service(raising(error), report=tracker.note, mapping=MAPPING))

    async with client.get(url / "x") as response:
        await response.read()
    await asyncio.sleep(0.1)

    assert tracker.told == []


async def test_a_hook_that_raises_breaks_nothing_and_is_written_down(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    def hook(error: BaseException, request: web.Request | None) -> None:
        raise OSError("the tracker is away")

    url = await serve(service(raising(RuntimeError("bug")), report=hook))

    async with client.get(url / "x") as response:
        assert response.status == 500
    await asyncio.sleep(0.1)

    assert [r.levelname for r in caplog.records if r.message == "error_not_reported"] == ["WARNING"]


async def test_a_hook_that_hangs_delays_no_response_and_holds_no_more_than_its_share(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    freed = threading.Event()

    def hook(error: BaseException, request: web.Request | None) -> None:
        freed.wait(30)

    url = await serve(service(raising(RuntimeError("bug")), report=hook))

    try:
        began = time.monotonic()
        for _ in range(20):
            async with client.get(url / "x") as response:
                assert response.status == 500
        took = time.monotonic() - began
    finally:
        freed.set()

    assert took < 5
    assert caplog.messages.count("error_not_reported") == 4


# The words of errors.


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (NotFound("note", 7), 404, "There is no note '7'."),
        (NotFound("note"), 404, "There is no note."),
        (NotFound("blog post", 7), 404, "There is no blog post '7'."),
        (NotFound("User not found"), 404, "User not found"),
        (NotFound("There is nobody here."), 404, "There is nobody here."),
        (NotFound(), 404, "There is no resource."),
        (UnprocessableContent("Choose another name."), 422, "Choose another name."),
        (UnsupportedMediaType("Send a picture."), 415, "Send a picture."),
        (UnsupportedMediaType("text/plain", ["image/png"]), 415, "Send image/png; this was 'text/plain'."),
        (ContentTooLarge(10), 413, "The body is larger than 10 bytes."),
        (ContentTooLarge("Ten pages at most."), 413, "Ten pages at most."),
        (MethodNotAllowed("PUT", ["GET"]), 405, "PUT is not allowed here; allowed: GET."),
        (PreconditionRequired("Send If-Match."), 428, "Send If-Match."),
    ],
    ids=str,
)
def test_an_error_says(error: ServiceError, status: int, detail: str) -> None:
    problem = error.problem()

    assert (problem.status, problem.detail) == (status, detail)


def test_a_sentence_in_the_place_of_seconds_is_explained() -> None:
    with pytest.raises(TypeError, match=r"TooManyRequests\(60,"):
        TooManyRequests("Slow down.")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "challenge"),
    [
        pytest.param(Unauthorized(), "Bearer", id="ours"),
        pytest.param(web.HTTPUnauthorized(), "Bearer", id="aiohttp's"),
        pytest.param(
            web.HTTPUnauthorized(text="{}", content_type="application/json"), "Bearer", id="with a body"
        ),
        pytest.param(Unauthorized(challenge="Basic"), "Basic", id="with a challenge of its own"),
        pytest.param(
            web.HTTPUnauthorized(headers={"www-authenticate": "Basic"}),
            "Basic",
            id="in lower case",
        ),
    ],
)
async def test_a_401_always_has_a_challenge(
    serve: Serve, client: aiohttp.ClientSession, error: Exception, challenge: str
) -> None:
    url = await serve(service(raising(error)))

    async with client.get(url / "x") as response:
        assert (response.status, response.headers.getall("WWW-Authenticate")) == (401, [challenge])


@dataclass
class Account:
    name: str
    password: Annotated[str, fields.String(load_only=True)]


@pytest.mark.parametrize(
    "value",
    [Account("ada", "secret"), [Account("ada", "secret")], {"by": (Account("ada", "secret"),)}],
    ids=["alone", "in a list", "deep"],
)
async def test_a_dataclass_in_a_problem_is_written_by_its_schema(
    serve: Serve, client: aiohttp.ClientSession, value: object
) -> None:
    url = await serve(service(raising(Conflict("taken", holder=value))))

    async with client.get(url / "x") as response:
        text = await response.text()

    assert ("ada" in text, "secret" in text) == (True, False)
