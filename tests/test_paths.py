"""Paths of routes in any script are found, and lead to addresses that can be sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from framework.context import ENDPOINTS
from framework.routing import RouteTableDef
from framework.staticfiles import StaticFiles
from framework.testing import Serve
from tests.kernel import kernel_app


async def show(request: web.Request) -> dict[str, Any]:
    return dict(request.match_info)


def table(*paths: str, prefix: str = "") -> RouteTableDef:
    routes = RouteTableDef(prefix=prefix)
    for path in paths:
        routes.get(path)(show)
    return routes


@pytest.mark.parametrize(
    ("template", "sent", "variables"),
    [
        pytest.param("/größe/{id}", "/gr%C3%B6%C3%9Fe/5", {"id": "5"}, id="letters of another script"),
        pytest.param("/größe/{id}", "/gr%c3%b6%c3%9fe/%C3%BC", {"id": "ü"}, id="encoded in lower case"),
        pytest.param("/hello world/{n}", "/hello%20world/a%20b", {"n": "a b"}, id="a space"),
        pytest.param("/größe", "/gr%C3%B6%C3%9Fe", {}, id="no variable"),
        pytest.param(
            "/{a}/größe/{b}-ü", "/1/gr%C3%B6%C3%9Fe/2-%C3%BC", {"a": "1", "b": "2"}, id="in between"
        ),
        pytest.param(
            "/日本/{x:[a-zä]+}", "/%E6%97%A5%E6%9C%AC/%C3%A4b", {"x": "äb"}, id="a pattern of its own"
        ),
        pytest.param(
            "/gr%C3%B6%C3%9Fe/{id}", "/gr%C3%B6%C3%9Fe/5", {"id": "5"}, id="a template written encoded"
        ),
        pytest.param("/100%/{x}", "/100%25/a%2Fb%25", {"x": "a/b%"}, id="a percent sign"),
        pytest.param("/100%", "/100%25", {}, id="a percent sign without a variable"),
        pytest.param("/50%25/{x}", "/50%25/x", {"x": "x"}, id="an encoded percent sign"),
    ],
)
async def test_a_path_in_any_script_is_found(
    template: str, sent: str, variables: dict[str, str], serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(kernel_app(table(template)))

    async with client.get(URL(f"{url.origin()}{sent}", encoded=True)) as response:
        answer = await response.json()

    assert (response.status, answer) == (200, variables)


@pytest.mark.parametrize(
    "sent", ["/hello+world/a", "/hello%2520world/a", "/hello%20world", "/hello%20world/a/b"]
)
async def test_nothing_else_is_found(sent: str, serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve(kernel_app(table("/hello world/{n}")))

    async with client.get(URL(f"{url.origin()}{sent}", encoded=True)) as response:
        await response.read()

    assert response.status == 404


async def test_methods_of_one_path_belong_together(serve: Serve, client: aiohttp.ClientSession) -> None:
    routes = table("/größe/{id}", prefix="/präfix")
    routes.post("/größe/{id}")(show)
    app = kernel_app(routes)
    url = await serve(app)

    answers = []
    for method in ("GET", "HEAD", "POST", "PUT"):
        async with client.request(method, url / "präfix/größe/5") as response:
            answers.append((response.status, response.headers.get("Allow")))

    assert answers == [(200, None), (200, None), (200, None), (405, "GET, HEAD, POST")]
    assert len([resource for resource in app.router.resources() if "größe" in resource.canonical]) == 1


@pytest.mark.parametrize(
    ("template", "values", "address"),
    [
        ("/größe/{id}", {"id": "7"}, "/gr%C3%B6%C3%9Fe/7"),
        ("/hello world/{n}", {"n": "a b"}, "/hello%20world/a%20b"),
        ("/größe", {}, "/gr%C3%B6%C3%9Fe"),
        ("/100%/{x}", {"x": "ü"}, "/100%25/%C3%BC"),
    ],
)
def test_an_address_is_written_as_it_is_sent(template: str, values: dict[str, str], address: str) -> None:
    routes = RouteTableDef()
    routes.get(template, name="it")(show)

    app = kernel_app(routes)

    assert str(app.router["it"].url_for(**values)) == address


async def test_a_table_in_a_sub_application_is_found_too(serve: Serve, client: aiohttp.ClientSession) -> None:
    inner = web.Application()
    inner.add_routes(table("/größe/{id}"))
    app = kernel_app()
    app.add_subapp("/sub", inner)
    url = await serve(app)

    async with client.get(url / "sub/größe/5") as response:
        answer = await response.json()

    assert answer == {"id": "5"}
    assert [str(resource.url_for(id="5")) for resource in inner.router.resources()] == [
        "/sub/gr%C3%B6%C3%9Fe/5"
    ]


@pytest.mark.parametrize("prefix", ["/bücher", "/my files", "/100%"])
async def test_static_files_are_found_below_any_path(
    prefix: str, serve: Serve, client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    (tmp_path / "ü").mkdir()
    (tmp_path / "ü" / "a b.txt").write_text("found")
    routes = RouteTableDef()
    routes.static(prefix, tmp_path)
    app = kernel_app(routes)
    url = await serve(app)
    files = app[ENDPOINTS][0].find(StaticFiles)
    assert files is not None
    ((_, address),) = files.addresses()

    async with client.get(URL(f"{url.origin()}{address}", encoded=True)) as response:
        text = await response.text()

    assert (response.status, text) == (200, "found")
    assert address.startswith(f"{quote(prefix)}/%C3%BC/a%20b.txt?v=")
