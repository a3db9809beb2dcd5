"""A request's session: one, lazily, and committed or rolled back as the answer says."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from sqlalchemy import insert, select, text
from yarl import URL

from framework.batteries.database import DatabaseSettings, session_scope
from framework.batteries.database.engines import opened
from framework.batteries.database.migrations import migrate
from framework.batteries.database.sessions import ENGINE, check
from framework.battery import Battery, Handler
from framework.testing import Serve
from tests.batteries.database.notes import REVISIONS, Note, notes_app, settings_for


async def names(app: web.Application) -> list[str]:
    async with session_scope(app) as session:
        return list(await session.scalars(select(Note.name).order_by(Note.id)))


async def write_and_fail(app: web.Application) -> None:
    async with session_scope(app) as session:
        session.add(Note(name="dropped"))
        await session.flush()
        raise ZeroDivisionError


async def test_what_a_successful_request_wrote_is_there_for_the_next(
    settings: DatabaseSettings, serve: Serve, client: ClientSession
) -> None:
    url = await serve(notes_app(settings))

    async with client.post(url / "notes", json={"name": "first"}) as added:
        assert added.status == 201
    async with client.get(url / "notes") as listed:
        found = await listed.json()

    assert found == {"names": ["first"]}


@pytest.mark.parametrize("is_ours", [True, False], ids=["our server", "aiohttp's own"])
async def test_what_a_request_wrote_is_kept_behind_a_battery_that_passes_a_clone_on(
    is_ours: bool, settings: DatabaseSettings, serve: Serve, client: ClientSession
) -> None:
    async def clone(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request.clone(headers={**request.headers, "X-Tenant": "acme"}))

    app = notes_app(settings, Battery(name="cloning", middleware=clone))
    async with AsyncExitStack() as stack:
        url = await serve(app) if is_ours else (await stack.enter_async_context(TestServer(app))).make_url("")
        async with client.post(url / "notes", json={"name": "first"}) as added:
            assert added.status == 201

        assert await names(app) == ["first"]


@pytest.mark.parametrize(
    ("path", "status", "kept"),
    [
        pytest.param("notes", 201, True, id="a success is kept"),
        pytest.param("redirected", 303, True, id="a redirect is kept"),
        pytest.param("raised-redirect", 303, True, id="a raised redirect is kept"),
        pytest.param("refused", 400, False, id="a raised refusal is not"),
        pytest.param("answered-400", 400, False, id="an answered refusal is not"),
        pytest.param("broken", 500, False, id="a bug is not"),
    ],
)
async def test_the_answer_decides_what_is_kept(
    path: str,
    status: int,
    kept: bool,
    settings: DatabaseSettings,
    serve: Serve,
    client: ClientSession,
) -> None:
    app = notes_app(settings)
    url = await serve(app)

    async with client.post(url / path, json={"name": "x"}, allow_redirects=False) as response:
        assert response.status == status

    assert await names(app) == (["x"] if kept else [])


async def test_a_session_is_not_opened_unless_somebody_asks(
    settings: DatabaseSettings, serve: Serve, client: ClientSession
) -> None:
    app = notes_app(settings)
    url = await serve(app)

    async with client.get(url / "untouched") as response:
        answer = await response.json()

    assert answer == {"opened": False}


async def test_a_request_has_one_session(
    settings: DatabaseSettings, serve: Serve, client: ClientSession
) -> None:
    url = await serve(notes_app(settings))

    async with client.get(url / "same") as response:
        answer = await response.json()

    assert answer == {"same": True}


async def test_connections_go_back_to_the_pool(
    settings: DatabaseSettings, serve: Serve, client: ClientSession
) -> None:
    app = notes_app(settings)
    url = await serve(app)

    for path in ("notes", "broken", "refused"):
        async with client.post(url / path, json={"name": path}) as response:
            await response.read()

    pool: Any = app[ENGINE].pool
    assert pool.checkedout() == 0


async def test_a_duplicate_is_a_conflict(
    settings: DatabaseSettings, serve: Serve, client: ClientSession
) -> None:
    app = notes_app(settings)
    url = await serve(app)
    async with client.post(url / "notes", json={"name": "once"}):
        pass

    async with client.post(url / "notes", json={"name": "once"}) as again:
        problem = await again.json()

    assert (again.status, problem["detail"]) == (409, "There is such a note.")
    assert await names(app) == ["once"]


async def test_a_handler_can_go_on_after_a_duplicate(
    settings: DatabaseSettings, serve: Serve, client: ClientSession
) -> None:
    app = notes_app(settings)
    url = await serve(app)

    async with client.post(url / "twice", json={"name": "one"}) as response:
        assert response.status == 200

    assert await names(app) == ["one", "one again"]


async def test_a_block_outside_of_a_request_is_kept_or_dropped_as_a_whole(
    settings: DatabaseSettings, serve: Serve
) -> None:
    app = notes_app(settings)
    await serve(app)

    async with session_scope(app) as session:
        session.add(Note(name="kept"))
    with pytest.raises(ZeroDivisionError):
        await write_and_fail(app)

    assert await names(app) == ["kept"]


async def test_a_block_can_commit_in_between(settings: DatabaseSettings, serve: Serve) -> None:
    app = notes_app(settings)
    await serve(app)

    async with session_scope(app) as session:
        session.add(Note(name="early"))
        await session.commit()
        session.add(Note(name="late"))

    assert await names(app) == ["early", "late"]


@pytest.mark.parametrize("path", ["notes", "counted"], ids=["writing at once", "reading before they write"])
async def test_many_writers_at_once_all_succeed(
    path: str, settings: DatabaseSettings, serve: Serve, client: ClientSession
) -> None:
    app = notes_app(settings)
    url = await serve(app)

    async def write(number: int) -> int:
        async with client.post(url / path, json={"name": f"note {number}"}) as response:
            return response.status

    statuses = await asyncio.gather(*(write(number) for number in range(40)))

    assert set(statuses) == {201}
    assert len(await names(app)) == 40


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("\x00", id="null character"),
        pytest.param("x" * 201, id="longer than the column"),
    ],
)
async def test_text_that_the_database_cannot_hold_is_refused(
    name: str, settings: DatabaseSettings, serve: Serve, client: ClientSession
) -> None:
    app = notes_app(settings)
    url = await serve(app)

    async with client.post(url / "notes", json={"name": name}) as response:
        assert response.status == 422

    assert await names(app) == []


@pytest.mark.parametrize("letter", ["%00", "%ED%A0%80", "%FF"], ids=["null", "lone surrogate", "no UTF-8"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("GET", "notes/{}", None, id="path"),
        pytest.param("GET", "search?name={}", None, id="query"),
        pytest.param("POST", "form", "name={}", id="form"),
    ],
)
async def test_letters_that_are_none_are_never_our_fault(
    method: str,
    path: str,
    body: str | None,
    letter: str,
    serve: Serve,
    client: ClientSession,
    postgres_url: str,
) -> None:
    settings = settings_for(postgres_url)
    await migrate(settings, REVISIONS)
    app = notes_app(settings)
    url = await serve(app)
    target = URL(f"{url}/{path.format(letter)}", encoded=True)
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}

    data = body.format(letter) if body else None
    async with client.request(method, target, data=data, headers=headers) as response:
        assert response.status in {200, 400, 404, 422}

    assert await names(app) == []


async def test_a_lone_surrogate_never_reaches_the_database(
    settings: DatabaseSettings, serve: Serve, client: ClientSession
) -> None:
    app = notes_app(settings)
    url = await serve(app)
    body, headers = rb'{"name": "\ud800"}', {"Content-Type": "application/json"}

    async with client.post(url / "notes", data=body, headers=headers) as response:
        assert response.status == 400

    assert await names(app) == []


@pytest.mark.parametrize("way", ["rename", "refer"])
async def test_a_row_that_goes_meanwhile_is_a_conflict(
    way: str,
    settings: DatabaseSettings,
    serve: Serve,
    client: ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    url = await serve(notes_app(settings))

    async with client.post(url / "overtaken", json={"name": way}) as response:
        problem = await response.json()

    assert (response.status, problem["status"]) == (409, 409)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_request_that_waits_too_long_for_a_connection_is_told_to_come_again(
    empty: DatabaseSettings, serve: Serve, client: ClientSession
) -> None:

    app = notes_app(replace(empty, pool_size=1, max_overflow=0, pool_timeout=timedelta(milliseconds=50)))
    url = await serve(app)

    async with app[ENGINE].connect(), client.get(url / "notes") as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "1")


async def test_a_request_that_waits_too_long_for_another_writer_is_told_to_come_again(
    settings: DatabaseSettings, serve: Serve, client: ClientSession
) -> None:
    brief = timedelta(milliseconds=50)
    url = await serve(notes_app(replace(settings, lock_timeout=brief, statement_timeout=brief)))

    async with opened(settings) as engine, engine.connect() as another:
        await another.execute(insert(Note).values(name="x"))
        async with client.post(url / "notes", json={"name": "x"}) as response:
            assert (response.status, response.headers["Retry-After"]) == (503, "1")


async def test_requests_take_turns_with_a_database_in_memory(serve: Serve, client: ClientSession) -> None:
    app = notes_app(settings_for("sqlite://"))
    url = await serve(app)
    async with app[ENGINE].begin() as connection:
        await connection.run_sync(Note.metadata.create_all)

    async def write(number: int) -> int:
        path = "notes" if number % 2 else "refused"
        async with client.post(url / path, json={"name": f"note {number}"}) as response:
            return response.status

    statuses = await asyncio.gather(*(write(number) for number in range(10)))

    assert sorted(statuses) == [201] * 5 + [400] * 5
    assert len(await names(app)) == 5


async def test_the_check_passes_on_a_migrated_database(settings: DatabaseSettings, serve: Serve) -> None:
    app = notes_app(settings)
    await serve(app)

    await check(app)

    assert await names(app) == []


async def test_the_check_fails_while_migrations_are_pending(empty: DatabaseSettings, serve: Serve) -> None:
    app = notes_app(empty)
    await serve(app)

    with pytest.raises(RuntimeError, match="framework migrate"):
        await check(app)


async def test_a_service_starts_while_its_database_is_away(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    app = notes_app(settings_for("postgresql://nobody@127.0.0.1:1/none"))

    await serve(app)

    assert "database_not_ready" in caplog.messages
    with pytest.raises(ConnectionRefusedError):
        await check(app)


async def test_a_value_is_in_no_error_message(settings: DatabaseSettings, serve: Serve) -> None:
    app = notes_app(settings)
    await serve(app)

    with pytest.raises(Exception, match="notes") as raised:
        async with session_scope(app) as session:
            await session.execute(insert(Note).values(id="secret-value-in-the-wrong-place", name="x"))

    assert "parameters hidden" in str(raised.value)


async def test_a_statement_ends_with_whoever_waits_for_it(postgres_url: str, serve: Serve) -> None:
    app = notes_app(settings_for(postgres_url))
    await serve(app)
    asleep = text(
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)' AND state = 'active'"
    )

    async def sleep() -> None:
        async with session_scope(app) as session:
            await session.execute(text("SELECT pg_sleep(60)"))

    sleeper = asyncio.create_task(sleep())
    async with session_scope(app) as session:
        while not await session.scalar(asleep):
            await session.rollback()
        sleeper.cancel()
        await asyncio.wait([sleeper])
        while await session.scalar(asleep):
            await session.rollback()

    pool: Any = app[ENGINE].pool
    assert sleeper.cancelled()
    assert pool.checkedout() == 0
