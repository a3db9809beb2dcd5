"""Deadlines: a response that is not ready in time is 504, and what it waited for has ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from framework import RouteTableDef, Secret, ServiceSettings, create_app, deadline, public, standard, stream
from framework.batteries import database
from framework.batteries.database import DatabaseSettings, session_scope
from framework.batteries.deadlines import DeadlineSettings, shortened
from framework.context import DEADLINE
from framework.errors import ConfigurationError, Conflict
from framework.testing import Serve

Ask = Callable[[str], Awaitable[tuple[int, Any]]]


def app_of(*routes: Any, **settings: Any) -> web.Application:
    return create_app(ServiceSettings(deadlines=DeadlineSettings(**settings)), routes=list(routes))


async def get(client: aiohttp.ClientSession, url: Any, **headers: str) -> tuple[int, Any]:
    async with client.get(
        url, headers={name.replace("_", "-"): value for name, value in headers.items()}
    ) as response:
        return response.status, await response.json(content_type=None)


async def test_what_is_late_is_504_and_was_cancelled(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    routes, ended = RouteTableDef(), asyncio.Event()

    @routes.get("/slow")
    @deadline(seconds=0.1)
    @public
    async def slow() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()

    url = await serve(app_of(routes))

    status, problem = await get(client, url / "slow")

    assert (status, problem["status"], problem["detail"]) == (504, 504, "The answer was not ready in time.")
    assert ended.is_set()
    [told] = [record for record in caplog.records if record.message == "deadline_exceeded"]
    assert (vars(told)["route"], vars(told)["waiting_in"].split()[-1]) == ("/slow", "sleep")


async def test_every_endpoint_has_a_deadline_plain_ones_and_those_of_sub_applications_too(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    @public
    async def slow(request: web.Request) -> web.Response:
        await asyncio.sleep(30)
        raise AssertionError

    app = app_of(web.RouteTableDef(), seconds=0.1)
    app.router.add_get("/plain", slow)
    below = web.Application()
    below.router.add_get("/slow", slow)
    app.add_subapp("/below", below)
    url = await serve(app)

    statuses = [(await get(client, url / path))[0] for path in ("plain", "below/slow")]

    assert statuses == [504, 504]


async def test_an_endpoint_may_take_longer_or_as_long_as_it_likes(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    routes = RouteTableDef()

    @routes.get("/longer")
    @deadline(seconds=5)
    @public
    async def longer() -> dict[str, bool]:
        await asyncio.sleep(0.3)
        return {"done": True}

    @routes.get("/ever")
    @deadline(seconds=None)
    @public
    async def ever() -> dict[str, bool]:
        await asyncio.sleep(0.3)
        return {"done": True}

    url = await serve(app_of(routes, seconds=0.1))

    assert [await get(client, url / path) for path in ("longer", "ever")] == [(200, {"done": True})] * 2


@pytest.mark.parametrize(
    ("sent", "status"),
    [("0.1", 504), ("60", 200), ("soon", 200), ("-1", 200), ("1e-3", 200), ("", 200)],
)
async def test_a_caller_may_wait_for_less_and_never_for_more(
    serve: Serve, client: aiohttp.ClientSession, sent: str, status: int
) -> None:
    routes = RouteTableDef()

    @routes.get("/slow")
    @public
    async def slow() -> dict[str, bool]:
        await asyncio.sleep(0.4)
        return {"done": True}

    url = await serve(app_of(routes, seconds=5, header="X-Request-Timeout"))

    found, _ = await get(client, url / "slow", X_Request_Timeout=sent)

    assert found == status
    assert shortened(5, "60") == 5


async def test_a_transaction_is_rolled_back_and_the_connection_serves_the_next(
    serve: Serve, client: aiohttp.ClientSession, tmp_path: Any
) -> None:
    routes = RouteTableDef()

    @routes.get("/slow")
    @deadline(seconds=0.2)
    @public
    async def slow(session: AsyncSession) -> None:
        await session.execute(text("INSERT INTO notes VALUES ('half')"))
        await asyncio.sleep(30)

    settings = ServiceSettings()
    stored = database.battery(
        DatabaseSettings(url=Secret(f"sqlite:///{tmp_path}/x.db"), pool_size=1, max_overflow=0)
    )
    app = create_app(settings, routes=[routes], batteries=[*standard(settings), stored])
    url = await serve(app)
    async with session_scope(app) as session:
        await session.execute(text("CREATE TABLE notes (name TEXT)"))

    status, _ = await get(client, url / "slow")

    async with session_scope(app) as session:
        rows = (await session.execute(text("SELECT * FROM notes"))).all()
    assert (status, rows) == (504, [])


@pytest.mark.process
async def test_a_statement_ends_on_postgresql_too(
    serve: Serve, client: aiohttp.ClientSession, postgres_url: str
) -> None:
    routes = RouteTableDef()

    @routes.get("/slow")
    @deadline(seconds=0.3)
    @public
    async def slow(session: AsyncSession) -> None:
        await session.execute(text("SELECT pg_sleep(30)"))

    settings = ServiceSettings()
    stored = database.battery(DatabaseSettings(url=Secret(postgres_url)))
    app = create_app(settings, routes=[routes], batteries=[*standard(settings), stored])
    url = await serve(app)

    status, _ = await get(client, url / "slow")

    left: int | None = None
    running = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE query LIKE '%pg_sleep%' AND state = 'active' AND pid <> pg_backend_pid()"
    )
    async with session_scope(app) as session:
        for _ in range(50):
            left = await session.scalar(running)
            if not left:
                break
            await asyncio.sleep(0.1)
    assert (status, left) == (504, 0)


async def test_a_stream_takes_as_long_as_it_likes(serve: Serve, client: aiohttp.ClientSession) -> None:
    routes = RouteTableDef()

    @routes.get("/stream")
    @public
    async def numbers() -> web.StreamResponse:
        async def produce() -> AsyncIterator[bytes]:
            for number in range(4):
                yield b"%d" % number
                await asyncio.sleep(0.15)

        return stream(produce())

    url = await serve(app_of(routes, seconds=0.2))

    async with client.get(url / "stream") as response:
        body = await response.read()

    assert (response.status, body) == (200, b"0123")


async def test_what_a_stream_asks_of_others_has_no_deadline_either(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    routes = RouteTableDef()

    @routes.get("/stream")
    @public
    @deadline(seconds=0.1)
    async def answer(request: web.Request) -> web.StreamResponse:
        async def produce() -> AsyncIterator[bytes]:
            yield b"before "
            await asyncio.sleep(0.4)
            yield str(DEADLINE in request).encode()

        return stream(produce())

    async with client.get(await serve(app_of(routes)) / "stream") as response:
        assert await response.read() == b"before False"


async def test_a_body_that_goes_on_arriving_may_take_longer_and_one_that_stops_may_not(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    routes = RouteTableDef()

    @routes.post("/upload")
    @public
    async def upload(request: web.Request) -> int:
        return len(await request.read())

    async def pieces(count: int, pause: float) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b"x"
            await asyncio.sleep(pause)

    url = await serve(app_of(routes, seconds=0.3)) / "upload"
    async with client.post(url, data=pieces(6, 0.12)) as response:
        steady = response.status, await response.json()
    async with client.post(url, data=pieces(2, 0.8)) as response:
        stopping = response.status

    assert (steady, stopping) == ((200, 6), 504)


async def test_a_plain_socket_takes_as_long_as_it_likes(serve: Serve, client: aiohttp.ClientSession) -> None:
    routes = web.RouteTableDef()

    @routes.get("/ws")
    @public
    async def echo(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for message in ws:
            await ws.send_str(message.data)
        return ws

    url = await serve(app_of(routes, seconds=0.1))

    async with client.ws_connect(url / "ws") as ws:
        await asyncio.sleep(0.4)
        await ws.send_str("still here")
        echoed = await ws.receive_str()

    assert echoed == "still here"


async def test_who_goes_on_when_cancelled_keeps_no_client_waiting(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    routes, may_end = RouteTableDef(), asyncio.Event()

    @routes.get("/stubborn")
    @deadline(seconds=0.1)
    @public
    async def stubborn() -> None:
        while not may_end.is_set():
            try:
                await may_end.wait()
            except asyncio.CancelledError:
                continue

    url = await serve(app_of(routes, patience_seconds=0.3))

    async with client.get(url / "stubborn") as response:
        connection = response.headers["Connection"]
    may_end.set()

    assert (response.status, connection) == (504, "close")
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == [
        "deadline_ignored"
    ]


@pytest.mark.parametrize(
    ("error", "status"), [(Conflict("said"), 409), (ValueError("unsaid"), 504), (TimeoutError(), 504)]
)
async def test_what_a_handler_makes_of_its_end_is_told_only_if_it_is_an_answer(
    serve: Serve, client: aiohttp.ClientSession, error: Exception, status: int
) -> None:
    routes = RouteTableDef()

    @routes.get("/x")
    @deadline(seconds=0.1)
    @public
    async def handler() -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            raise error from None

    url = await serve(app_of(routes))

    assert (await get(client, url / "x"))[0] == status


async def test_requests_in_time_are_not_touched_while_others_are_late(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    routes = RouteTableDef()

    @routes.get("/{seconds}")
    @deadline(seconds=0.4)
    @public
    async def wait(seconds: float) -> dict[str, float]:
        await asyncio.sleep(seconds)
        return {"waited": seconds}

    url = await serve(app_of(routes))

    answers = await asyncio.gather(*(get(client, url / each) for each in ("0.1", "5", "0.2", "6", "0.0")))

    assert [status for status, _ in answers] == [200, 504, 200, 504, 200]


@pytest.mark.parametrize("seconds", [0, -1, True, "2", float("inf")])
def test_a_deadline_that_is_none_is_refused_at_its_line(seconds: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"test_deadlines\.py:\d+: @deadline takes"):
        deadline(seconds=seconds)


@pytest.mark.parametrize("wrong", [{"seconds": -1}, {"header": "a b"}, {"patience_seconds": 0}], ids=str)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        DeadlineSettings(**wrong)
