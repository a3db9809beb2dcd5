"""A service behind this one that fails is asked again where that is safe, and left alone where it is of no use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from framework import RouteTableDef, ServiceSettings, create_app, public
from framework.batteries.client import ClientSettings, HttpClient
from framework.testing import Serve
from tests.ports import free_port


class Upstream:
    """A service that gives the statuses of a list in turn, and 200 from then on."""

    def __init__(self, *statuses: int, retry_after: str = "0") -> None:
        self.statuses = list(statuses)
        self.retry_after = retry_after
        self.got: list[tuple[str, bytes]] = []
        self.port = free_port()
        self.seconds = 0.0

    async def answer(self, request: web.Request) -> web.Response:
        self.got.append((request.method, await request.read()))
        await asyncio.sleep(self.seconds)
        status = self.statuses.pop(0) if self.statuses else 200
        return web.json_response(status, status=status, headers={"Retry-After": self.retry_after})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        app = web.Application()
        app.router.add_route("*", "/", self.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        try:
            yield
        finally:
            await runner.cleanup()

    @property
    def url(self) -> URL:
        return URL(f"http://127.0.0.1:{self.port}/")


def front(upstream: Upstream, **settings: Any) -> web.Application:
    """Return a service that makes one call for each request, with the method and options that it is sent."""
    routes = RouteTableDef()

    @routes.post("/{method}")
    @public
    async def call(method: str, request: web.Request, http: HttpClient) -> int:
        reply = await http.send(method, upstream.url, **await request.json())
        return reply.status

    return create_app(
        ServiceSettings(client=ClientSettings(allow=("127.0.0.1",), **settings)), routes=[routes]
    )


async def call(client: aiohttp.ClientSession, url: URL, method: str = "GET", **options: Any) -> Any:
    async with client.post(url / method, json=options) as response:
        return response.status, response.headers.get("Retry-After"), await response.json(content_type=None)


@pytest.mark.parametrize(
    ("method", "options", "calls"),
    [
        pytest.param("GET", {}, 3, id="read"),
        pytest.param("PUT", {"json": {"a": 1}}, 3, id="idempotent"),
        pytest.param("DELETE", {"data": "x"}, 3, id="text"),
        pytest.param("POST", {"json": 1}, 1, id="not idempotent"),
        pytest.param("POST", {"json": 1, "headers": {"idempotency-key": "k"}}, 3, id="with a key"),
        pytest.param("PATCH", {"json": 1}, 1, id="patch"),
    ],
)
async def test_what_may_be_repeated_is(
    serve: Serve, client: aiohttp.ClientSession, method: str, options: Any, calls: int
) -> None:
    upstream = Upstream(503, 429)
    async with upstream.running():
        url = await serve(front(upstream, retries=2))

        status, _, found = await call(client, url, method, **options)

    assert (status, found) == (200, 200 if calls == 3 else 503)
    assert len(upstream.got) == calls
    assert len({*upstream.got}) == 1


@pytest.mark.parametrize("status", [400, 404, 409, 500, 501])
async def test_a_status_that_stays_is_not_asked_for_again(
    serve: Serve, client: aiohttp.ClientSession, status: int
) -> None:
    upstream = Upstream(status)
    async with upstream.running():
        url = await serve(front(upstream, retries=2))

        assert (await call(client, url))[2] == status

    assert len(upstream.got) == 1


async def test_a_service_that_comes_while_it_is_called_is_reached(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    upstream = Upstream()
    url = await serve(front(upstream, retries=20))

    waiting = asyncio.ensure_future(call(client, url))
    await asyncio.sleep(0.2)
    async with upstream.running():
        assert (await waiting)[2] == 200


@pytest.mark.parametrize("retry_after", ["60", "Wed, 01 Jan 2200 00:00:00 GMT"])
async def test_what_comes_back_too_late_is_not_waited_for(
    serve: Serve, client: aiohttp.ClientSession, retry_after: str
) -> None:
    upstream = Upstream(503, retry_after=retry_after)
    loop = asyncio.get_running_loop()
    async with upstream.running():
        url = await serve(front(upstream, retries=2, total=timedelta(seconds=3)))
        began = loop.time()

        assert (await call(client, url))[2] == 503

    assert loop.time() - began < 2


async def test_nothing_is_repeated_unless_it_is_asked_for(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    upstream = Upstream(503)
    async with upstream.running():
        assert (await call(client, await serve(front(upstream))))[2] == 503

    assert len(upstream.got) == 1


async def test_one_that_fails_is_left_alone_and_asked_once_before_it_is_back(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    upstream = Upstream(500, 200, 500, 500)
    pause = timedelta(seconds=1)
    async with upstream.running():
        url = await serve(front(upstream, breaker_calls=4, breaker_pause=pause))
        before = [(await call(client, url))[2] for _ in range(4)]

        refused = [await call(client, url) for _ in range(3)]
        calls = len(upstream.got)
        await asyncio.sleep(1.05)
        upstream.seconds = 0.3
        probing = await asyncio.gather(*(call(client, url) for _ in range(5)))
        upstream.seconds = 0.0
        after = await call(client, url)

    assert before == [500, 200, 500, 500]
    assert [(status, seconds) for status, seconds, _ in refused] == [(503, "1")] * 3
    assert str(upstream.port) not in str(refused)
    assert calls == 4
    assert sorted(status for status, _, _ in probing) == [200, 503, 503, 503, 503]
    assert after[0] == 200


async def test_one_that_fails_still_when_it_is_asked_is_left_alone_again(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    upstream = Upstream(500, 500, 500)
    async with upstream.running():
        url = await serve(front(upstream, breaker_calls=2, breaker_pause=timedelta(seconds=0.3)))
        found = []
        for pause in (0, 0, 0.35, 0, 0.35):
            await asyncio.sleep(pause)
            status, _, told = await call(client, url)
            found.append(told if status == 200 else status)

    assert found == [500, 500, 500, 503, 200]


@pytest.mark.parametrize(
    ("statuses", "settings"),
    [
        pytest.param([500, 200, 200] * 3, {"breaker_calls": 3}, id="the smaller part fails"),
        pytest.param([404] * 9, {"breaker_calls": 3}, id="faults of ours"),
        pytest.param([500] * 9, {"breaker_calls": 0}, id="switched off"),
        pytest.param([500] * 9, {"breaker_calls": 10}, id="few calls"),
        pytest.param(
            [500] * 9, {"breaker_calls": 3, "breaker_window": timedelta(microseconds=1)}, id="calls long ago"
        ),
    ],
)
async def test_one_that_answers_well_enough_is_asked_always(
    serve: Serve, client: aiohttp.ClientSession, statuses: list[int], settings: Any
) -> None:
    upstream = Upstream(*statuses)
    async with upstream.running():
        url = await serve(front(upstream, **settings))
        for _ in range(9):
            await call(client, url)

    assert len(upstream.got) == 9


async def test_a_refused_destination_and_a_client_that_left_suspend_nobody(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    upstream = Upstream()
    upstream.seconds = 0.5
    async with upstream.running():
        url = await serve(front(upstream, breaker_calls=2))
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(call(client, url), 0.05)
        await asyncio.sleep(0.6)

        assert (await call(client, url))[0] == 200
