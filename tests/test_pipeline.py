"""The order of batteries, and what every request passes, matched or not."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from framework.battery import Battery, Handler, Middleware
from framework.context import ENDPOINT, services
from framework.endpoint import Endpoint
from framework.errors import ConfigurationError
from framework.routing import RouteTableDef
from framework.services import provide
from framework.testing import Serve
from tests.kernel import kernel_app
from tests.server.raw import exchange, request


async def hello() -> str:
    return "hello"


def table() -> RouteTableDef:
    routes = RouteTableDef()
    routes.get("/")(hello)
    return routes


def recording(name: str, seen: list[str], **options: Any) -> Battery:
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        seen.append(f"{name} {request[ENDPOINT].path}")
        return await handler(request)

    return Battery(name=name, middleware=middleware, **options)


async def test_the_first_battery_is_the_outermost_for_matched_and_unmatched_requests(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    seen: list[str] = []
    url = await serve(kernel_app(table(), batteries=(recording("outer", seen), recording("inner", seen))))

    for path in ("", "nowhere"):
        await client.get(url / path)
    await client.post(url)

    assert seen == ["outer /", "inner /", "outer ", "inner ", "outer ", "inner "]


async def test_options_for_the_whole_server_are_a_ping(serve: Serve) -> None:
    url = await serve(kernel_app(table()))

    [response] = await exchange(url.port or 0, request("OPTIONS * HTTP/1.1", "Connection: close"))

    assert (response.status, response.body) == (204, b"")


def test_a_battery_listed_before_one_that_it_needs_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="List the battery 'inner' after outer"):
        kernel_app(batteries=(recording("inner", [], after=frozenset({"outer"})), recording("outer", [])))


def test_a_battery_listed_twice_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'twin' is listed twice"):
        kernel_app(batteries=(Battery(name="twin"), Battery(name="twin")))


def test_a_battery_has_a_middleware_or_a_plan() -> None:
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request)

    with pytest.raises(ConfigurationError, match="both a middleware and a plan"):
        Battery(name="both", middleware=middleware, plan=lambda endpoint: middleware)


async def test_a_plan_decides_once_for_each_endpoint(serve: Serve, client: aiohttp.ClientSession) -> None:
    planned: list[str] = []
    seen: list[str] = []

    def plan(endpoint: Endpoint) -> Middleware | None:
        planned.append(endpoint.path)
        return recording("planned", seen).middleware if endpoint.path == "/" else None

    url = await serve(kernel_app(table(), batteries=(Battery(name="planned", plan=plan),)))
    for _ in range(3):
        await client.get(url)
        await client.get(url / "nowhere")

    assert sorted(planned) == ["", "/"]
    assert seen == ["planned /"] * 3


async def test_stamps_are_on_every_response_and_a_broken_one_costs_nothing_but_a_log_line(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(request: web.Request, response: web.StreamResponse) -> None:
        raise RuntimeError("broken stamp")

    def stamp(request: web.Request, response: web.StreamResponse) -> None:
        response.headers["X-Stamp"] = "yes"

    url = await serve(
        kernel_app(table(), batteries=(Battery(name="broken", stamp=broken), Battery(name="b", stamp=stamp)))
    )
    with caplog.at_level(logging.ERROR, "framework.dispatch"):
        found = await client.get(url)
        missing = await client.get(url / "nowhere")

    assert [(answer.status, answer.headers["X-Stamp"]) for answer in (found, missing)] == [
        (200, "yes"),
        (404, "yes"),
    ]
    logged = [record.message for record in caplog.records if record.name == "framework.dispatch"]
    assert logged == ["stamp_failed"] * 2


async def test_lifespans_open_in_order_and_close_in_reverse(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    seen: list[str] = []

    def living(name: str) -> Battery:
        @asynccontextmanager
        async def lifespan(app: web.Application) -> AsyncIterator[None]:
            seen.append(f"{name} opens")
            yield
            seen.append(f"{name} closes")

        return Battery(name=name, lifespan=lifespan)

    runner = web.AppRunner(kernel_app(batteries=(living("a"), living("b"))))
    await runner.setup()
    await runner.cleanup()

    assert seen == ["a opens", "b opens", "b closes", "a closes"]


async def test_middlewares_of_other_hands_are_called_wherever_they_stand(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    seen: list[str] = []
    app = kernel_app(table(), batteries=(recording("battery", seen),))

    def noting(name: str) -> Any:
        @web.middleware
        async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
            seen.append(name)
            return await handler(request)

        return note

    app.middlewares.insert(0, noting("outer"))
    app.middlewares.append(noting("inner"))
    url = await serve(app)

    async with client.get(url) as response:
        assert await response.json() == "hello"

    assert seen == ["outer", "battery /", "inner"]


async def test_a_sub_application_keeps_its_middlewares_inside_the_batteries(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    seen: list[str] = []

    @web.middleware
    async def own(request: web.Request, handler: Handler) -> web.StreamResponse:
        seen.append("own")
        return await handler(request)

    async def legacy(request: web.Request) -> web.Response:
        return web.Response(text="legacy")

    sub = web.Application(middlewares=[own])
    sub.router.add_get("/page", legacy)
    app = kernel_app(table(), batteries=(recording("battery", seen),))
    app.add_subapp("/old", sub)
    url = await serve(app)

    async with client.get(url / "old/page") as response:
        text = await response.text()

    assert text == "legacy"
    assert seen == ["battery /old/page", "own"]


class Store:
    def __init__(self) -> None:
        self.closed = False


class Page:
    def __init__(self, store: Store) -> None:
        self.store = store


async def test_services_are_made_once_a_request_and_closed_behind_it(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    made: list[Store] = []

    @asynccontextmanager
    async def open_store() -> AsyncIterator[Store]:
        store = Store()
        made.append(store)
        yield store
        store.closed = True

    routes = RouteTableDef()

    @routes.get("/")
    async def handler(page: Page, store: Store, request: web.Request) -> bool:
        return page.store is store and store is await services(request).aget(Store) and not store.closed

    url = await serve(kernel_app(routes, batteries=(provide(Page, {Store: open_store}),)))
    async with client.get(url) as response:
        same = await response.json()
    await client.get(url)

    assert same is True
    assert [store.closed for store in made] == [True, True]


async def test_a_service_that_nothing_provides_is_a_start_up_error() -> None:
    routes = RouteTableDef()

    @routes.get("/")
    async def handler(page: Page) -> None: ...

    runner = web.AppRunner(kernel_app(routes))

    with pytest.raises(ConfigurationError, match=r"test_pipeline\.py:\d+ .*'page' asks for Page"):
        await runner.setup()


async def test_what_a_service_needs_must_be_provided_too() -> None:
    runner = web.AppRunner(kernel_app(batteries=(provide(Page),)))

    with pytest.raises(ConfigurationError, match="nothing provides Store for its 'store'"):
        await runner.setup()


def test_a_service_with_an_untyped_constructor_is_refused() -> None:
    class Vague:
        def __init__(self, thing) -> None:  # type: ignore[no-untyped-def]
            self.thing = thing

    with pytest.raises(ConfigurationError, match="'thing'"):
        provide(Vague)


async def test_what_is_added_while_the_service_starts_is_not_passed_by(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    seen: list[str] = []

    @web.middleware
    async def appended(request: web.Request, handler: Handler) -> web.StreamResponse:
        seen.append("middleware")
        return await handler(request)

    async def received(_: web.Request, __: web.StreamResponse) -> None:
        seen.append("signal")

    async def add(app: web.Application) -> None:
        app.middlewares.append(appended)
        app.on_response_prepare.append(received)

    app = kernel_app(table())
    app.on_startup.append(add)
    url = await serve(app)

    await client.get(url)

    assert seen == ["middleware", "signal"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("here", (308, "/here/"), id="a slash is missing"),
        pytest.param("here/", (200, "hello"), id="as it is"),
        pytest.param("nowhere", (404, "There is no page '/nowhere'."), id="nothing there"),
        pytest.param("only-post", (405, "GET"), id="another method"),
    ],
)
async def test_middlewares_of_other_hands_see_paths_that_match_nothing(
    path: str, expected: tuple[int, str], serve: Serve, client: aiohttp.ClientSession
) -> None:
    seen: list[str] = []
    routes = table()
    routes.get("/here/")(hello)
    routes.post("/only-post")(hello)
    app = kernel_app(routes, batteries=(recording("battery", seen),))

    @web.middleware
    async def noting(request: web.Request, handler: Any) -> web.StreamResponse:
        seen.append("appended")
        answer: web.StreamResponse = await handler(request)
        return answer

    app.middlewares.append(web.normalize_path_middleware(append_slash=True))
    app.middlewares.append(noting)
    url = await serve(app)

    async with client.get(url / path, allow_redirects=False) as response:
        text = await response.text()

    assert response.status == expected[0]
    assert expected[1] in (response.headers.get("Location", "") + text)
    assert seen[0].startswith("battery")
    assert ("appended" in seen) is (response.status != 308)
