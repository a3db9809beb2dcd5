"""Rate limits: who asks too often is told when to come again, and several workers share one count."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from framework import (
    Limiter,
    RouteTableDef,
    Secret,
    ServiceSettings,
    authenticated,
    create_app,
    limit,
    public,
    server,
)
from framework.batteries.auth import AuthSettings, Passwords, Tokens
from framework.batteries.ratelimits import RateLimitSettings
from framework.batteries.ratelimits.limiter import key_of
from framework.batteries.ratelimits.rates import Rate, rate_from
from framework.batteries.ratelimits.windows import MemoryCounts, Window
from framework.batteries.sockets import Rooms
from framework.errors import ConfigurationError
from framework.server import ServerSettings
from framework.testing import Serve
from tests.ports import free_port

KEY = Secret("a-key-of-tests-that-is-long-enough-0123456789")


def app_of(*routes: Any, **settings: Any) -> web.Application:
    return create_app(
        ServiceSettings(ratelimits=RateLimitSettings(**settings), auth=AuthSettings(keys=(KEY,))),
        routes=list(routes),
    )


def limited(rate: str = "2/minute", **options: Any) -> RouteTableDef:
    routes = RouteTableDef()

    @routes.get("/x")
    @limit(rate, **options)
    @public
    async def handler() -> dict[str, bool]:
        return {"done": True}

    @routes.get("/mine")
    @limit(rate, **options)
    @authenticated
    async def mine() -> dict[str, bool]:
        return {"done": True}

    return routes


async def statuses(client: aiohttp.ClientSession, url: URL, count: int, **headers: str) -> list[int]:
    found = []
    for _ in range(count):
        async with client.get(url, headers=headers) as response:
            await response.read()
            found.append(response.status)
    return found


def token_of(subject: str) -> dict[str, str]:
    token = Tokens(AuthSettings(keys=(KEY,))).issue(subject).access_token
    return {"Authorization": f"Bearer {token}"}


async def test_an_application_that_is_started_again_counts_anew(client: aiohttp.ClientSession) -> None:
    app = app_of(limited())
    found = []

    for _ in range(2):
        async with server.serve(app, ServerSettings(port=0, drain_seconds=0)) as running:
            found.append(await statuses(client, URL(running.url) / "x", 3))

    assert found == [[200, 200, 429], [200, 200, 429]]


async def test_who_asks_too_often_is_told_when_to_come_again(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(app_of(limited())) / "x"

    async with client.get(url) as first:
        standing = first.headers["RateLimit"], first.headers["RateLimit-Policy"]
    await statuses(client, url, 1)
    async with client.get(url) as third:
        problem = await third.json(content_type="application/problem+json")

    assert standing == ('"2/minute";r=1;t=60', '"2/minute";q=2;w=60')
    assert (third.status, third.headers["RateLimit"].split(";")[1]) == (429, "r=0")
    assert 1 <= int(third.headers["Retry-After"]) <= 60
    assert problem["violated-policies"] == ["2/minute"]


async def test_callers_are_counted_each_for_themselves_and_strangers_by_address(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(app_of(limited()))

    ada = await statuses(client, url / "mine", 3, **token_of("ada"))
    bob = await statuses(client, url / "mine", 2, **token_of("bob"))
    here = await statuses(client, url / "x", 3)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))) as other:
        there = await statuses(other, url / "x", 2)

    assert (ada, bob, here, there) == ([200, 200, 429], [200, 200], [200, 200, 429], [200, 200])


async def test_a_function_may_say_for_whom_is_counted(serve: Serve, client: aiohttp.ClientSession) -> None:
    async def tenant(request: web.Request) -> str:
        return request.headers.get("X-Tenant", "")

    url = await serve(app_of(limited(by=tenant))) / "x"

    assert await statuses(client, url, 3, **{"X-Tenant": "a"}) == [200, 200, 429]
    assert await statuses(client, url, 2, **{"X-Tenant": "b"}) == [200, 200]


async def test_several_limits_all_hold_and_who_is_refused_uses_up_nothing(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    routes = RouteTableDef()

    @routes.get("/x")
    @limit("3/hour")
    @limit("2/second")
    @public
    async def handler() -> dict[str, bool]:
        return {"done": True}

    url = await serve(app_of(routes)) / "x"

    first = await statuses(client, url, 4)
    await asyncio.sleep(1.1)
    second = await statuses(client, url, 2)

    assert (first, second) == ([200, 200, 429, 429], [200, 429])


async def test_sign_in_is_limited_by_default_and_a_probe_never(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    routes = RouteTableDef()

    @routes.get("/sign-in")
    @public
    async def sign_in(passwords: Passwords) -> dict[str, bool]:
        return {"known": True}

    url = await serve(app_of(routes, default="5/minute"))
    found = Counter(await statuses(client, url / "sign-in", 40))

    assert found == {200: 30, 429: 10}
    assert set(await statuses(client, url / "health/live", 20)) == {200}


async def test_all_endpoints_may_have_a_rate_by_default(serve: Serve, client: aiohttp.ClientSession) -> None:
    routes = RouteTableDef()

    @routes.get("/x")
    @public
    async def handler() -> dict[str, bool]:
        return {"done": True}

    url = await serve(app_of(routes, default="2/minute"))

    assert await statuses(client, url / "x", 3) == [200, 200, 429]


async def test_messages_of_a_socket_are_limited(serve: Serve, client: aiohttp.ClientSession) -> None:
    routes = RouteTableDef()

    @routes.get("/ws")
    @public
    async def listen(request: web.Request, rooms: Rooms, limiter: Limiter) -> web.StreamResponse:
        async with rooms.join(request, "room") as member:
            async for text in member:
                await limiter.ensure("2/minute", "chat", "ada")
                await member.send(text)
        return member.response

    url = await serve(app_of(routes))

    async with client.ws_connect(url / "ws") as ws:
        for _ in range(3):
            await ws.send_str("hello")
        kinds = [(await ws.receive()).type for _ in range(3)]

    assert kinds == [aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.CLOSE]
    assert ws.close_code == 1008


@pytest.mark.process
async def test_workers_share_one_count_in_redis(
    serve: Serve, client: aiohttp.ClientSession, redis_url: str
) -> None:
    urls = [await serve(app_of(limited("10/minute"), redis_url=Secret(redis_url))) / "x" for _ in range(2)]

    found = await asyncio.gather(*(statuses(client, urls[number % 2], 1) for number in range(40)))

    assert Counter(status for [status] in found) == {200: 10, 429: 30}


@pytest.mark.process
async def test_more_requests_at_once_than_connections_to_redis_are_all_counted(
    serve: Serve, client: aiohttp.ClientSession, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"redis_url": Secret(redis_url), "redis_connections": 2, "redis_seconds": 5.0}
    url = await serve(app_of(limited("1000/minute"), **settings)) / "x"

    found = await asyncio.gather(*(statuses(client, url, 1) for _ in range(60)))

    assert {status for [status] in found} == {200}
    assert [each.message for each in caplog.records if each.levelno >= logging.ERROR] == []


async def test_while_redis_is_gone_each_worker_counts_for_itself_and_says_so_once(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    gone = Secret(f"redis://127.0.0.1:{free_port()}/0")
    url = await serve(app_of(limited(), redis_url=gone)) / "x"

    found = await statuses(client, url, 4)

    assert found == [200, 200, 429, 429]
    assert [each.message for each in caplog.records if each.levelno >= logging.ERROR] == [
        "ratelimit_store_failed"
    ]


async def test_while_redis_is_gone_nothing_limited_is_allowed_if_the_settings_say_so(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    gone = Secret(f"redis://127.0.0.1:{free_port()}/0")
    url = await serve(app_of(limited(), redis_url=gone, fail_open=False)) / "x"

    assert await statuses(client, url, 2) == [503, 503]


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("10/minute", Rate(10, 60)),
        ("100 per hour", Rate(100, 3_600)),
        ("5/30 seconds", Rate(5, 30)),
        ("1/d", Rate(1, 86_400)),
    ],
)
def test_rates_are_read(text: str, rate: Rate) -> None:
    assert rate_from(text) == rate


@pytest.mark.parametrize(
    "text", ["", "10", "ten/minute", "0/minute", "10/0 minutes", "10/fortnight", "1/minute; 2/day"]
)
def test_a_rate_that_is_none_is_refused_at_its_line(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"test_ratelimits\.py:\d+: @limit: .* is no rate"):
        limit(text)


@pytest.mark.parametrize("wrong", [{"by": "ip"}, {"name": "grün"}], ids=str)
def test_an_option_that_makes_no_sense_is_refused_at_its_line(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"test_ratelimits\.py:\d+"):
        limit("1/minute", **wrong)


@pytest.mark.parametrize("wrong", [{"default": "often"}, {"keys": 0}, {"redis_seconds": 0}], ids=str)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        RateLimitSettings(**wrong)


def test_there_are_never_more_in_any_span_than_the_rate_allows() -> None:
    window, rate = Window(), Rate(200, 60)

    allowed = [now for now in (number / 10 for number in range(6_000)) if window.take(rate, now).allowed]

    busiest = max(sum(start <= each < start + 60 for each in allowed) for start in allowed)
    assert busiest <= 200
    assert len(allowed) > 1_900


async def test_memory_holds_as_many_clients_as_the_settings_say() -> None:
    counts = MemoryCounts(10)

    for number in range(1_000):
        await counts.take(Rate(1, 60), str(number))

    assert len(counts) == 10


def test_no_key_is_that_of_others() -> None:
    keys = [("a", "b"), ("ab",), ("a", "", "b"), ("1:a1:b",), ("é" * 200,), ("e" * 200,)]

    assert len({key_of(key) for key in keys}) == len(keys)


async def test_of_too_many_keys_the_one_that_was_silent_for_longest_is_forgotten() -> None:
    counts, rate = MemoryCounts(2), Rate(1, 60)

    for key in ("busy", "silent", "busy", "new"):
        await counts.take(rate, key)

    assert [(await counts.take(rate, key)).allowed for key in ("busy", "silent")] == [False, True]
