"""What a service logs: one line for each record and each request, whatever was in it."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import pty
import re
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog
from aiohttp import web

from framework.app import ServiceSettings, create_app
from framework.batteries import logs, problems
from framework.batteries.logs import LogsSettings
from framework.batteries.logs.access import request_id_from
from framework.batteries.logs.pipe import Pipe, stderr_writer
from framework.battery import Battery
from framework.context import PRINCIPAL
from framework.errors import ConfigurationError, NotFound
from framework.marks import quiet
from framework.principal import Principal
from framework.responses import stream
from framework.routing import RouteTableDef
from framework.secrets import Secret
from framework.tasks import Tasks
from framework.testing import Serve

log = logging.getLogger("tests.service")
slog = structlog.get_logger("tests.service")


class Lines:
    """Collect what a service writes; a test waits for what it expects."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.data.decode().split("\n") if line]

    async def first(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        for _ in range(500):
            found = next((record for record in self.records if wanted(record)), None)
            if found is not None:
                return found
            await asyncio.sleep(0.01)
        raise AssertionError(f"No such record among {self.data!r}")

    async def access(self) -> dict[str, Any]:
        return await self.first(lambda record: record["event"] == "request")


@pytest.fixture
def lines() -> Lines:
    return Lines()


def service(
    lines: Lines, *handlers: Any, settings: LogsSettings | None = None, inner: tuple[Battery, ...] = ()
) -> web.Application:
    """Return a service that answers ``/`` and the handlers' names and logs into `lines`."""
    routes = RouteTableDef()
    for handler in handlers:
        routes.get(f"/{handler.__name__}/{{rest:.*}}")(handler)
    batteries = [logs.battery(settings, write=lines.write), problems.battery(), *inner]
    return create_app(ServiceSettings(), routes=[routes], batteries=batteries)


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello")


async def test_a_request_leaves_one_line(serve: Serve, client: aiohttp.ClientSession, lines: Lines) -> None:
    url = await serve(service(lines, hello))

    async with client.get(f"{url}/hello/you?token=s3cret", headers={"X-Request-ID": "abc-1"}) as response:
        await response.read()

    record = await lines.access()
    assert list(record) == [
        "timestamp",
        "level",
        "event",
        "method",
        "path",
        "route",
        "status",
        "duration_ms",
        "bytes",
        "remote",
        "request_id",
    ]
    assert record["timestamp"].endswith("Z")
    assert record["duration_ms"] > 0
    assert record | {"timestamp": "", "duration_ms": 0} == {
        "timestamp": "",
        "level": "info",
        "event": "request",
        "method": "GET",
        "path": "/hello/you",
        "route": "/hello/{rest:.*}",
        "status": 200,
        "duration_ms": 0,
        "bytes": 5,
        "remote": "127.0.0.1",
        "request_id": "abc-1",
    }


async def test_the_line_names_the_caller(serve: Serve, client: aiohttp.ClientSession, lines: Lines) -> None:
    async def sign_in(request: web.Request, handler: Any) -> web.StreamResponse:
        request[PRINCIPAL] = Principal(subject=f"user-7{chr(0xD800)}")
        response: web.StreamResponse = await handler(request)
        return response

    url = await serve(service(lines, hello, inner=(Battery(name="auth", middleware=sign_in),)))

    async with client.get(url / "hello/") as response:
        await response.read()

    assert (await lines.access())["subject"] == "user-7\\ud800"


@pytest.mark.parametrize(
    ("sent", "adopted"),
    [
        pytest.param("abc-1", True, id="short and plain"),
        pytest.param("Root=1-67891233-abcdef", True, id="a load balancer's"),
        pytest.param("x" * 128, True, id="as long as may be"),
        pytest.param("x" * 129, False, id="too long"),
        pytest.param("", False, id="empty"),
        pytest.param("a b", False, id="with a space"),
        pytest.param('a"b', False, id="with a quote"),
        pytest.param("a\nb", False, id="with a line break"),
        pytest.param("a\n", False, id="with a line break at its end"),
        pytest.param("ä", False, id="beyond ASCII"),
        pytest.param("-rf", False, id="like an option"),
        pytest.param(None, False, id="none"),
    ],
)
def test_a_clients_request_id_is_adopted_if_it_is_harmless(sent: str | None, adopted: bool) -> None:
    request_id = request_id_from(sent)

    assert (request_id == sent) is adopted
    assert adopted or len(request_id) == 32


async def test_the_request_id_goes_out_with_every_answer(
    serve: Serve, client: aiohttp.ClientSession, lines: Lines
) -> None:
    async def broken(request: web.Request) -> web.Response:
        raise RuntimeError

    async def streaming(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        return response

    url = await serve(service(lines, hello, broken, streaming))
    seen = []
    for path in ("hello/", "broken/", "streaming/", "nowhere"):
        async with client.get(url / path, headers={"X-Request-ID": f"id-{path}"}) as response:
            await response.read()
            seen.append((response.status, response.headers["X-Request-ID"]))

    assert seen == [(200, "id-hello/"), (500, "id-broken/"), (200, "id-streaming/"), (404, "id-nowhere")]


async def test_requests_without_an_id_get_different_ones(
    serve: Serve, client: aiohttp.ClientSession, lines: Lines
) -> None:
    url = await serve(service(lines, hello))
    ids = set()
    for _ in range(3):
        async with client.get(url / "hello/") as response:
            ids.add(response.headers["X-Request-ID"])

    assert len(ids) == 3


async def test_an_unexpected_error_is_one_line_with_its_traceback_and_the_requests_id(
    serve: Serve, client: aiohttp.ClientSession, lines: Lines
) -> None:
    async def broken(request: web.Request) -> web.Response:
        raise RuntimeError("first\nsecond\u2028third")

    url = await serve(service(lines, broken))

    async with client.get(url / "broken/", headers={"X-Request-ID": "abc-1"}) as response:
        await response.read()

    record = await lines.first(lambda record: record["event"] == "unhandled_error")
    access = await lines.access()
    assert record["request_id"] == access["request_id"] == "abc-1"
    assert record["exception"].endswith("RuntimeError: first\nsecond\u2028third")
    assert (record["level"], record["logger"]) == ("error", "framework.problems")
    assert (access["level"], access["status"]) == ("error", 500)


async def test_what_a_handler_logs_carries_its_requests_id(
    serve: Serve, client: aiohttp.ClientSession, lines: Lines
) -> None:
    async def talking(request: web.Request, tasks: Tasks) -> web.Response:
        async def later() -> None:
            log.info("later")

        structlog.contextvars.bind_contextvars(order=7)
        log.info("stdlib %d", 1, extra={"colour": "red"})
        slog.info("structlog", size=2)
        tasks.start(later(), name="later")
        return web.Response()

    url = await serve(service(lines, talking))

    async with client.get(url / "talking/", headers={"X-Request-ID": "abc-1"}) as response:
        await response.read()

    later = await lines.first(lambda record: record["event"] == "later")
    by_event = {record["event"]: record for record in lines.records}
    common = {"level": "info", "logger": "tests.service", "order": 7, "request_id": "abc-1"}
    assert common.items() <= later.items()
    assert (common | {"colour": "red"}).items() <= by_event["stdlib 1"].items()
    assert (common | {"size": 2}).items() <= by_event["structlog"].items()


async def test_what_structlog_is_given_is_a_field_whatever_its_name(serve: Serve, lines: Lines) -> None:
    await serve(service(lines, hello))

    try:
        raise ValueError("no value")
    except ValueError:
        slog.exception("odd %", name="Ann", args=[1], message="own", stack_info=True)

    record = await lines.first(lambda record: record["event"] == "odd %")
    assert (record["name"], record["args"], record["message"]) == ("Ann", [1], "own")
    assert (record["level"], record["logger"]) == ("error", "tests.service")
    assert record["exception"].endswith("\nValueError: no value")
    assert "test_what_structlog_is_given" in record["stack"]


async def test_a_stack_that_was_asked_for_is_a_field(serve: Serve, lines: Lines) -> None:
    await serve(service(lines, hello))

    log.info("here", stack_info=True)

    record = await lines.first(lambda record: record["event"] == "here")
    assert record["stack"].startswith("Stack (most recent call last):\n")
    assert "test_a_stack_that_was_asked_for" in record["stack"]


async def test_a_record_outside_a_request_has_no_id(serve: Serve, lines: Lines) -> None:
    await serve(service(lines, hello))

    log.info("outside")

    assert "request_id" not in await lines.first(lambda record: record["event"] == "outside")


@dataclass
class Credentials:
    name: str
    password: str


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        pytest.param({"password": "s3cret"}, {"password": "***"}, id="a password"),
        pytest.param({"Authorization": "s3cret"}, {"Authorization": "***"}, id="a header"),
        pytest.param({"x-api-key": "s3cret"}, {"x-api-key": "***"}, id="with dashes"),
        pytest.param({"access_token": "s3cret"}, {"access_token": "***"}, id="a token"),
        pytest.param({"set_cookie": ["s3cret"]}, {"set_cookie": "***"}, id="a list"),
        pytest.param({"pin_code": "s3cret"}, {"pin_code": "***"}, id="a word of the service's own"),
        pytest.param({"it": Secret("s3cret")}, {"it": "Secret('***')"}, id="a Secret"),
        pytest.param({"a": {"b": {"token": "s3cret"}}}, {"a": {"b": {"token": "***"}}}, id="deep inside"),
        pytest.param(
            {"who": Credentials("n", "s3cret")},
            {"who": {"name": "n", "password": "***"}},
            id="in a dataclass",
        ),
        pytest.param({"list": [{"secret": 1}]}, {"list": [{"secret": "***"}]}, id="in a list"),
        pytest.param({"key": "shown", "id": 1}, {"key": "shown", "id": 1}, id="no secret"),
    ],
)
async def test_secrets_are_not_logged(
    serve: Serve, lines: Lines, fields: dict[str, Any], shown: dict[str, Any]
) -> None:
    await serve(service(lines, hello, settings=LogsSettings(redacted=("pin_code",))))

    log.info("it", extra=fields)

    record = await lines.first(lambda record: record["event"] == "it")
    assert shown.items() <= record.items()
    assert b"s3cret" not in lines.data


class Unshowable:
    def __repr__(self) -> str:
        raise ValueError("no")


def _deep(levels: int) -> Any:
    return {"in": _deep(levels - 1)} if levels else "bottom"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param("x" * 3000, "x" * 2048 + "… (3000 characters)", id="a long text"),
        pytest.param("ä" * 3000, "ä" * 1024 + "… (3000 characters)", id="a text of many bytes"),
        pytest.param(chr(0xD800), "\\ud800", id="half a character"),
        pytest.param(b"\xff\x00a", "\\xff\x00a", id="bytes"),
        pytest.param(2**70, str(2**70), id="an integer beyond 64 bits"),
        pytest.param(float("nan"), None, id="no number"),
        pytest.param(list(range(100)), list(range(50)), id="a long list"),
        pytest.param(_deep(9), {"in": {"in": {"in": {"in": "…"}}}}, id="deep nesting"),
        pytest.param(Unshowable(), "<Unshowable, whose repr raises ValueError>", id="a broken repr"),
        pytest.param({1: complex(1, 2)}, {"1": "(1+2j)"}, id="anything else"),
    ],
)
async def test_values_are_made_plain_and_short(serve: Serve, lines: Lines, value: Any, shown: Any) -> None:
    await serve(service(lines, hello))

    log.info("it", extra={"value": value})

    assert (await lines.first(lambda record: record["event"] == "it"))["value"] == shown


async def test_a_long_traceback_keeps_its_end(serve: Serve, lines: Lines) -> None:
    await serve(service(lines, hello))
    try:
        raise ValueError("x" * 50_000 + "the end")
    except ValueError:
        log.exception("it")

    record = await lines.first(lambda record: record["event"] == "it")
    assert record["exception"].startswith("…xxx")
    assert record["exception"].endswith("the end")
    assert len(record["exception"]) <= 16 * 1024 + 1


async def test_a_record_of_many_long_fields_is_cut_down(serve: Serve, lines: Lines) -> None:
    await serve(service(lines, hello))

    log.info("it", extra={f"field{n}": "x" * 2000 for n in range(45)})

    record = await lines.first(lambda record: record["event"] == "it")
    assert list(record) == ["timestamp", "level", "logger", "event", "dropped_fields"]
    assert record["dropped_fields"] == 45


EVIL = "a\nb\r\x00\x1b[31m\x7f\x85\x9b\u2028\u2029\u202e\u2066\ufeff\"\\'"


@pytest.mark.parametrize("format", ["json", "console"])
async def test_one_record_is_one_line_whatever_is_in_it(
    serve: Serve, client: aiohttp.ClientSession, lines: Lines, format: Any
) -> None:
    url = await serve(service(lines, hello, settings=LogsSettings(format=format)))

    log.info(EVIL, extra={"value": EVIL, EVIL: 1, "list": [EVIL]})
    async with client.get(url.with_path("/hello/") / EVIL) as response:
        await response.read()
    for _ in range(500):
        if lines.data.count(b"\n") >= 2:
            break
        await asyncio.sleep(0.01)

    text = lines.data.decode()
    assert text.count("\n") == 2
    assert len(text.splitlines()) == 2
    assert [character for character in text if not (character.isprintable() or character in "\n\ufeff")] == []
    assert "\ufeff" not in text
    assert all(part in text for part in ("\\u000a" if format == "console" else "\\n", "\\u2028", "\\u009b"))


async def test_people_read_of_a_request_in_a_phrase(
    serve: Serve, client: aiohttp.ClientSession, lines: Lines
) -> None:
    url = await serve(service(lines, hello, settings=LogsSettings(format="console")))

    async with client.get(url / "hello/you", headers={"X-Request-ID": "abc-1"}) as response:
        await response.read()
    for _ in range(500):
        if lines.data:
            break
        await asyncio.sleep(0.01)

    text = lines.data.decode()
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d\.\d{3} \[info *\] GET /hello/you 200, 5 B, [0-9.]+ ms *request_id=abc-1\n", text
    )


async def test_the_path_of_a_request_is_capped(
    serve: Serve, client: aiohttp.ClientSession, lines: Lines
) -> None:
    url = await serve(service(lines, hello))

    async with client.get(url / "hello" / ("ä" * 1300)) as response:
        await response.read()

    path = (await lines.access())["path"]
    assert path == f"/hello/{'ä' * 1020}… (1307 characters)"


async def test_a_record_that_cannot_be_formatted_is_told_of(serve: Serve, lines: Lines) -> None:
    await serve(service(lines, hello))

    handler = logging.getLogger().handlers[-1]
    handler.handle(logging.LogRecord("tests", logging.INFO, __file__, 1, "%d items", ("no number",), None))

    record = await lines.first(lambda record: record["event"] == "log_record_unformattable")
    assert "test_logs.py" in record["place"]


async def test_warnings_are_records(serve: Serve, lines: Lines) -> None:
    await serve(service(lines, hello))

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("be careful", UserWarning, stacklevel=1)

    record = await lines.first(lambda record: record.get("logger") == "py.warnings")
    assert "be careful" in record["event"]


def state() -> tuple[Any, ...]:
    root = logging.getLogger()
    config = repr(structlog.get_config())
    return root.level, frozenset(root.handlers), structlog.is_configured(), config, warnings.showwarning


@pytest.fixture
def console_handler() -> Iterator[logging.Handler]:
    handler = logging.StreamHandler(sys.stderr)
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


async def _open(stack: AsyncExitStack, app: web.Application) -> None:
    app.on_startup.freeze()
    await app.startup()
    stack.push_async_callback(app.cleanup)


@pytest.fixture(params=[False, True], ids=["structlog as it comes", "structlog configured"])
def structlog_config(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.param:
        structlog.configure(context_class=dict, cache_logger_on_first_use=False)
    yield
    structlog.reset_defaults()


@pytest.mark.usefixtures("structlog_config")
@pytest.mark.parametrize("first_ends_first", [True, False], ids=["in the order of their start", "in reverse"])
async def test_several_services_in_a_process_leave_logging_as_they_found_it(
    lines: Lines, first_ends_first: bool, console_handler: logging.Handler
) -> None:
    other = Lines()
    before = state()
    apps = service(lines, hello), service(other, hello, settings=LogsSettings(level="debug"))
    one, two = AsyncExitStack(), AsyncExitStack()
    await _open(one, apps[0])
    await _open(two, apps[1])

    spoke_up = console_handler in logging.getLogger().handlers
    log.debug("both run")
    ends, stays = (one, two) if first_ends_first else (two, one)
    await ends.aclose()
    log.warning("one runs")
    await stays.aclose()

    left = other if first_ends_first else lines
    told = [record for record in other.records if record["level"] == "debug"]
    assert [record["event"] for record in told] == ["both run"]
    assert [record["event"] for record in left.records][-1:] == ["one runs"]
    # That another server than ours serves them is told too.
    told = [record for record in [*lines.records, *other.records] if record["logger"] != "framework.server"]
    assert len(told) == 2
    assert not spoke_up
    assert console_handler in logging.getLogger().handlers
    assert state() == before


async def test_a_reader_that_is_stuck_stops_no_request(serve: Serve, client: aiohttp.ClientSession) -> None:
    lines, opened = Lines(), threading.Event()

    def write(data: bytes) -> None:
        opened.wait(30)
        lines.write(data)

    settings = LogsSettings(buffer_bytes=64 * 1024)
    battery = logs.battery(settings, write=write)
    routes = RouteTableDef()
    routes.get("/hello")(hello)
    url = await serve(create_app(ServiceSettings(), routes=[routes], batteries=[battery]))

    log.info("into the stuck write")
    await asyncio.sleep(0.1)
    for _ in range(100):
        log.info("x" * 2000)
    async with client.get(url / "hello") as response:
        text = await response.text()
    opened.set()

    dropped = await lines.first(lambda record: record["event"] == "lines_dropped")
    assert text == "hello"
    assert 60 < dropped["count"] < 80


def test_a_pipe_writes_what_it_has_sleeps_and_ends_when_it_is_closed() -> None:
    written: list[bytes] = []
    pipe = Pipe(limit_bytes=100, report=lambda count: b"", write=written.append)
    pipe.open()

    pipe.put(b"one\n")
    time.sleep(0.3)
    writes_while_idle = len(written)
    pipe.put(b"two\n")
    pipe.close(wait_seconds=10)

    assert b"".join(written) == b"one\ntwo\n"
    assert writes_while_idle == 1
    assert "framework.logs" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.process
def test_a_reader_that_is_stuck_does_not_keep_the_process_from_ending() -> None:
    noisy = SERVICE.replace("await response.read()", "[logging.error('x' * 2000) for _ in range(500)]")

    with subprocess.Popen([sys.executable, "-c", noisy], stderr=subprocess.PIPE) as process:
        status = process.wait(60)

    assert status == 0


async def test_a_reader_that_has_gone_stops_no_request(serve: Serve, client: aiohttp.ClientSession) -> None:
    def write(data: bytes) -> None:
        raise BrokenPipeError

    routes = RouteTableDef()
    routes.get("/hello")(hello)
    app = create_app(ServiceSettings(), routes=[routes], batteries=[logs.battery(write=write)])
    url = await serve(app)
    statuses = []
    for _ in range(2):
        async with client.get(url / "hello") as response:
            statuses.append(response.status)
        await asyncio.sleep(0.05)

    assert statuses == [200, 200]


async def _chunks(gate: asyncio.Event) -> AsyncIterator[bytes]:
    yield b"one"
    await gate.wait()
    yield b"two"


async def test_a_stream_is_told_of_at_its_end(
    serve: Serve, client: aiohttp.ClientSession, lines: Lines
) -> None:
    gate = asyncio.Event()

    async def streaming(request: web.Request) -> web.Response:
        return stream(_chunks(gate))

    url = await serve(service(lines, streaming))

    async with client.get(url / "streaming/") as response:
        assert await response.content.readany() == b"one"
        await asyncio.sleep(0.1)
        told_before_the_end = lines.data
        gate.set()
        rest = await response.read()

    record = await lines.access()
    assert (rest, told_before_the_end) == (b"two", b"")
    assert record["duration_ms"] >= 100
    assert record["bytes"] > 6


async def test_a_stream_whose_client_leaves_is_marked(serve: Serve, lines: Lines) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 1000)
            await asyncio.sleep(0.01)

    url = await serve(service(lines, endless))
    reader, writer = await asyncio.open_connection(url.host, url.port)

    writer.write(b"GET /endless/ HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readline()
    writer.transport.abort()

    record = await lines.access()
    assert (record["level"], record["disconnected"], record["status"]) == ("info", True, 499)


@pytest.mark.guarantee("disconnects")
async def test_a_client_that_leaves_before_its_answer_is_marked(serve: Serve, lines: Lines) -> None:
    async def slow(request: web.Request) -> web.Response:
        await asyncio.sleep(30)
        raise AssertionError

    url = await serve(service(lines, slow))
    _, writer = await asyncio.open_connection(url.host, url.port)

    writer.write(b"GET /slow/ HTTP/1.1\r\nHost: x\r\n\r\n")
    await asyncio.sleep(0.05)
    writer.transport.abort()

    record = await lines.access()
    assert (record["level"], record["disconnected"], record["status"]) == ("info", True, 499)


async def test_a_body_that_comes_in_chunks_ends_with_its_client(serve: Serve, lines: Lines) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 100_000

    async def endless(request: web.Request) -> web.Response:
        return stream(chunks())

    url = await serve(service(lines, endless))
    reader, writer = await asyncio.open_connection(url.host, url.port)

    writer.write(b"GET /endless/ HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readline()
    writer.transport.abort()

    record = await lines.access()
    assert (record["level"], record["disconnected"], record["bytes"] > 0) == ("info", True, True)


async def test_work_that_went_on_without_its_client_is_marked(serve: Serve, lines: Lines) -> None:
    left = asyncio.Event()

    async def work(request: web.Request) -> web.Response:
        await left.wait()
        return web.Response(text="done")

    routes = RouteTableDef()
    routes.post("/work")(work)
    app = create_app(
        ServiceSettings(), routes=[routes], batteries=[logs.battery(write=lines.write), problems.battery()]
    )
    url = await serve(app)
    _, writer = await asyncio.open_connection(url.host, url.port)

    writer.write(b"POST /work HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    await asyncio.sleep(0.05)
    writer.transport.abort()
    await asyncio.sleep(0.05)
    left.set()

    record = await lines.access()
    assert (record["status"], record["disconnected"]) == (200, True)


async def test_a_stream_that_fails_is_marked(
    serve: Serve, client: aiohttp.ClientSession, lines: Lines
) -> None:
    async def failing(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half")
        raise RuntimeError

    url = await serve(service(lines, failing))

    async with client.get(url / "failing/") as response:
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()

    record = await lines.access()
    assert (record["level"], record["aborted"], record["status"]) == ("error", True, 500)


@pytest.mark.parametrize("polite", [True, False], ids=["closed", "lost"])
async def test_a_websocket_is_told_of_at_its_end(
    serve: Serve, client: aiohttp.ClientSession, lines: Lines, polite: bool
) -> None:
    async def socket(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for message in ws:
            await ws.send_str(message.data)
        return ws

    url = await serve(service(lines, socket))

    async with client.ws_connect(url / "socket/") as ws:
        await ws.send_str("x" * 500)
        await ws.receive_str()
        told_before_the_end = lines.data
        if not polite:
            assert ws._response.connection is not None
            assert ws._response.connection.transport is not None
            ws._response.connection.transport.abort()
            await asyncio.sleep(0)

    record = await lines.access()
    assert told_before_the_end == b""
    assert (record["status"], "disconnected" in record) == (101, not polite)


async def test_a_file_is_told_of_with_its_size(
    serve: Serve, client: aiohttp.ClientSession, lines: Lines, tmp_path: Path
) -> None:
    (tmp_path / "document").write_bytes(b"x" * 100_000)

    async def file(request: web.Request) -> web.FileResponse:
        return web.FileResponse(tmp_path / "document")

    url = await serve(service(lines, file))

    async with client.get(url / "file/") as response:
        await response.read()

    assert (await lines.access())["bytes"] >= 100_000


async def test_a_head_request_has_no_body_to_tell_of(
    serve: Serve, client: aiohttp.ClientSession, lines: Lines
) -> None:
    url = await serve(service(lines, hello))

    async with client.head(url / "hello/") as response:
        await response.read()

    record = await lines.access()
    assert (record["method"], record["bytes"]) == ("HEAD", 0)


async def test_a3_requests_that_match_no_route_are_told_of_without_one(
    serve: Serve, client: aiohttp.ClientSession, lines: Lines
) -> None:
    url = await serve(service(lines, hello))

    for method, path in (("GET", "nowhere"), ("DELETE", "hello/")):
        async with client.request(method, url / path) as response:
            await response.read()

    await lines.first(lambda record: record.get("status") == 405)
    assert [(record["status"], record["route"]) for record in lines.records] == [(404, ""), (405, "")]


async def test_a_redirect_is_told_of(serve: Serve, client: aiohttp.ClientSession, lines: Lines) -> None:
    async def moved(request: web.Request) -> web.Response:
        raise web.HTTPFound("/elsewhere")

    url = await serve(service(lines, moved))

    async with client.get(url / "moved/", allow_redirects=False) as response:
        await response.read()

    record = await lines.access()
    assert (record["status"], record["level"]) == (302, "info")


async def test_a10_a_request_is_told_of_once(
    serve: Serve, client: aiohttp.ClientSession, lines: Lines
) -> None:
    url = await serve(service(lines, hello, settings=LogsSettings(level="debug")))

    async with client.get(url / "hello/") as response:
        await response.read()
    log.info("the end")
    await lines.first(lambda record: record["event"] == "the end")

    told = [record for record in lines.records if record.get("logger") != "asyncio"]
    assert [record["event"] for record in told] == ["request", "the end"]


async def test_an_error_past_every_battery_is_told_of(
    serve: Serve, client: aiohttp.ClientSession, lines: Lines
) -> None:
    async def broken(request: web.Request) -> web.Response:
        raise RuntimeError

    async def missing(request: web.Request) -> web.Response:
        raise web.HTTPNotFound

    routes = RouteTableDef()
    routes.get("/broken")(broken)
    routes.get("/missing")(missing)
    app = create_app(ServiceSettings(), routes=[routes], batteries=[logs.battery(write=lines.write)])
    url = await serve(app)

    for path in ("broken", "missing"):
        async with client.get(url / path) as response:
            await response.read()

    await lines.first(lambda record: record.get("route") == "/missing")
    told = [(record["route"], record["status"]) for record in lines.records if record["event"] == "request"]
    assert told == [("/broken", 500), ("/missing", 404)]


async def test_a_quiet_endpoint_is_told_of_when_it_fails(
    serve: Serve, client: aiohttp.ClientSession, lines: Lines
) -> None:
    @quiet
    async def pulse(request: web.Request) -> web.Response:
        if "fails" in request.query:
            raise NotFound
        return web.Response()

    url = await serve(service(lines, pulse))

    for query in ("", "?fails"):
        async with client.get(f"{url}/pulse/{query}") as response:
            await response.read()

    assert (await lines.access())["status"] == 404
    assert len(lines.records) == 1


@pytest.mark.parametrize(
    ("level", "statuses"),
    [
        pytest.param("debug", [200, 404, 500], id="debug"),
        pytest.param("warning", [500], id="warning"),
        pytest.param("critical", [], id="critical"),
    ],
)
async def test_the_level_decides_which_requests_are_told_of(
    serve: Serve, client: aiohttp.ClientSession, lines: Lines, level: Any, statuses: list[int]
) -> None:
    async def broken(request: web.Request) -> web.Response:
        raise RuntimeError

    url = await serve(service(lines, hello, broken, settings=LogsSettings(level=level)))

    for path in ("hello/", "nowhere", "broken/"):
        async with client.get(url / path) as response:
            await response.read()
    log.critical("the end")
    await lines.first(lambda record: record["event"] == "the end")

    assert [record["status"] for record in lines.records if record["event"] == "request"] == statuses


async def test_the_access_log_can_be_switched_off(
    serve: Serve, client: aiohttp.ClientSession, lines: Lines
) -> None:
    url = await serve(service(lines, hello, settings=LogsSettings(access=False)))

    async with client.get(url / "hello/") as response:
        await response.read()
    log.info("the end")
    await lines.first(lambda record: record["event"] == "the end")

    assert "X-Request-ID" in response.headers
    assert len(lines.records) == 1


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        pytest.param({"level": "loud"}, "'loud' is none of debug", id="level"),
        pytest.param({"format": "xml"}, "'xml' is none of auto", id="format"),
        pytest.param({"redacted": ("",)}, "empty word", id="redacted"),
        pytest.param({"buffer_bytes": 10}, "at least 65536", id="buffer"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        LogsSettings(**settings)


def test_a_stderr_without_a_file_gets_text(monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.StringIO()
    monkeypatch.setattr(sys, "stderr", text)

    stderr_writer()("ä\n".encode())

    assert text.getvalue() == "ä\n"


def test_a_file_that_would_block_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    data, received = b"x" * 1_000_000, b""
    with os.fdopen(writer, "wb", buffering=0) as file, os.fdopen(reader, "rb", buffering=0) as other:
        monkeypatch.setattr(sys, "stderr", file)
        thread = threading.Thread(target=stderr_writer(), args=(data,))
        thread.start()
        while len(received) < len(data):
            received += other.read(65536)
        thread.join()

    assert received == data


SERVICE = """
import asyncio, logging
import aiohttp
from framework import server
from framework.app import ServiceSettings, create_app
from framework.batteries import logs, problems
from framework.routing import RouteTableDef
from framework.secrets import generated_key
from framework.server import ServerSettings
from framework.batteries.auth import AuthSettings
from framework.batteries.sessions import SessionSettings

routes = RouteTableDef()

@routes.get("/broken")
async def broken() -> None:
    raise RuntimeError("one\\ntwo")

async def main():
    keys = (generated_key(),)
    settings = ServiceSettings(sessions=SessionSettings(keys=keys), auth=AuthSettings(keys=keys))
    app = create_app(settings, routes=[routes], batteries=[logs.battery(), problems.battery()])
    async with server.serve(app, ServerSettings(port=0, drain_seconds=0)) as running, aiohttp.ClientSession() as client:
        async with client.get(f"{running.url}/broken") as response:
            await response.read()

asyncio.run(main())
"""


@pytest.mark.process
def test_stderr_gets_json_lines_in_a_pipe() -> None:
    run = subprocess.run([sys.executable, "-c", SERVICE], capture_output=True, timeout=60, check=True)

    records = [json.loads(line) for line in run.stderr.splitlines()]
    assert [record["event"] for record in records] == ["unhandled_error", "request"]
    assert run.stdout == b""


@pytest.mark.process
def test_stderr_gets_colours_at_a_terminal() -> None:
    terminal, stderr = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    with subprocess.Popen([sys.executable, "-c", SERVICE], stderr=stderr, env=environment) as process:
        os.close(stderr)
        shown = b""
        while chunk := _read(terminal):
            shown += chunk
        os.close(terminal)

    assert process.returncode == 0
    assert b"\x1b[" in shown
    assert b"RuntimeError: one\r\ntwo" in shown
    assert b"unhandled_error" in shown


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the other side has closed
        return b""


async def test_what_a_service_adds_to_a_line_overwrites_nothing_that_is_the_lines_own(
    lines: Lines, serve: Serve, client: aiohttp.ClientSession
) -> None:
    mine = {"level": "fine", "timestamp": "never", "event": "mine", "logger": "me", "request_id": "forged"}

    async def forge(request: web.Request) -> web.Response:
        log.warning("told", extra=mine)
        slog.bind(request_id="forged").warning("bound")
        return web.Response()

    url = await serve(service(lines, forge))
    async with client.get(url / "forge/x", headers={"X-Request-ID": "true"}) as response:
        await response.read()
    told = await lines.first(lambda record: record["event"] == "told")
    bound = await lines.first(lambda record: record["event"] == "bound")

    assert (told["level"], told["logger"], told["request_id"]) == ("warning", "tests.service", "true")
    assert {name: told[f"extra_{name}"] for name in mine} == mine
    assert (bound["request_id"], bound["extra_request_id"]) == ("true", "forged")
    assert "extra_event" not in bound
    assert "extra_level" not in bound


async def test_lines_in_the_names_of_the_elastic_common_schema(
    lines: Lines, serve: Serve, client: aiohttp.ClientSession
) -> None:
    async def fail(request: web.Request) -> web.Response:
        log.warning("told", extra={"order": 7, "password": "hidden", "duration_ms": "odd"})
        raise RuntimeError("broken")

    url = await serve(service(lines, fail, settings=LogsSettings(format="ecs")))
    async with client.get(url / "fail/x", headers={"X-Request-ID": "mine"}) as response:
        await response.read()
    access = await lines.first(lambda record: "http.request.method" in record)
    told = await lines.first(lambda record: record["message"] == "told")
    error = await lines.first(lambda record: "error.stack_trace" in record)

    assert (access["url.path"], access["http.response.status_code"]) == ("/fail/x", 500)
    assert access["labels"]["route"] == "/fail/{rest:.*}"
    assert isinstance(access["event.duration"], int)
    assert {record["http.request.id"] for record in (access, told, error)} == {"mine"}
    assert told["labels"] == {"order": 7, "password": "***", "duration_ms": "odd"}
    assert (told["log.level"], told["log.logger"], told["ecs.version"]) == (
        "warning",
        "tests.service",
        "8.11.0",
    )
    assert "broken" in error["error.stack_trace"]


async def test_one_in_so_many_probes_that_went_well_is_told_of_and_every_one_that_did_not(
    lines: Lines, serve: Serve, client: aiohttp.ClientSession
) -> None:
    @quiet
    async def probe(request: web.Request) -> web.Response:
        if request.query:
            raise NotFound("probe", 1)
        return web.Response()

    url = await serve(service(lines, probe, settings=LogsSettings(format="json", quiet_one_in=3)))
    for path in ("a", "b", "c", "d", "bad", "e"):
        async with client.get(
            (url / f"probe/{path}").with_query({"x": "1"} if path == "bad" else None)
        ) as response:
            await response.read()
    await lines.first(lambda record: record["event"] == "request" and record["path"] == "/probe/bad")

    told = [
        (record["path"], record.get("one_in")) for record in lines.records if record["event"] == "request"
    ]
    assert told == [("/probe/a", 3), ("/probe/d", 3), ("/probe/bad", None)]


def test_a_share_of_probes_is_a_number() -> None:
    with pytest.raises(ConfigurationError, match="quiet_one_in must"):
        LogsSettings(quiet_one_in=-1)
