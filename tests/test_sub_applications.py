"""A service may be part of another application, be it a service or a plain one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from framework import RouteTableDef, ServiceSettings, create_app, provide, public, standard
from framework.battery import Battery
from framework.endpoint import Endpoint
from framework.errors import ConfigurationError, NotFound
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


@pytest.mark.guarantee("bounded forms")
@pytest.mark.parametrize(
    "prefix", ["/größe", "/hello world", "/größe/a+b", "/日本", "/a%20b", "/gr%C3%B6%C3%9Fe"]
)
@pytest.mark.parametrize("path", ["/plain", "/é", "/v/ü%2Fx"])
async def test_a_plain_application_is_found_below_any_prefix(
    serve: Serve, client: aiohttp.ClientSession, prefix: str, path: str
) -> None:
    async def show(request: web.Request) -> web.Response:
        return web.json_response(dict(request.match_info))

    below = web.Application()
    for each in ("/plain", "/é", "/v/{value}"):
        below.router.add_get(each, public(show))
    app = create_app(routes=[])
    app.add_subapp(prefix, below)
    url = await serve(app)

    async with client.get(f"{url}{prefix}{path}".replace("ü", "%C3%BC")) as response:
        variables = await response.json()

    assert response.status == 200
    assert variables == ({"value": "ü/x"} if path.startswith("/v") else {})


async def greet(request: web.Request) -> web.Response:
    return web.Response(text="hello")


@web.middleware
async def of_others(request: web.Request, handler: Any) -> web.StreamResponse:
    response: web.StreamResponse = await handler(request)
    return response


@pytest.mark.parametrize("path", ["own", "inner/greet"])
async def test_batteries_are_put_around_what_other_hands_have_made_once_for_each_route(
    path: str, serve: Serve, client: aiohttp.ClientSession
) -> None:
    planned: list[str] = []

    def plan(endpoint: Endpoint) -> None:
        planned.append(endpoint.path)

    part = web.Application()
    part.router.add_get("/greet", public(greet))
    routes = RouteTableDef()
    routes.get("/own")(public(greet))
    settings = ServiceSettings()
    app = create_app(
        settings, routes=[routes], batteries=[*standard(settings), Battery(name="planner", plan=plan)]
    )
    app.middlewares.append(of_others)
    app.add_subapp("/inner", part)
    url = await serve(app) / path

    statuses, before = [], 0
    for _ in range(3):
        async with client.get(url) as response:
            statuses.append(response.status)
        before = before or len(planned)

    assert statuses == [200, 200, 200]
    assert len(planned) == before


async def test_a_typed_handler_in_a_plain_sub_application_is_refused_at_start(serve: Serve) -> None:
    @public
    async def show(number: int) -> int:
        return number

    part = web.Application()
    part.router.add_get("/{number}", show)  # type: ignore[arg-type]
    app = create_app(routes=[])
    app.add_subapp("/part", part)

    with pytest.raises(ConfigurationError, match=r"/part/\{number\} .*show\): it is part of a plain sub-app"):
        await serve(app)


async def test_a_plain_sub_application_may_fill_what_its_handlers_want(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    def numbered(handler: Callable[[web.Request, int], Any]) -> Any:
        @functools.wraps(handler)
        async def answer(request: web.Request) -> web.StreamResponse:
            response: web.StreamResponse = await handler(request, 5)
            return response

        return answer

    @public
    @numbered
    async def show(request: web.Request, number: int) -> web.Response:
        return web.Response(text=str(number))

    part = web.Application()
    part.router.add_get("/", show)
    app = create_app(routes=[])
    app.add_subapp("/part", part)

    async with client.get(f"{await serve(app)}/part/") as response:
        assert await response.text() == "5"


async def test_what_a_plain_sub_application_answers_must_be_a_response(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    @public
    async def show(request: web.Request) -> Any:
        return {"a": 1}

    part = web.Application()
    part.router.add_get("/", show)
    app = create_app(routes=[])
    app.add_subapp("/part", part)

    async with client.get(f"{await serve(app)}/part/") as response:
        assert response.status == 500

    assert "returned {'a': 1}; aiohttp calls it" in caplog.text


async def test_a_handler_that_other_hands_added_is_named_behind_their_middleware(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    @web.middleware
    async def passing(request: web.Request, handler: Any) -> web.StreamResponse:
        response: web.StreamResponse = await handler(request)
        return response

    async def unmarked(request: web.Request) -> web.Response:
        return web.Response()

    app = create_app(routes=[])
    app.router.add_get("/", unmarked)
    app.middlewares.append(passing)

    async with client.get(await serve(app)) as response:
        assert response.status == 401
        assert "unmarked) says neither" in (await response.json(content_type=None))["detail"]
