"""Answers in a database are kept by the commit of the write; those in Redis are every worker's."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from sqlalchemy import Column, Integer, MetaData, String, Table, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from yarl import URL

from framework import Secret
from framework.app import ServiceSettings, create_app, standard
from framework.batteries import database, idempotency
from framework.batteries.database import DatabaseSettings
from framework.batteries.database.engines import opened
from framework.batteries.idempotency import Store, idempotent, sql
from framework.batteries.idempotency.redis import RedisStore
from framework.battery import Battery
from framework.errors import ConfigurationError
from framework.marks import public
from framework.routing import RouteTableDef
from framework.testing import Serve

METADATA = MetaData()
ORDERS = Table("orders", METADATA, Column("id", Integer, primary_key=True), Column("item", String(20)))
ANSWERS = sql.table(METADATA)


@dataclass
class Order:
    item: str


@dataclass
class Pace:
    """What the handlers of several workers wait for."""

    arrived: asyncio.Event
    go: asyncio.Event


@pytest.fixture
def pace() -> Pace:
    return Pace(asyncio.Event(), asyncio.Event())


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.process)])
async def settings(request: pytest.FixtureRequest, tmp_path: Path) -> DatabaseSettings:
    """Return the settings of a database with the tables."""
    is_file = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/orders.sqlite3" if is_file else request.getfixturevalue("postgres_url")
    settings = DatabaseSettings(url=Secret(url))
    async with opened(settings) as engine, engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    return settings


def app_of(kept: Battery, settings: DatabaseSettings, pace: Pace | None = None) -> web.Application:
    routes = RouteTableDef()

    @routes.post("/orders", status=201)
    @public
    @idempotent
    async def order(body: Order, session: AsyncSession) -> dict[str, int]:
        if pace is not None:
            pace.arrived.set()
            await pace.go.wait()
        made = await session.execute(insert(ORDERS).values(item=body.item).returning(ORDERS.c.id))
        if body.item == "broken":
            raise RuntimeError("the bank is away")
        return {"number": made.scalar_one()}

    @routes.get("/orders")
    @public
    async def count(session: AsyncSession) -> int:
        return int(await session.scalar(select(func.count()).select_from(ORDERS)) or 0)

    service, data = ServiceSettings(), database.battery(settings)
    mine = [data, kept] if "database" in kept.after else [kept, data]
    return create_app(service, routes=[routes], batteries=[*standard(service), *mine])


def in_database() -> Battery:
    return idempotency.battery(store=sql.SqlStore(ANSWERS))


async def sent(client: aiohttp.ClientSession, url: URL, item: str = "tea") -> tuple[int, bytes, bool]:
    async with client.post(url / "orders", json={"item": item}, headers={"Idempotency-Key": "k"}) as answer:
        return answer.status, await answer.read(), "Idempotent-Replay" in answer.headers


async def counted(client: aiohttp.ClientSession, url: URL) -> str:
    async with client.get(url / "orders") as answer:
        return await answer.text()


async def test_another_worker_answers_again_what_the_database_kept(
    settings: DatabaseSettings, serve: Serve, client: aiohttp.ClientSession
) -> None:
    workers = [await serve(app_of(in_database(), settings)) for _ in range(2)]

    first, again = [await sent(client, url) for url in workers]
    other = await sent(client, workers[1], "coffee")

    assert (first, again) == ((201, b'{"number":1}', False), (201, b'{"number":1}', True))
    assert (other[0], await counted(client, workers[0])) == (422, "1")


async def test_what_failed_left_nothing_and_is_tried_again(
    settings: DatabaseSettings, serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(app_of(in_database(), settings))

    statuses = [(await sent(client, url, item))[0] for item in ("broken", "tea")]

    assert (statuses, await counted(client, url)) == ([500, 201], "1")


async def test_twins_in_two_workers_write_once(
    settings: DatabaseSettings, serve: Serve, client: aiohttp.ClientSession, pace: Pace
) -> None:
    workers = [await serve(app_of(in_database(), settings, pace)) for _ in range(2)]

    twins = [asyncio.create_task(sent(client, workers[n % 2])) for n in range(10)]
    await pace.arrived.wait()
    await asyncio.sleep(0.2)
    pace.go.set()
    statuses = sorted(status for status, _, _ in await asyncio.gather(*twins))

    assert statuses == [201] + [409] * 9
    assert await counted(client, workers[0]) == "1"
    assert (await sent(client, workers[1]))[::2] == (201, True)


async def test_an_expired_answer_gives_way(
    settings: DatabaseSettings, serve: Serve, client: aiohttp.ClientSession
) -> None:
    now = [1_000_000.0]
    store = sql.SqlStore(ANSWERS, clock=lambda: now[0])
    app = app_of(idempotency.battery(store=store), settings)
    url = await serve(app)
    await sent(client, url)

    now[0] += 24 * 3600
    again = await sent(client, url)
    now[0] += 24 * 3600
    async with database.session_scope(app) as session:
        await store.forget_expired(session)
        left = await session.scalar(select(func.count()).select_from(ANSWERS))

    assert (again, left) == ((201, b'{"number":2}', False), 0)


def test_answers_in_the_database_need_one() -> None:
    service = ServiceSettings()

    with pytest.raises(ConfigurationError, match=r"list database\.battery"):
        create_app(service, routes=[], batteries=[*standard(service), in_database()])


def test_answers_elsewhere_are_kept_behind_the_commit() -> None:
    service, data = ServiceSettings(), database.battery(DatabaseSettings())

    with pytest.raises(ConfigurationError, match="before database"):
        create_app(service, routes=[], batteries=[*standard(service), data, idempotency.battery()])


@pytest.mark.process
async def test_another_worker_answers_again_what_redis_kept(
    redis_url: str, tmp_path: Path, serve: Serve, client: aiohttp.ClientSession, pace: Pace
) -> None:
    data = DatabaseSettings(url=Secret(f"sqlite:///{tmp_path}/orders.sqlite3"))
    async with opened(data) as engine, engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    stores = [RedisStore.from_url(Secret(redis_url)) for _ in range(2)]
    workers = [await serve(app_of(idempotency.battery(store=each), data, pace)) for each in stores]

    first = asyncio.create_task(sent(client, workers[0]))
    await pace.arrived.wait()
    twin = await sent(client, workers[1])
    pace.go.set()
    answers = [await first, await sent(client, workers[1])]
    failed = await sent(client, workers[0], "coffee")

    assert twin[0] == 409
    assert answers == [(201, b'{"number":1}', False), (201, b'{"number":1}', True)]
    assert (failed[0], await counted(client, workers[0])) == (422, "1")


@pytest.mark.process
async def test_redis_frees_the_key_of_what_failed(
    redis_url: str, tmp_path: Path, serve: Serve, client: aiohttp.ClientSession
) -> None:
    data = DatabaseSettings(url=Secret(f"sqlite:///{tmp_path}/orders.sqlite3"))
    async with opened(data) as engine, engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    store: Store = RedisStore.from_url(Secret(redis_url))
    url = await serve(app_of(idempotency.battery(store=store), data))

    statuses = [(await sent(client, url, item))[0] for item in ("broken", "tea", "tea")]

    assert (statuses, await counted(client, url)) == ([500, 201, 201], "1")


async def test_without_redis_nothing_is_done(
    tmp_path: Path, serve: Serve, client: aiohttp.ClientSession
) -> None:
    data = DatabaseSettings(url=Secret(f"sqlite:///{tmp_path}/orders.sqlite3"))
    async with opened(data) as engine, engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    store = RedisStore.from_url(Secret("redis://127.0.0.1:1/0"))
    url = await serve(app_of(idempotency.battery(store=store), data))

    status, _, _ = await sent(client, url)

    assert (status, await counted(client, url)) == (503, "0")
