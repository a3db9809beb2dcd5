"""Route tables of ours and of aiohttp, views, and what cannot stand side by side."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from aiohttp import web

from framework.context import ENDPOINTS
from framework.endpoint import Mark
from framework.errors import ConfigurationError
from framework.routing import RouteTableDef
from framework.testing import Serve
from tests.kernel import kernel_app


async def hello() -> dict[str, str]:
    return {"message": "hello"}


async def test_a_prefix_and_tags_hold_for_every_route_of_a_table(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    routes = RouteTableDef(prefix="/api", tags=["greetings"])
    routes.get("/hello", tags=["more"])(hello)
    app = kernel_app(routes)

    url = await serve(app)
    async with client.get(url / "api/hello") as response:
        answer = await response.json()

    assert answer == {"message": "hello"}
    assert app[ENDPOINTS][0].options.tags == ("greetings", "more")


@pytest.mark.parametrize("prefix", ["api", "/api/", "/"])
def test_a_prefix_that_would_not_join_is_refused(prefix: str) -> None:
    with pytest.raises(ConfigurationError, match="prefix"):
        RouteTableDef(prefix=prefix)


def test_an_unknown_option_is_refused_where_it_is_written() -> None:
    with pytest.raises(ConfigurationError, match=r"GET /: .*'satus'"):
        RouteTableDef().get("/", satus=201)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(
            lambda table: table.get(hello), "hello: a route is given its path first", id="no parentheses"
        ),
        pytest.param(lambda table: table.get(5), "a route is given its path first", id="a number for a path"),
        pytest.param(lambda table: table.post("/a")("/b"), "POST /a stands above '/b'", id="two paths"),
    ],
)
def test_a_decorator_that_is_written_wrong_is_told_at_its_line(wrong: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"test_routing\.py:\d+.*{said}"):
        wrong(RouteTableDef())


async def test_a_get_route_answers_head(serve: Serve, client: aiohttp.ClientSession) -> None:
    routes = RouteTableDef()
    routes.get("/")(hello)

    url = await serve(kernel_app(routes))
    async with client.head(url) as response:
        body = await response.read()

    assert (response.status, body) == (200, b"")
    assert response.headers["Content-Length"] == str(len(b'{"message":"hello"}'))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(("GET", "/a/{x}"), ("GET", "/a/{y}"), id="the same path with another name in it"),
        pytest.param(("POST", "/a"), ("POST", "/a"), id="the same path"),
        pytest.param(("HEAD", "/a"), ("GET", "/a"), id="a HEAD route and a GET route that answers HEAD"),
    ],
)
def test_two_handlers_on_one_route_are_refused(first: tuple[str, str], second: tuple[str, str]) -> None:
    routes = RouteTableDef()
    routes.route(*first)(hello)
    routes.route(*second)(hello)

    with pytest.raises(ConfigurationError, match=r"answers what .* answers already"):
        kernel_app(routes)


async def test_plain_aiohttp_handlers_views_and_tables_work_unchanged(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    table = web.RouteTableDef()

    @table.get("/plain/{name}", name="plain")
    async def plain(req: web.Request) -> web.Response:
        return web.Response(text=f"{req.match_info['name']} {req.app.router['plain'].url_for(name='x')}")

    @table.view("/view")
    class View(web.View):
        async def get(self) -> web.Response:
            return web.Response(text=f"view {self.request.method}")

        async def post(self) -> web.Response:
            return web.Response(text="posted")

    url = await serve(kernel_app(table, [web.get("/listed", plain)]))
    answers = []
    for method, path in [("GET", "plain/a"), ("GET", "view"), ("POST", "view"), ("PUT", "view")]:
        async with client.request(method, url / path) as response:
            answers.append((response.status, await response.text(), response.headers.get("Allow")))

    assert answers[:3] == [(200, "a /plain/x", None), (200, "view GET", None), (200, "posted", None)]
    assert answers[3][0] == 405
    assert answers[3][2] == "GET,POST" or answers[3][2] == "GET, POST"


async def test_the_methods_of_a_view_carry_marks_of_their_own() -> None:
    class Stern(Mark):
        pass

    stern = Stern()

    class View(web.View):
        async def get(self) -> web.Response:
            return web.Response()

        @stern
        async def post(self) -> web.Response:
            return web.Response()

    app = kernel_app([web.view("/", View)])

    marks = {endpoint.method: endpoint.marks for endpoint in app[ENDPOINTS]}
    assert marks == {"GET": (), "POST": (stern,)}


def test_a_view_without_methods_is_refused() -> None:
    class View(web.View):
        pass

    with pytest.raises(ConfigurationError, match="defines no method"):
        kernel_app([web.view("/", View)])


async def test_a_table_of_ours_works_in_a_plain_aiohttp_application(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    routes = RouteTableDef()
    routes.get("/")(hello)
    app = web.Application()
    app.add_routes(routes)

    url = await serve(app)
    async with client.get(url) as response:
        answer = await response.json()

    assert answer == {"message": "hello"}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "*"])
async def test_each_verb_has_a_decorator(method: str, serve: Serve, client: aiohttp.ClientSession) -> None:
    routes = RouteTableDef()
    routes.route(method, "/")(hello)

    url = await serve(kernel_app(routes))
    async with client.request("PURGE" if method == "*" else method, url) as response:
        status = response.status

    assert status == 200


def test_something_that_is_no_route_is_refused() -> None:
    routes: Any = [42]

    with pytest.raises(ConfigurationError, match="42 is no route"):
        kernel_app(*routes)
