"""Clients are told which endpoints will go."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from framework import NotFound, RouteTableDef, create_app, deprecated, public, stream
from framework.errors import ConfigurationError
from framework.testing import Serve

routes = RouteTableDef()
OLD = deprecated(since=datetime(2026, 1, 31, 2, tzinfo=timezone(timedelta(hours=2))), sunset=date(2027, 1, 1))


@routes.get("/answer")
@OLD
@public
async def answer() -> str:
    return "a"


@routes.get("/error")
@OLD
@public
async def error() -> str:
    raise NotFound("thing", 1)


@routes.get("/plain-error")
@OLD
@public
async def plain_error(request: web.Request) -> web.Response:
    raise web.HTTPGone


@routes.get("/number/{number}")
@OLD
@public
async def number(number: int) -> int:
    return number


@routes.get("/stream")
@OLD
@public
async def pieces() -> web.StreamResponse:
    async def each() -> Any:
        yield b"a"

    return stream(each())


@routes.get("/new")
@public
async def new() -> str:
    return "a"


@pytest.mark.parametrize(
    ("path", "status"),
    [("answer", 200), ("error", 404), ("plain-error", 410), ("number/x", 422), ("stream", 200)],
)
async def test_each_answer_tells_it(
    serve: Serve, client: aiohttp.ClientSession, path: str, status: int
) -> None:
    url = await serve(create_app(routes=[routes]))

    async with client.get(url / path) as response:
        assert response.status == status
        assert response.headers.getall("Deprecation") == ["@1769817600"]
        assert response.headers.getall("Sunset") == ["Fri, 01 Jan 2027 00:00:00 GMT"]


async def test_the_document_tells_it(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve(create_app(routes=[routes]))

    async with client.get(url / "openapi.json") as response:
        paths = (await response.json())["paths"]

    assert paths["/answer"]["get"]["deprecated"] is True
    assert {"Deprecation", "Sunset"} <= {*paths["/answer"]["get"]["responses"]["200"]["headers"]}
    assert "deprecated" not in paths["/new"]["get"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"since": "2026-01-31"},
        {"since": datetime(2026, 1, 31)},  # noqa: DTZ001 - that is what is wrong
        {"since": date(2026, 1, 31), "sunset": date(2026, 1, 30)},
        {"since": date(2026, 1, 31), "link": "a b"},
        {"since": date(2026, 1, 31), "link": 'x>; rel="y"'},
        {"since": None},
    ],
)
def test_what_no_client_could_read_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="@deprecated "):
        deprecated(**wrong)


def test_a_time_with_a_zone_is_one_moment() -> None:
    assert deprecated(since=datetime(2026, 1, 31, tzinfo=UTC)) == deprecated(since=date(2026, 1, 31))
