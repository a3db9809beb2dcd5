"""Parameters that are one value each, and those that a battery brings."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import aiohttp
import pytest
from aiohttp import web
from aiohttp_session import Session
from marshmallow.validate import Length, Range
from yarl import URL

from framework import Battery, Cookie, Header, Principal, Provide, RouteTableDef, Unauthorized
from framework.batteries import openapi
from framework.context import ENDPOINTS
from framework.errors import ConfigurationError
from framework.testing import Serve
from tests.kernel import kernel_app


class Order(Enum):
    NEWEST = "newest"
    OLDEST = "oldest"


@dataclass
class Filter:
    author: str = "anybody"


Text = Annotated[str, Length(1, 10)]

routes = RouteTableDef()


@routes.get("/list/{shelf}")
async def listed(
    shelf: int,
    limit: Annotated[int, Range(1, 100)] = 20,
    tag: list[str] | None = None,
    order: Order = Order.NEWEST,
    after: UUID | None = None,
) -> list[Any]:
    return [shelf, limit, tag, order.value, after and str(after)]


@routes.get("/marked")
async def marked(
    tenant: Annotated[Text, Header("X-Tenant")],
    ids: Annotated[list[int], Header("X-Ids")],
    theme: Annotated[str, Cookie("ui-theme")] = "light",
) -> list[Any]:
    return [tenant, ids, theme]


@routes.get("/both")
async def both(query: Filter, limit: int = 20) -> list[Any]:
    return [query.author, limit]


@routes.get("/search")
async def search(query: str) -> str:
    return query


@routes.get("/by-position/{x}")
async def by_position(x: int, /, y: int = 1) -> int:
    return x + y


@routes.get("/underscore")
async def underscore(_) -> web.Response:  # type: ignore[no-untyped-def]
    return web.Response(text=_.path)


@routes.get("/req/{name}")
async def req(req) -> web.Response:  # type: ignore[no-untyped-def]
    return web.Response(text=req.match_info["name"])


async def greet(request: web.Request, greeting: Any, name: str) -> str:
    return f"{greeting} {name} {request.path}"


routes.get("/partial/{name}")(functools.partial(greet, greeting="hello"))


@pytest.fixture
async def url(serve: Serve) -> URL:
    return await serve(kernel_app(routes, batteries=(openapi.battery(),)))


async def get(client: aiohttp.ClientSession, url: URL, **options: Any) -> tuple[int, Any]:
    async with client.get(url, **options) as response:
        text = await response.text()
        return response.status, json.loads(text) if "json" in response.content_type else text


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        pytest.param("list/7", {}, [7, 20, None, "newest", None], id="defaults"),
        pytest.param(
            f"list/7?limit=3&tag=a&tag=b&order=oldest&after={UUID(int=1)}",
            {},
            [7, 3, ["a", "b"], "oldest", str(UUID(int=1))],
            id="all of a query",
        ),
        pytest.param(
            "marked",
            {"X-Tenant": "acme", "X-Ids": "1, 2", "Cookie": "ui-theme=dark"},
            ["acme", [1, 2], "dark"],
            id="headers and a cookie",
        ),
        pytest.param("both?author=me&limit=3", {}, ["me", 3], id="beside a record of the rest"),
        pytest.param("search?query=q", {}, "q", id="a text that is called query"),
        pytest.param("by-position/2?y=3", {}, 5, id="by position"),
        pytest.param("underscore", {}, "/underscore", id="a request called _"),
        pytest.param("req/x", {}, "x", id="a request called req"),
        pytest.param("partial/me", {}, "hello me /partial/me", id="a partial that fills one by name"),
    ],
)
async def test_a_parameter_is_filled_by_its_name_type_or_mark(
    path: str, headers: dict[str, str], expected: Any, url: URL, client: aiohttp.ClientSession
) -> None:
    assert await get(client, URL(f"{url}/{path}"), headers=headers) == (200, expected)


async def test_the_lines_of_one_header_are_one_list(url: URL, client: aiohttp.ClientSession) -> None:
    lines = [("X-Tenant", "acme"), ("X-Ids", "1"), ("X-Ids", "2,3")]

    assert await get(client, url / "marked", headers=lines) == (200, ["acme", [1, 2, 3], "light"])


@pytest.mark.parametrize(
    ("path", "headers", "faults"),
    [
        pytest.param(
            "list/x?limit=0&limt=1&order=best",
            {},
            {("path", "/shelf"), ("query", "/limit"), ("query", "/limt"), ("query", "/order")},
            id="path and query",
        ),
        pytest.param(
            "marked",
            {"X-Ids": "1,x"},
            {("headers", "/X-Tenant"), ("headers", "/X-Ids/1")},
            id="headers",
        ),
        pytest.param("both?authr=me&limit=x", {}, {("query", "/authr"), ("query", "/limit")}, id="both"),
        pytest.param("list/1?limit=1&limit=2", {}, {("query", "/limit")}, id="one value sent twice"),
    ],
)
async def test_all_faults_of_such_parameters_come_in_one_answer(
    path: str,
    headers: dict[str, str],
    faults: set[tuple[str, str]],
    url: URL,
    client: aiohttp.ClientSession,
) -> None:
    status, problem = await get(client, URL(f"{url}/{path}"), headers=headers)

    assert status == 422
    assert {(fault["in"], fault["pointer"]) for fault in problem["errors"]} == faults


async def test_a_scalar_header_that_is_sent_twice_is_refused(url: URL, client: aiohttp.ClientSession) -> None:
    lines = [("X-Tenant", "a"), ("X-Tenant", "b"), ("X-Ids", "1")]

    status, problem = await get(client, url / "marked", headers=lines)

    assert (status, problem["errors"][0]["pointer"]) == (422, "/X-Tenant")


async def test_the_document_describes_each_of_them(url: URL, client: aiohttp.ClientSession) -> None:
    _, document = await get(client, url / "openapi.json")

    described = {
        each["name"]: (each["in"], each["required"], each["schema"].get("default"))
        for path in ("/list/{shelf}", "/marked", "/both")
        for each in document["paths"][path]["get"]["parameters"]
    }
    assert described == {
        "shelf": ("path", True, None),
        "limit": ("query", False, 20),
        "tag": ("query", False, None),
        "order": ("query", False, "newest"),
        "after": ("query", False, None),
        "X-Tenant": ("header", True, None),
        "X-Ids": ("header", True, None),
        "ui-theme": ("cookie", False, "light"),
        "author": ("query", False, "anybody"),
    }
    assert "422" in document["paths"]["/marked"]["get"]["responses"]


@dataclass(frozen=True)
class Tenant:
    name: str


def find_tenant(request: web.Request) -> Tenant | None:
    name = request.headers.get("X-Tenant")
    return None if name is None else Tenant(name)


async def find_later(request: web.Request) -> Tenant | None:
    return find_tenant(request)


def tenants(make: Callable[[web.Request], Any] = find_tenant) -> Battery:
    return Battery(name="tenants", provides={Tenant: Provide(make, names=("tenant",), absent=Unauthorized)})


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(find_tenant, id="a function"),
        pytest.param(find_later, id="a coroutine function"),
        pytest.param(lambda request: find_tenant(request) or None, id="a lambda"),
        pytest.param(functools.partial(find_later), id="a partial of a coroutine function"),
    ],
)
async def test_a_battery_of_anybody_brings_a_parameter(
    make: Callable[[web.Request], Any], serve: Serve, client: aiohttp.ClientSession
) -> None:
    table = RouteTableDef()

    @table.get("/typed")
    async def typed(of: Tenant) -> str:
        return of.name

    @table.get("/named")
    async def named(request, tenant) -> str:  # type: ignore[no-untyped-def]
        return str(tenant.name)

    @table.get("/optional")
    async def optional(tenant: Tenant | None) -> str:
        return "nobody" if tenant is None else tenant.name

    @table.get("/defaulted")
    async def defaulted(tenant: Tenant = Tenant("default")) -> str:
        return tenant.name

    app = kernel_app(table, batteries=(tenants(make),))
    url = await serve(app)
    paths = ("typed", "named", "optional", "defaulted")

    sent = [await get(client, url / path, headers={"X-Tenant": "acme"}) for path in paths]
    missing = [await get(client, url / path) for path in paths]

    assert sent == [(200, "acme")] * 4
    assert [status for status, _ in missing] == [401, 401, 200, 200]
    assert [answer for status, answer in missing if status == 200] == ["nobody", "default"]
    assert all(endpoint.takes(Tenant) for endpoint in app[ENDPOINTS])


async def with_session(request, session) -> None: ...  # type: ignore[no-untyped-def]


async def with_principal(request, principal) -> None: ...  # type: ignore[no-untyped-def]


@pytest.mark.parametrize(
    ("handler", "battery"),
    [
        pytest.param(with_session, "sessions", id="a session"),
        pytest.param(with_principal, "auth", id="a principal"),
    ],
)
def test_the_battery_that_a_name_needs_is_named(handler: Any, battery: str) -> None:
    table = RouteTableDef()
    table.get("/")(handler)

    with pytest.raises(ConfigurationError, match=f"needs the battery '{battery}', which is not in the list"):
        kernel_app(table)


async def session_by_type(session: Session) -> None: ...


async def principal_by_type(principal: Principal | None) -> None: ...


@pytest.mark.parametrize(
    ("handler", "battery"),
    [
        pytest.param(session_by_type, "sessions", id="a session"),
        pytest.param(principal_by_type, "auth", id="a principal"),
    ],
)
async def test_the_battery_that_a_type_needs_is_named(handler: Any, battery: str) -> None:
    table = RouteTableDef()
    table.get("/")(handler)
    runner = web.AppRunner(kernel_app(table))

    with pytest.raises(ConfigurationError, match=f"needs the battery '{battery}', which is not in the list"):
        await runner.setup()


def test_two_batteries_that_bring_the_same_type_are_refused() -> None:
    other = Battery(name="others", provides={Tenant: Provide(find_tenant)})

    with pytest.raises(ConfigurationError, match=r"Both batteries 'tenants' and 'others' bring Tenant"):
        kernel_app(batteries=(tenants(), other))


def test_names_that_are_one_text_are_refused_at_the_line_that_says_so() -> None:
    with pytest.raises(ConfigurationError, match=r"test_parameters\.py:\d+: names must be several texts"):
        Provide(find_tenant, names="tenant")
