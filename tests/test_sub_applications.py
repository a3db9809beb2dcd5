"""A service may be part of another application, be it a service or a plain one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from framework import RouteTableDef, ServiceSettings, create_app, provide, public, standard
from framework.errors import NotFound
from framework.tasks import Tasks
from framework.testing import Serve


class Inner:
    name = "inner"


class Outer:
    name = "outer"


ended: list[str] = []


async def end() -> None:
    ended.append("task")


def inner() -> web.Application:
    routes = RouteTableDef()

    @routes.get("/numbers/{number}")
    @public
    async def show(number: int, store: Inner, tasks: Tasks) -> list[Any]:
        tasks.start(end(), name="end")
        return [number, store.name]

    @routes.get("/missing")
    @public
    async def missing() -> None:
        raise NotFound("thing", 1)

    @routes.get("/broken")
    @public
    async def broken() -> None:
        raise LookupError

    @routes.get("/unmarked")
    async def unmarked() -> None: ...

    settings = ServiceSettings()
    return create_app(settings, routes=[routes], batteries=[*standard(settings), provide(Inner)])


def in_a_service() -> web.Application:
    routes = RouteTableDef()

    @routes.get("/outer")
    @public
    async def show(store: Outer) -> str:
        return store.name

    settings = ServiceSettings()
    app = create_app(settings, routes=[routes], batteries=[*standard(settings), provide(Outer)])
    app.add_subapp("/v2", inner())
    return app


def in_a_plain_application() -> web.Application:
    async def show(request: web.Request) -> web.Response:
        return web.json_response("outer")

    app = web.Application()
    app.router.add_get("/outer", show)
    app.add_subapp("/v2", inner())
    return app


def two_deep() -> web.Application:
    middle, app = web.Application(), in_a_service()
    middle.add_subapp("/v2", inner())
    app.add_subapp("/middle", middle)
    return app


@pytest.mark.parametrize(
    ("build", "prefix"),
    [
        pytest.param(in_a_service, "v2", id="in a service"),
        pytest.param(in_a_plain_application, "v2", id="in a plain application"),
        pytest.param(two_deep, "middle/v2", id="in a plain application in a service"),
    ],
)
async def test_a_service_works_within(
    build: Callable[[], web.Application], prefix: str, serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(build())

    answers = []
    for path in ("numbers/5", "numbers/x", "missing", "broken", "unmarked", "nowhere", "health/ready"):
        async with client.get(url / prefix / path) as response:
            answers.append((response.status, await response.json()))
    async with client.get(url / "outer") as response:
        answers.append((response.status, await response.json()))

    assert [status for status, _ in answers] == [200, 422, 404, 500, 401, 404, 200, 200]
    assert answers[0][1] == [5, "inner"]
    assert answers[1][1]["errors"][0]["pointer"] == "/number"
    assert answers[2][1]["detail"] == "There is no thing '1'."
    assert answers[-1][1] == "outer"
    assert ended
