"""Who may read answers from scripts of other origins, and what browsers are told beforehand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp_cors import ResourceOptions
from yarl import URL

from framework.app import ServiceSettings, create_app
from framework.batteries import auth, cors, problems
from framework.batteries.auth import AuthSettings
from framework.batteries.cors import CorsSettings
from framework.errors import ConfigurationError
from framework.marks import public, requires
from framework.routing import RouteTableDef
from framework.secrets import Secret
from framework.testing import Serve

FRIEND, STRANGER = "https://friend.example", "https://stranger.example"

routes = RouteTableDef()


@dataclass
class Thing:
    name: str


@routes.get("/things")
@public
async def read(request: web.Request) -> web.Response:
    return web.json_response([], headers={"ETag": '"1"', "X-Own": "1", "Vary": "Accept-Language"})


@routes.post("/things")
@public
async def make(body: Thing) -> Thing:
    return body


@routes.get("/things/{number}")
@public
async def one(number: int) -> int:
    return number


@routes.put("/things/{number}")
@requires("things:write")
async def replace(number: int) -> int:
    return number


@routes.get("/crash")
@public
async def crash() -> None:
    raise RuntimeError("a bug")


@routes.get("/stream")
@public
async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write_eof(b"stream")
    return response


@routes.get("/fetched")
@public
async def fetched() -> web.Response:
    return web.Response(headers={"Access-Control-Allow-Origin": "https://elsewhere.example"})


@routes.route("*", "/anything")
@public
async def anything(request: web.Request) -> str:
    return request.method


@routes.options("/described")
@public
async def describe() -> web.Response:
    return web.Response(text="described", headers={"Allow": "OPTIONS"})


@routes.view("/view")
@public
class View(web.View):
    async def get(self) -> web.Response:
        return web.Response(text="view")

    async def delete(self) -> web.Response:
        return web.Response(text="gone")


PARTNER = "https://partner.example"


@routes.get("/partners")
@cors.origins({PARTNER: ResourceOptions(allow_credentials=True)})
@public
async def for_partners() -> str:
    return "partners"


@routes.get("/private")
@cors.origins({})
@public
async def private() -> str:
    return "private"


def service(settings: CorsSettings, options: Mapping[str, ResourceOptions] | None = None) -> web.Application:
    keys = AuthSettings(keys=(Secret("k" * 20 + "0123456789abcdefghij"),))
    stack = [problems.battery(), cors.battery(settings, options), auth.battery(keys)]
    return create_app(ServiceSettings(), routes=[routes], batteries=stack)


@pytest_asyncio.fixture
async def url(serve: Serve) -> URL:
    return await serve(service(CorsSettings(origins=(FRIEND, "https://*.family.example"))))


async def ask(
    client: aiohttp.ClientSession, url: URL, method: str = "GET", origin: str | None = FRIEND, **options: Any
) -> aiohttp.ClientResponse:
    headers = {**options.pop("headers", {}), **({} if origin is None else {"Origin": origin})}
    async with client.request(method, url, headers=headers, **options) as answer:
        await answer.read()
        return answer


async def preflight(
    client: aiohttp.ClientSession, url: URL, method: str, origin: str = FRIEND, asked: str = ""
) -> aiohttp.ClientResponse:
    headers = {"Access-Control-Request-Method": method}
    if asked:
        headers["Access-Control-Request-Headers"] = asked
    return await ask(client, url, "OPTIONS", origin, headers=headers)


def granted(answer: aiohttp.ClientResponse) -> str | None:
    return answer.headers.get("Access-Control-Allow-Origin")


def cors_headers(answer: aiohttp.ClientResponse) -> set[str]:
    return {name for name in answer.headers if name.startswith("Access-Control-")}


EVERY_KIND = [
    pytest.param("GET", "/things", None, 200, id="success"),
    pytest.param("GET", "/stream", None, 200, id="stream"),
    pytest.param("POST", "/things", b"{", 400, id="malformed body"),
    pytest.param("GET", "/nowhere", None, 404, id="no such path"),
    pytest.param("DELETE", "/things", None, 405, id="no such method"),
    pytest.param("PATCH", "/view", None, 405, id="no such method of a view"),
    pytest.param("POST", "/things", b"[]", 422, id="invalid body"),
    pytest.param("PUT", "/things/1", None, 401, id="unknown caller"),
    pytest.param("GET", "/things/one", None, 422, id="invalid path"),
    pytest.param("GET", "/crash", None, 500, id="bug"),
    pytest.param("GET", "/view", None, 200, id="view"),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), EVERY_KIND)
@pytest.mark.parametrize("origin", [FRIEND, "https://cousin.family.example"])
async def test_a_known_origin_may_read_every_kind_of_answer(
    client: aiohttp.ClientSession,
    url: URL,
    origin: str,
    method: str,
    path: str,
    body: bytes | None,
    status: int,
) -> None:
    headers = {"Content-Type": "application/json"} if body else {}

    answer = await ask(client, url.join(URL(path)), method, origin, data=body, headers=headers)

    assert answer.status == status
    assert granted(answer) == origin
    assert "Origin" in answer.headers["Vary"].split(", ")
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(("method", "path", "body", "status"), EVERY_KIND)
@pytest.mark.parametrize(
    "origin",
    [STRANGER, "null", None, "https://evil.test?.family.example", "https://a.family.example.evil.test"],
)
async def test_a_stranger_gets_no_leave_and_every_answer_says_that_it_varies(
    client: aiohttp.ClientSession,
    url: URL,
    origin: str | None,
    method: str,
    path: str,
    body: bytes | None,
    status: int,
) -> None:
    headers = {"Content-Type": "application/json"} if body else {}

    answer = await ask(client, url.join(URL(path)), method, origin, data=body, headers=headers)

    assert answer.status == status
    assert cors_headers(answer) == set()
    assert "Origin" in answer.headers["Vary"].split(", ")


async def test_what_an_answer_varied_by_before_stays(client: aiohttp.ClientSession, url: URL) -> None:
    answer = await ask(client, url / "things")

    assert answer.headers["Vary"] == "Accept-Language, Origin"


async def test_an_answer_that_brings_its_own_headers_keeps_them(
    client: aiohttp.ClientSession, url: URL
) -> None:
    answer = await ask(client, url / "fetched")

    assert answer.status == 200
    assert answer.headers.getall("Access-Control-Allow-Origin") == ["https://elsewhere.example"]


async def test_without_origins_no_header_is_sent(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve(
        create_app(ServiceSettings(), routes=[plain()], batteries=[cors.battery(CorsSettings())])
    )

    answer = await ask(client, url)

    assert answer.status == 200
    assert cors_headers(answer) == set()
    assert "Vary" not in answer.headers


async def test_without_origins_a_preflight_is_a_request_like_others(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    stack = [problems.battery(), cors.battery(CorsSettings())]
    url = await serve(create_app(ServiceSettings(), routes=[plain()], batteries=stack))

    answer = await preflight(client, url, "GET")

    assert answer.status == 405


def plain() -> RouteTableDef:
    table = RouteTableDef()

    @table.get("/")
    async def hello() -> str:
        return "hello"

    return table


@pytest.mark.parametrize(
    ("path", "method", "methods"),
    [
        ("/things", "POST", {"GET", "HEAD", "POST"}),
        ("/things/1", "PUT", {"GET", "HEAD", "PUT"}),
        ("/view", "DELETE", {"GET", "DELETE"}),
        ("/anything", "PROPFIND", {"PROPFIND"}),
        ("/described", "OPTIONS", {"OPTIONS"}),
        ("/stream", "DELETE", {"GET", "HEAD"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_preflight_is_answered_with_the_path_s_methods_before_anybody_asks_who_calls(
    client: aiohttp.ClientSession, url: URL, path: str, method: str, methods: set[str]
) -> None:
    answer = await preflight(client, url.join(URL(path)), method)

    assert answer.status == 204
    assert granted(answer) == FRIEND
    assert set(answer.headers["Access-Control-Allow-Methods"].split(", ")) == methods
    assert answer.headers["Access-Control-Max-Age"] == "600"
    assert "authorization" in answer.headers["Access-Control-Allow-Headers"].lower()
    assert answer.headers["Vary"].startswith("Origin, ")


@pytest.mark.parametrize("origin", [STRANGER, "null", "https://a.cousin.family.example"])
async def test_preflight_from_an_unknown_origin_is_refused(
    client: aiohttp.ClientSession, url: URL, origin: str
) -> None:
    answer = await preflight(client, url / "things", "POST", origin)

    assert (answer.status, answer.content_type) == (403, "application/problem+json")
    assert cors_headers(answer) == set()


async def test_preflight_for_a_path_that_is_not_there_is_not_found(
    client: aiohttp.ClientSession, url: URL
) -> None:
    answer = await preflight(client, url / "nowhere", "GET")

    assert answer.status == 404


@pytest.mark.parametrize("missing", ["Origin", "Access-Control-Request-Method"])
async def test_options_that_are_no_preflight_reach_their_handler(
    client: aiohttp.ClientSession, url: URL, missing: str
) -> None:
    headers = {"Origin": FRIEND, "Access-Control-Request-Method": "GET"}
    del headers[missing]

    answer = await ask(client, url / "described", "OPTIONS", None, headers=headers)

    assert answer.status == 200
    assert answer.headers["Allow"] == "OPTIONS"


@pytest.mark.parametrize("method", ["GE T", "GET, PUT", "\xff"])
async def test_a_preflight_for_what_is_no_method_is_none(
    client: aiohttp.ClientSession, url: URL, method: str
) -> None:
    answer = await preflight(client, url / "things", method)

    assert answer.status == 405
    assert "Access-Control-Allow-Methods" not in answer.headers


async def test_credentials_go_only_where_the_service_says_so(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(service(CorsSettings(origins=(FRIEND,), allow_credentials=True)))

    answers = [await ask(client, url / "things"), await preflight(client, url / "things", "GET")]
    refused = await ask(client, url / "things", origin=STRANGER)

    assert [answer.headers["Access-Control-Allow-Credentials"] for answer in answers] == ["true", "true"]
    assert cors_headers(refused) == set()


async def test_anybody_may_read_what_is_open_to_anybody_and_no_origin_is_repeated(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(service(CorsSettings(origins=("*",))))

    answers = [
        await ask(client, url / "things", origin=STRANGER),
        await preflight(client, url / "things", "GET"),
    ]
    pretended = await ask(client, url / "things", origin="null")

    assert [granted(answer) for answer in answers] == ["*", "*"]
    assert granted(pretended) is None


async def test_each_origin_may_have_options_of_its_own(serve: Serve, client: aiohttp.ClientSession) -> None:
    reader = ResourceOptions(
        allow_methods=["GET"], allow_headers=["X-One"], expose_headers=["X-Own"], max_age=5
    )
    url = await serve(service(CorsSettings(origins=(FRIEND,)), {"https://reader.example": reader}))

    answer = await ask(client, url / "things", origin="https://reader.example")
    asked = await preflight(client, url / "things", "POST", "https://reader.example")

    assert answer.headers["Access-Control-Expose-Headers"] == "X-Own"
    assert asked.headers["Access-Control-Allow-Methods"] == "GET"
    assert asked.headers["Access-Control-Allow-Headers"] == "X-ONE"
    assert asked.headers["Access-Control-Max-Age"] == "5"


async def test_any_header_may_be_sent_and_read_where_the_options_say_so(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    options = {FRIEND: ResourceOptions(allow_credentials=True, allow_headers="*", expose_headers="*")}
    url = await serve(service(CorsSettings(), options))

    answer = await ask(client, url / "things")
    asked = await preflight(client, url / "things", "POST", asked="authorization,x-new")

    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"etag", "x-own"} <= set(exposed)
    assert "content-type" not in exposed
    assert asked.headers["Access-Control-Allow-Headers"] == "authorization,x-new"


async def test_headers_that_are_none_are_not_repeated(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve(service(CorsSettings(), {FRIEND: ResourceOptions(allow_headers="*")}))

    asked = await preflight(client, url / "things", "POST", asked="x-new; <script>")

    assert "Access-Control-Allow-Headers" not in asked.headers


async def test_an_endpoint_has_relations_of_its_own(client: aiohttp.ClientSession, url: URL) -> None:
    friend = await ask(client, url / "partners")
    partner = await ask(client, url / "partners", origin=PARTNER)
    asked = await preflight(client, url / "partners", "GET", PARTNER)

    assert granted(friend) is None
    assert [granted(answer) for answer in (partner, asked)] == [PARTNER, PARTNER]
    assert partner.headers["Access-Control-Allow-Credentials"] == "true"


async def test_an_endpoint_may_let_nobody_in(client: aiohttp.ClientSession, url: URL) -> None:
    answer = await ask(client, url / "private")
    asked = await preflight(client, url / "private", "GET")

    assert granted(answer) is None
    assert asked.status == 403


async def test_routes_of_a_sub_application_are_served_alike(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    app, inner = service(CorsSettings(origins=(FRIEND,))), web.Application()

    @public
    async def hello(request: web.Request) -> web.Response:
        return web.Response(text="inner")

    inner.router.add_get("/hello", hello)
    app.add_subapp("/inner", inner)
    url = await serve(app)

    answers = [await ask(client, url / "inner/hello"), await ask(client, url / "inner/nowhere")]
    asked = await preflight(client, url / "inner/hello", "GET")

    assert [answer.status for answer in (*answers, asked)] == [200, 404, 204]
    assert {granted(answer) for answer in (*answers, asked)} == {FRIEND}


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"origins": ("*",), "allow_credentials": True}, "with credentials"),
        ({"origins": ("null",)}, "no origin"),
        ({"origins": ("https://example.com/",)}, "no origin"),
        ({"origins": ("https://*",)}, "no origin"),
        ({"origins": (FRIEND,), "allow_headers": ("X-Bad\r\n",)}, "no name of a header"),
        ({"origins": (FRIEND,), "max_age": timedelta(seconds=-1)}, "max_age"),
    ],
)
def test_settings_that_would_be_unsafe_are_refused(settings: dict[str, Any], word: str) -> None:
    with pytest.raises((ConfigurationError, ValueError), match=word):
        CorsSettings(**settings)


async def test_what_the_server_refuses_by_itself_has_the_same_headers(url: URL) -> None:
    reader, writer = await asyncio.open_connection(url.host, url.port)

    writer.write(f"GET /things HTTP/1.1\r\nHost: a:99999\r\nOrigin: {FRIEND}\r\n\r\n".encode())
    answer = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode()
    writer.close()
    await writer.wait_closed()

    assert answer.startswith("HTTP/1.1 400")
    assert f"Access-Control-Allow-Origin: {FRIEND}\r\n" in answer
    assert "Vary: Origin\r\n" in answer
