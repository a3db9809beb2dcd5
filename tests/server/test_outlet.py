"""The way out of a connection, with a transport whose peer fetches what it is told to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, cast

import pytest

from framework.adapters.aiohttp.applications import stock_service
from framework.server import ServerSettings
from framework.server.config import ConnectionConfig
from framework.server.outlet import Outlet
from tests.server.service import service

FAST: Mapping[str, Any] = {"slow_grace_seconds": 0.05, "max_gap_seconds": 0.05, "linger_seconds": 0.1}


class Pipe(asyncio.Transport):
    """A transport that does nothing but note what is done to it."""

    def __init__(self, *, left: int = 0, half_closes: bool = True) -> None:
        super().__init__()
        self.left, self.half_closes = left, half_closes
        self.done: list[str] = []

    def get_write_buffer_size(self) -> int:
        return self.left

    def is_closing(self) -> bool:
        return "close" in self.done or "abort" in self.done

    def can_write_eof(self) -> bool:
        return self.half_closes

    def write_eof(self) -> None:
        self.done.append("write_eof")

    def close(self) -> None:
        self.done.append("close")

    def abort(self) -> None:
        self.done.append("abort")


def outlet_with(pipe: Pipe | None, **settings: Any) -> Outlet:
    config = ConnectionConfig(ServerSettings(**{**FAST, **settings}), stock_service(service()))
    outlet = Outlet(config, lambda: {"client": "a"})
    outlet.transport = cast("asyncio.Transport | None", pipe)
    return outlet


async def test_a_peer_that_fetches_nothing_is_cut_off_with_one_line_that_names_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    pipe = Pipe(left=100)
    outlet = outlet_with(pipe)

    outlet.watch()
    await asyncio.sleep(0.3)

    assert pipe.done == ["abort"]
    [record] = [record for record in caplog.records if record.name == "framework.server"]
    assert (record.levelname, vars(record)["client"]) == ("INFO", "a")


async def test_a_peer_that_fetches_is_not_cut_off() -> None:
    pipe = Pipe(left=100_000)
    outlet = outlet_with(pipe, slow_grace_seconds=0.2, max_gap_seconds=0.4)

    outlet.watch()
    for _ in range(10):
        await asyncio.sleep(0.05)
        pipe.left -= 1000

    assert pipe.done == []
    outlet.lose()


async def test_nothing_is_demanded_where_nothing_is_left_to_be_fetched() -> None:
    pipe = Pipe()
    outlet = outlet_with(pipe)

    outlet.watch()
    pipe.left = 100  # of the next response, which begins later
    await asyncio.sleep(0.2)

    assert pipe.done == []


async def test_nothing_is_demanded_once_all_is_fetched() -> None:
    pipe = Pipe(left=100)
    outlet = outlet_with(pipe)

    outlet.watch()
    outlet.drained()
    await asyncio.sleep(0.2)

    assert pipe.done == []


async def test_a_closing_connection_is_not_kept_open_by_a_peer_that_fetches_nothing() -> None:
    pipe = Pipe(left=100)
    outlet = outlet_with(pipe)

    outlet.close()
    await asyncio.sleep(0.3)

    assert pipe.done == ["close", "abort"]


async def test_what_is_left_below_the_mark_of_a_closing_connection_is_demanded_too() -> None:
    pipe = Pipe(left=100)
    outlet = outlet_with(pipe)

    outlet.close()
    pipe.left = 10
    outlet.drained()
    await asyncio.sleep(0.3)

    assert pipe.done == ["close", "abort"]


async def test_a_connection_is_closed_once() -> None:
    pipe = Pipe()
    outlet = outlet_with(pipe)

    outlet.close()
    outlet.close()

    assert pipe.done == ["close"]


@pytest.mark.parametrize("half_closes", [True, False], ids=["plain", "TLS"])
async def test_a_client_that_goes_on_sending_is_waited_for_a_while(half_closes: bool) -> None:
    pipe = Pipe(half_closes=half_closes)
    outlet = outlet_with(pipe)
    started = asyncio.get_running_loop().time()

    await outlet.linger()

    assert asyncio.get_running_loop().time() - started >= 0.09
    assert pipe.done == (["write_eof"] if half_closes else [])


async def test_a_client_that_leaves_is_not_waited_for_any_longer() -> None:
    outlet = outlet_with(Pipe(), linger_seconds=60)
    lingering = asyncio.create_task(outlet.linger())
    await asyncio.sleep(0)

    outlet.lose()

    await asyncio.wait_for(lingering, 5)
    assert outlet.transport is None


async def test_a_connection_that_is_closing_or_gone_does_not_linger() -> None:
    closing, gone = Pipe(), outlet_with(None)
    closing.close()
    started = asyncio.get_running_loop().time()

    await outlet_with(closing, linger_seconds=60).linger()
    await gone.linger()

    assert asyncio.get_running_loop().time() - started < 5
    assert closing.done == ["close"]


async def test_what_is_lost_is_watched_no_longer() -> None:
    pipe = Pipe(left=100)
    outlet = outlet_with(pipe)

    outlet.watch()
    outlet.lose()
    outlet.close()
    await asyncio.sleep(0.2)

    assert pipe.done == []
