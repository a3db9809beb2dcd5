"""Redis: a crowd shares few connections, and a Redis that is gone is no fault of ours."""

from __future__ import annotations

import asyncio
import socket
import traceback
from collections import Counter

import aiohttp
import pytest
from aiohttp import web
from aiohttp_session import Session
from yarl import URL

from framework.app import ServiceSettings, create_app, standard
from framework.batteries import idempotency
from framework.batteries.idempotency import idempotent
from framework.batteries.idempotency.redis import RedisStore
from framework.batteries.ratelimits import RateLimitSettings
from framework.batteries.sessions import SessionSettings
from framework.errors import ConfigurationError
from framework.marks import public
from framework.redis import open_redis
from framework.routing import RouteTableDef
from framework.secrets import Secret
from framework.testing import Serve
from tests.ports import free_port
from tests.servers import running

routes = RouteTableDef()


@routes.get("/session")
@public
async def change(session: Session) -> str:
    session["value"] = "tea"
    return "changed"


@routes.post("/orders")
@public
@idempotent
async def order() -> str:
    return "ordered"


def app_of(url: str, *, fail_open: bool = False) -> web.Application:
    """Return a service that keeps sessions, answers and counts in Redis."""
    secret = Secret(url)
    counts = RateLimitSettings(
        default="1000/minute", redis_url=secret, redis_seconds=5.0, fail_open=fail_open
    )
    kept = SessionSettings(redis_url=secret, secure=False)
    service = ServiceSettings(ratelimits=counts, sessions=kept)
    once = idempotency.battery(store=RedisStore.from_url(secret))
    return create_app(service, routes=[routes], batteries=[*standard(service), once])


async def asked(client: aiohttp.ClientSession, url: URL, number: int) -> int:
    if number % 2:
        request = client.get(url / "session")
    else:
        request = client.post(url / "orders", headers={"Idempotency-Key": f"k{number}"})
    async with request as response:
        await response.read()
        return response.status


@pytest.mark.process
async def test_a_crowd_that_is_larger_than_the_pool_is_answered(serve: Serve, redis_url: str) -> None:
    url = await serve(app_of(f"{redis_url}?max_connections=2"))

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as crowd:
        statuses = await asyncio.gather(*(asked(crowd, url, number) for number in range(150)))

    assert Counter(statuses) == {200: 150}


@pytest.mark.process
async def test_a_crowd_opens_no_more_connections_than_the_pool_has(redis_url: str) -> None:
    redis = open_redis(Secret(redis_url), "REDIS_URL", connections=3)
    try:
        await asyncio.gather(*(redis.set(f"key {number}", "tea") for number in range(150)))

        assert len(await redis.client_list()) == 3
    finally:
        await redis.aclose()


@pytest.mark.process
async def test_when_redis_has_gone_clients_are_asked_to_come_again(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with running(command, lambda: _listens(port)):
        url = await serve(app_of(f"redis://127.0.0.1:{port}/0", fail_open=True))
        before = [await asked(client, url, number) for number in range(2)]

    after = await asyncio.gather(*(asked(client, url, number) for number in range(20)))

    assert (before, {*after}) == ([200, 200], {503})


@pytest.mark.parametrize(
    "url",
    [
        "http://user:hunter2@localhost",
        "redis://:hunter2/x@localhost",
        "redis://:hunter2@localhost?colour=red",
    ],
)
def test_a_url_that_is_none_is_refused_by_its_variable_without_being_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^REDIS_URL must be a URL such as redis://") as refusal:
        open_redis(Secret(url), "REDIS_URL")

    assert "hunter2" not in "".join(traceback.format_exception(refusal.value))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
