"""Overload: a worker takes on what it can carry, refuses the rest at once, and lets nobody push in front."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from framework import RouteTableDef, ServiceSettings, concurrency, create_app, public
from framework.batteries.auth import AuthSettings, Passwords, PasswordSettings
from framework.batteries.overload import OverloadSettings
from framework.batteries.overload.limit import AdaptiveLimit
from framework.batteries.overload.queue import FairQueue
from framework.batteries.overload.settings import LaneSettings
from framework.batteries.overload.stalls import Stall, watched
from framework.batteries.overload.turns import Turns
from framework.batteries.ratelimits import RateLimitSettings
from framework.errors import ConfigurationError
from framework.testing import Serve


class Work:
    """A handler that waits until it may end, and knows how many do so."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()
        self.present = self.most = 0

    async def __call__(self) -> None:
        self.present += 1
        self.most = max(self.most, self.present)
        try:
            await self.may_end.wait()
        finally:
            self.present -= 1


def app_of(*routes: Any, **settings: Any) -> web.Application:
    weak = AuthSettings(passwords=PasswordSettings(memory_kib=64, passes=1, lanes=1))
    return create_app(
        ServiceSettings(
            overload=OverloadSettings(**settings), auth=weak, ratelimits=RateLimitSettings(sign_in="")
        ),
        routes=list(routes),
    )


def working(work: Work, *marks: Callable[[Any], Any]) -> RouteTableDef:
    routes = RouteTableDef()

    async def handler() -> dict[str, bool]:
        await work()
        return {"done": True}

    for mark in marks:
        handler = mark(handler)
    routes.get("/work")(public(handler))
    return routes


async def status_of(client: aiohttp.ClientSession, url: Any) -> tuple[int, str | None]:
    async with client.get(url) as response:
        await response.read()
        return response.status, response.headers.get("Retry-After")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for is in the service
            await asyncio.sleep(0.01)


async def test_four_times_what_fits_is_refused_at_once_and_all_that_fits_is_served(serve: Serve) -> None:
    work = Work()
    lane = LaneSettings(at_once=10, waiting=10, waiting_each=10)
    url = await serve(app_of(working(work), requests=lane))

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
        asked = [asyncio.create_task(status_of(client, url / "work")) for _ in range(80)]
        await until(lambda: sum(each.done() for each in asked) == 60)
        refused = Counter(each.result() for each in asked if each.done())
        alive = [await status_of(client, url / "health" / name) for name in ("live", "ready")]
        work.may_end.set()
        ends = Counter(await asyncio.gather(*asked))

    assert refused == {(503, "1"): 60}
    assert [status for status, _ in alive] == [200, 200]
    assert ends == {(200, None): 20, (503, "1"): 60}
    assert work.most == 10


async def test_who_waits_for_too_long_is_refused(serve: Serve, client: aiohttp.ClientSession) -> None:
    work = Work()
    url = await serve(app_of(working(work), requests=LaneSettings(at_once=1, waiting=5, wait_seconds=0.1)))

    first = asyncio.create_task(status_of(client, url / "work"))
    await until(lambda: work.present == 1)
    second = await status_of(client, url / "work")
    work.may_end.set()

    assert second == (503, "1")
    assert (await first)[0] == 200


@pytest.mark.parametrize(
    "marks", [(), (concurrency(1, waiting=5, each=5, wait_seconds=5),)], ids=["all", "lane"]
)
async def test_a_place_that_nobody_wants_any_more_goes_to_the_next(serve: Serve, marks: Any) -> None:
    work, limit = Work(), LaneSettings(at_once=9 if marks else 1, waiting=5, wait_seconds=5)
    url = await serve(app_of(working(work, *marks), requests=limit))

    async with aiohttp.ClientSession() as client:
        first = asyncio.create_task(status_of(client, url / "work"))
        await until(lambda: work.present == 1)
        leaving = asyncio.create_task(status_of(client, url / "work"))
        await asyncio.sleep(0.1)
        leaving.cancel()
        last = asyncio.create_task(status_of(client, url / "work"))
        await asyncio.sleep(0.1)
        work.may_end.set()

        assert [status for status, _ in await asyncio.gather(first, last)] == [200, 200]


async def test_open_sockets_take_no_place(serve: Serve, client: aiohttp.ClientSession) -> None:
    work = Work()
    routes = working(work)

    @routes.get("/ws")
    @public
    async def listen(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for _ in ws:
            pass
        return ws

    url = await serve(app_of(routes, requests=LaneSettings(at_once=2, waiting=0)))
    work.may_end.set()

    async with client.ws_connect(url / "ws"), client.ws_connect(url / "ws"):
        await asyncio.sleep(0.2)  # those who came last were looked for a moment ago
        found = [await status_of(client, url / "work") for _ in range(3)]

    assert [status for status, _ in found] == [200, 200, 200]


async def test_a_limit_of_an_endpoint_concerns_no_other(serve: Serve, client: aiohttp.ClientSession) -> None:
    work = Work()
    routes = working(work, concurrency(1, waiting=0))

    @routes.get("/other")
    @public
    async def other() -> dict[str, bool]:
        return {"done": True}

    url = await serve(app_of(routes))

    first = asyncio.create_task(status_of(client, url / "work"))
    await until(lambda: work.present == 1)
    second = await status_of(client, url / "work")
    third = await status_of(client, url / "other")
    work.may_end.set()

    assert (second, third) == ((503, "1"), (200, None))
    assert (await first)[0] == 200


async def test_endpoints_of_one_lane_share_its_limit(serve: Serve, client: aiohttp.ClientSession) -> None:
    work = Work()
    routes = working(work, concurrency(1, waiting=0, lane="reports"))

    @routes.get("/other")
    @concurrency(1, waiting=0, lane="reports")
    @public
    async def other() -> dict[str, bool]:
        return {"done": True}

    url = await serve(app_of(routes))

    first = asyncio.create_task(status_of(client, url / "work"))
    await until(lambda: work.present == 1)
    refused = await status_of(client, url / "other")
    work.may_end.set()
    await first

    assert (refused, await status_of(client, url / "other")) == ((503, "1"), (200, None))


async def test_a_flood_of_sign_ins_from_one_address_leaves_room_for_another_and_for_other_routes(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    work = Work()
    routes = RouteTableDef()

    @routes.get("/sign-in")
    @public
    async def sign_in(passwords: Passwords) -> dict[str, bool]:
        await work()
        return {"known": True}

    @routes.get("/other")
    @public
    async def other() -> dict[str, bool]:
        return {"done": True}

    lane = LaneSettings(at_once=2, waiting=12, waiting_each=4, wait_seconds=10)
    url = await serve(app_of(routes, passwords=lane))

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as flood:
        asked = [asyncio.create_task(status_of(flood, url / "sign-in")) for _ in range(50)]
        await until(lambda: sum(each.done() for each in asked) == 44)
        elsewhere = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
        async with aiohttp.ClientSession(connector=elsewhere) as honest:
            waiting = asyncio.create_task(status_of(honest, url / "sign-in"))
            await asyncio.sleep(0.1)
            beside = await status_of(client, url / "other")
            work.may_end.set()
            served = await waiting
        ends = Counter(await asyncio.gather(*asked))

    assert (served[0], beside[0]) == (200, 200)
    assert ends == {(200, None): 6, (503, "1"): 44}


async def test_a_worker_that_adapts_takes_on_what_it_answers_in_time(serve: Serve) -> None:
    seats, present, most = asyncio.Semaphore(4), 0, 0
    routes = RouteTableDef()

    @routes.get("/work")
    @public
    async def work() -> dict[str, bool]:
        nonlocal present, most
        present += 1
        most = max(most, present)
        async with seats:
            await asyncio.sleep(0.01)
        present -= 1
        return {"done": True}

    url = await serve(app_of(routes, latency_seconds=0.1))

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
        ends: Counter[int] = Counter()
        for _ in range(10):
            asked = [status_of(client, url / "work") for _ in range(300)]
            ends.update(status for status, _ in await asyncio.gather(*asked))

    assert set(ends) == {200, 503}
    assert ends[200] > 40
    assert most < 300


def test_a_limit_that_adapts_rises_in_time_and_falls_when_late() -> None:
    limit = AdaptiveLimit(1_000, 0.1)

    for _ in range(100):
        limit.note(0.05, is_full=True)
    risen = limit.value
    for _ in range(200):
        limit.note(0.2, is_full=True)
    fallen = limit.value
    for _ in range(100):
        limit.note(0.05, is_full=False)

    assert (risen, round(fallen), round(limit.value)) == (116, 76, 76)


def test_those_of_one_name_wait_behind_themselves() -> None:
    queue: FairQueue[str] = FairQueue(6, 4)
    for number in range(5):
        queue.put("loud", f"loud {number}")
    queue.put("calm", "calm 0")

    order = [queue.take() for _ in range(6)]

    assert order == ["loud 0", "calm 0", "loud 1", "loud 2", "loud 3", None]


def test_where_all_places_are_taken_who_has_one_takes_the_newest_of_who_has_more() -> None:
    queue: FairQueue[str] = FairQueue(3, 3)
    for number in range(3):
        queue.put("loud", f"loud {number}")

    displaced, refused = queue.put("calm", "calm 0"), queue.put("loud", "loud 3")

    assert (displaced, refused, queue.size) == ("loud 2", "loud 3", 3)


async def test_who_is_displaced_in_the_moment_in_which_its_time_is_up_is_no_fault_of_who_comes(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    routes = RouteTableDef()

    @routes.get("/x")
    @public
    async def handler(request: web.Request) -> list[str]:
        turns = Turns(LaneSettings(at_once=1, waiting=2, waiting_each=2), lambda: None)
        many, single = request.clone(remote="10.0.0.1"), request.clone(remote="10.0.0.2")
        waiting = [asyncio.create_task(turns.wait(many)) for _ in range(2)]
        await asyncio.sleep(0)
        newcomer = asyncio.create_task(turns.wait(single))
        waiting[1].cancel()
        await asyncio.sleep(0)
        while turns.call():
            pass
        outcomes = await asyncio.gather(*waiting, newcomer, return_exceptions=True)
        return [type(outcome).__name__ for outcome in outcomes]

    async with client.get(await serve(app_of(routes)) / "x") as response:
        assert await response.json() == ["NoneType", "CancelledError", "NoneType"]


async def test_a_place_that_is_given_to_who_gives_up_at_that_moment_is_given_back(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    routes = RouteTableDef()

    @routes.get("/x")
    @public
    async def handler(request: web.Request) -> list[str]:
        told: list[str] = []
        limits = LaneSettings(at_once=1, waiting=1, waiting_each=1)
        turns = Turns(limits, lambda: told.append("given back"))
        waiting = asyncio.create_task(turns.wait(request))
        await asyncio.sleep(0)
        turns.call()
        waiting.cancel()
        await asyncio.wait([waiting])
        return told

    async with client.get(await serve(app_of(routes)) / "x") as response:
        assert await response.json() == ["given back"]


async def test_a_loop_that_stands_still_is_told_with_the_place() -> None:
    told: list[tuple[float, str]] = []

    def block_the_loop() -> None:
        until = time.monotonic() + 0.6
        while time.monotonic() < until:
            pass

    async with watched(0.2, lambda seconds, stack: told.append((seconds, stack))):
        await asyncio.sleep(0.1)
        block_the_loop()
        await asyncio.sleep(0.1)

    [(seconds, stack)] = told
    assert seconds >= 0.2
    assert "block_the_loop" in stack
    assert "overload.stalls" not in [thread.name for thread in threading.enumerate()]


def test_a_process_that_was_stopped_is_no_stall() -> None:
    stall = Stall(1.0, now=0.0)

    assert not stall.is_news(60.0, worked=0.0)
    assert not stall.is_news(60.5, worked=0.5)
    assert stall.is_news(61.2, worked=1.2)


@pytest.mark.parametrize(
    "wrong", [{"at_once": 0}, {"waiting": -1}, {"waiting_each": 0}, {"wait_seconds": 0}], ids=str
)
def test_limits_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        LaneSettings(**wrong)


@pytest.mark.parametrize("wrong", [0, "8", True, 1.5], ids=str)
def test_a_wrong_mark_is_refused_at_its_line(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"test_overload\.py:\d+: @concurrency"):
        concurrency(wrong)


def test_one_lane_with_two_limits_is_refused() -> None:
    routes = working(Work(), concurrency(1, lane="x"))
    routes.get("/more")(concurrency(2, lane="x")(public(Work())))

    with pytest.raises(ConfigurationError, match="the lane 'x' is"):
        app_of(routes)
