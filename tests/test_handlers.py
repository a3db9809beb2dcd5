"""Handlers in every shape: methods, views with typed methods, classes that carry routes, and what others register."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from framework import RouteTableDef, ServiceSettings, create_app, provide, public, requires, standard
from framework.context import ENDPOINTS
from framework.errors import ConfigurationError
from framework.marks import Requires
from framework.testing import Serve
from tests.kernel import kernel_app


class Store:
    def __init__(self, name: str = "store") -> None:
        self.name = name


routes = RouteTableDef(prefix="/users")


class Users:
    made = 0

    def __init__(self, store: Store) -> None:
        self.store = store
        type(self).made += 1

    @routes.get("/{number}")
    @public
    async def show(self, number: int) -> list[Any]:
        """Show one."""
        return [self.store.name, number]

    @public
    @routes.get("")
    async def plain(self, request: web.Request) -> web.Response:
        return web.json_response([self.store.name, request.method])

    @routes.put("/echo")
    @routes.post("/echo")
    @public
    @staticmethod
    async def echo(body: dict[str, Any]) -> dict[str, Any]:
        return body


@routes.get("/apart/from/it")
@public
async def apart() -> list[str]:
    return ["apart"]


class Overriding(Users):
    @public
    async def show(self, number: int) -> list[Any]:
        return ["overridden", number]


ASKED = [("GET", "/users/5"), ("GET", "/users"), ("PUT", "/users/echo"), ("GET", "/users/apart/from/it")]
ANSWERS = [(200, ["store", 5]), (200, ["store", "GET"]), (200, {"a": 1}), (200, ["apart"])]


async def asked(serve: Serve, client: aiohttp.ClientSession, app: web.Application) -> list[tuple[int, Any]]:
    url = await serve(app)
    answers = []
    for method, path in ASKED:
        body: dict[str, Any] = {"json": {"a": 1}} if method == "PUT" else {}
        async with client.request(method, url.origin().with_path(path), **body) as response:
            answers.append((response.status, await response.json()))
    return answers


def service(*listed: Any, services: tuple[Any, ...] = ()) -> web.Application:
    settings = ServiceSettings()
    batteries = [*standard(settings), *([provide(*services)] if services else [])]
    return create_app(settings, routes=listed, batteries=batteries)


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda: service(routes, Users(Store())), id="an object in the list"),
        pytest.param(lambda: service(Users(Store()), [routes]), id="in front of its table"),
        pytest.param(lambda: service(routes, Users, services=(Store,)), id="the class in the list"),
        pytest.param(lambda: service(routes, services=(Store, Users)), id="the class among the services"),
        pytest.param(lambda: service(routes, services=(Users(Store()),)), id="an object among the services"),
        pytest.param(
            lambda: service(routes, Users, services=(Users(Store()),)),
            id="in the list and among the services",
        ),
    ],
)
async def test_a_class_whose_methods_carry_routes_is_served(
    build: Callable[[], web.Application], serve: Serve, client: aiohttp.ClientSession
) -> None:
    answers = await asked(serve, client, build())

    assert answers == ANSWERS


async def test_an_object_of_a_listed_class_is_made_for_each_request(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    Users.made = 0

    await asked(serve, client, service(Users, services=(Store,)))

    assert Users.made == 2


async def test_a_method_that_is_overridden_keeps_its_routes(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    by_object = await asked(serve, client, service(Overriding(Store())))
    by_type = await asked(serve, client, service(Overriding, services=(Store,)))

    assert by_object[:2] == by_type[:2] == [(200, ["overridden", 5]), (200, ["store", "GET"])]
    assert by_object[3][0] == 404


def test_marks_of_class_and_methods_all_count() -> None:
    table = RouteTableDef()

    @requires("class")
    class Marked:
        @requires("above")
        @table.get("/a")
        @staticmethod
        async def a() -> None: ...

        @table.get("/b")
        @requires("method")
        async def b(self) -> None: ...

    app = service(Marked())

    scopes = {
        each.path: {scope for mark in each.marks if isinstance(mark, Requires) for scope in mark.scopes}
        for each in app[ENDPOINTS]
    }
    assert scopes["/a"] == {"above", "class"}
    assert scopes["/b"] == {"method", "class"}


def test_methods_of_a_class_that_nobody_makes_are_told() -> None:
    with pytest.raises(ConfigurationError, match=r"test_handlers\.py:\d+ Users\.show: .*routes=\[Users\]"):
        service(routes)


def test_a_class_that_cannot_be_made_is_told() -> None:
    class Lost:
        def __init__(self, store: Store, name) -> None: ...  # type: ignore[no-untyped-def]

        @routes.get("/lost")
        async def lost(self) -> None: ...

    with pytest.raises(ConfigurationError, match=r"test_handlers\.py:\d+ .*Lost: .*'name'"):
        service(Lost)


def test_a_class_without_routes_is_no_route() -> None:
    with pytest.raises(ConfigurationError, match="is no route"):
        service(Store)


async def test_methods_of_a_view_may_be_typed(serve: Serve, client: aiohttp.ClientSession) -> None:
    table = RouteTableDef()

    @table.view("/view/{number}")
    class View(web.View):
        async def get(self, number: int) -> dict[str, Any]:
            return {"number": number, "method": self.request.method}

        async def put(self, number: int, body: dict[str, Any], store: Store) -> list[Any]:
            return [number, body, store.name]

        async def post(self) -> web.Response:
            return web.json_response("plain")

        async def delete(self) -> None:
            """Return nothing."""

    url = await serve(kernel_app(table, batteries=(provide(Store),)))
    answers = []
    for method in ("GET", "PUT", "POST", "DELETE", "PATCH"):
        body: dict[str, Any] = {"json": {"a": 1}} if method == "PUT" else {}
        async with client.request(method, url / "view/5", **body) as response:
            answers.append((response.status, await response.text()))

    assert answers[:4] == [
        (200, '{"number":5,"method":"GET"}'),
        (200, '[5,{"a":1},"store"]'),
        (200, '"plain"'),
        (204, ""),
    ]
    assert answers[4][0] == 405


class Shop:
    async def show(self, number: int) -> dict[str, int]:
        return {"number": number}

    async def plain(self, req: web.Request) -> web.Response:
        return web.json_response(req.path)

    async def with_service(self, store: Store) -> list[str]:
        return [store.name]


class Added(web.View):
    @public
    async def get(self) -> web.Response:
        return web.json_response("view")


async def test_what_others_add_to_the_router_is_read_as_any_handler(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    shop, table = Shop(), RouteTableDef()
    typed: Any = shop
    table.get("/table/{number}")(public(shop.show))
    app = service(services=(Store,))
    app.router.add_get("/typed/{number}", public(typed.show))
    app.router.add_get("/unmarked/{number}", typed.show)
    app.router.add_post("/plain", public(shop.plain))
    app.router.add_get("/service", public(typed.with_service))
    app.router.add_view("/view", Added)
    app.add_routes(table)
    url = await serve(app)

    answers = []
    for method, path in [
        *(("GET", "typed/5"), ("GET", "typed/x"), ("GET", "unmarked/5"), ("POST", "plain")),
        *(("GET", "service"), ("GET", "view"), ("GET", "table/5")),
    ]:
        async with client.request(method, url / path) as response:
            answers.append((response.status, await response.json() if response.status == 200 else None))

    assert answers == [
        *((200, {"number": 5}), (422, None), (401, None), (200, "/plain")),
        *((200, ["store"]), (200, "view"), (200, {"number": 5})),
    ]


@web.middleware
async def of_other_hands(request: web.Request, handler: Any) -> web.StreamResponse:
    response: web.StreamResponse = await handler(request)
    return response


@pytest.mark.parametrize(
    ("handler", "middlewares", "said"),
    [
        pytest.param(
            Shop().with_service,
            [],
            "asks for Store, which nothing provides",
            id="a service that is not there",
        ),
        pytest.param(
            Shop.plain, [], "a method of a class that nobody makes", id="a method without its object"
        ),
        pytest.param(
            Shop().show, [of_other_hands], "register it in a RouteTableDef", id="behind a middleware"
        ),
    ],
)
async def test_what_others_add_and_nobody_can_call_is_told_at_start_up(
    handler: Any, middlewares: list[Any], said: str, serve: Serve
) -> None:
    app = kernel_app()
    app.router.add_get("/added/{number}", handler)
    app.middlewares.extend(middlewares)

    with pytest.raises(ConfigurationError, match=said):
        await serve(app)
