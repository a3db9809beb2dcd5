"""Nobody is sent to another host because the request has named it."""

from __future__ import annotations

from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from framework import create_app, public, redirect
from framework.routing import RouteTableDef
from framework.testing import Serve

#: What browsers take for another origin, as it comes out of a query.
FOREIGN = [
    *("//evil.example", "///evil.example", "////evil.example", "//evil.example/x", "//evil.example:8443/"),
    *("/\\evil.example", "\\\\evil.example", "\\/evil.example", "/\\/evil.example", "//evil.example\\@x"),
    *("http://evil.example", "https://evil.example/", "HTTPS://EVIL.EXAMPLE/", "hTTp://evil.example"),
    *("http:evil.example", "https:/evil.example", "https:///evil.example", "https:\\\\evil.example"),
    *("//own@evil.example", "https://127.0.0.1@evil.example", "https://127.0.0.1:80@evil.example/"),
    *(
        "https://127.0.0.1\\@evil.example",
        "https://evil.example#@127.0.0.1",
        "https://evil.example?127.0.0.1",
    ),
    *("/\t/evil.example", "/\n/evil.example", "/\r\n/evil.example", "ht\ttps://evil.example"),
    *(" https://evil.example", "\x01https://evil.example", "\t//evil.example", "https://evil.example."),
    *("https://evil。example", "https://evil.example", "https://böse.example", "https://xn--bse-sna.example"),
    *("https://[2001:db8::1]/", "//0x7f000002/", "https://3232235521/", "//evil%2eexample"),
    *("javascript:alert(1)", "data:text/html,evil", "ftp://evil.example/", "x-evil://go"),
]
SAME = [
    "/posts",
    "/posts?next=//evil.example",
    "posts",
    "?page=2",
    "#top",
    "/a//b",
    "/@evil.example",
    "",
    "/ü",
]
MAKERS = ["raised", "returned", "header"]


routes = RouteTableDef()


def sent(request: web.Request, target: str) -> web.StreamResponse:
    match request.query.get("by", "raised"):
        case "raised":
            raise web.HTTPFound(target)
        case "returned":
            return web.HTTPSeeOther(target)
        case "redirect":
            return redirect(target)
        case "external":
            return redirect(target, allow_external=True)
    return web.Response(status=307, headers={"Location": target})


@routes.get("/query")
@public
async def query(request: web.Request) -> web.StreamResponse:
    return sent(request, request.query["to"])


@routes.get("/path/{to:.*}")
@public
async def path(request: web.Request) -> web.StreamResponse:
    return sent(request, request.match_info["to"])


@routes.get("/header")
@public
async def header(request: web.Request) -> web.StreamResponse:
    return sent(request, request.headers.get("X-Next") or request.headers["Referer"])


@routes.post("/form")
@public
async def form(request: web.Request) -> web.StreamResponse:
    return sent(request, str((await request.post())["to"]))


@routes.post("/json")
@public
async def json(request: web.Request) -> web.StreamResponse:
    return sent(request, (await request.json())["to"])


@routes.get("/prefixed")
@public
async def prefixed(request: web.Request) -> web.StreamResponse:
    return sent(request, "https://" + request.query["to"])


@routes.get("/constant")
@public
async def constant(request: web.Request) -> web.StreamResponse:
    return sent(request, "https://idp.example/authorize?client=1")


@pytest.fixture
async def url(serve: Serve) -> URL:
    return await serve(create_app(routes=[routes]))


@pytest.mark.parametrize("by", MAKERS)
@pytest.mark.parametrize("target", FOREIGN)
async def test_a_foreign_host_of_the_query_is_refused(
    target: str, by: str, url: URL, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    asked = URL(f"{url.origin()}/query?by={by}&to={quote(target, safe='')}", encoded=True)
    async with client.get(asked, allow_redirects=False) as answer:
        location = answer.headers.get("Location", "")

    # aiohttp itself has made a path on this host of some.
    is_harmless = location[:3] == "%5C" or (location[:1] == "/" and location[1:2] not in {"/", "\\"})
    assert answer.status == 400 or is_harmless
    assert "unhandled_error" not in caplog.messages


@pytest.mark.parametrize("by", [*MAKERS, "redirect"])
@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("GET", "path/https://evil.example/x", {}),
        ("GET", "path///evil.example/x", {}),
        ("GET", "prefixed?to=evil.example", {}),
        ("GET", "header", {"headers": {"X-Next": "https://evil.example/"}}),
        ("GET", "header", {"headers": {"Referer": "https://evil.example/a"}}),
        pytest.param(
            "POST",
            "form",
            {"data": {"to": "//evil.example"}},
            marks=pytest.mark.guarantee("bounded forms"),
        ),
        pytest.param(
            "POST",
            "json",
            {"data": b'{"to": "https:\\/\\/\\u0065vil.example"}'},
            marks=pytest.mark.guarantee("bounded forms"),
        ),
    ],
)
async def test_so_is_one_of_any_other_input(
    method: str, path: str, sent: dict[str, object], by: str, url: URL, client: aiohttp.ClientSession
) -> None:
    asked = URL(f"{url.origin()}/{path}{'&' if '?' in path else '?'}by={by}", encoded=True)
    async with client.request(method, asked, allow_redirects=False, **sent) as answer:  # type: ignore[arg-type]
        problem = await answer.json()

    assert (answer.status, problem["status"]) == (400, 400)
    assert "another site" in problem["detail"]


@pytest.mark.parametrize("by", MAKERS)
@pytest.mark.parametrize("target", SAME)
async def test_a_place_on_this_host_passes(
    target: str, by: str, url: URL, client: aiohttp.ClientSession
) -> None:
    async with client.get(
        (url / "query").with_query(by=by, to=target or "/"), allow_redirects=False
    ) as answer:
        assert answer.status in {302, 303, 307}


@pytest.mark.parametrize("by", MAKERS)
async def test_a_whole_url_of_this_host_passes(by: str, url: URL, client: aiohttp.ClientSession) -> None:
    async with client.get(
        (url / "query").with_query(by=by, to=str(url / "posts")), allow_redirects=False
    ) as answer:
        assert answer.status in {302, 303, 307}


@pytest.mark.parametrize("by", MAKERS)
async def test_a_constant_passes_wherever_the_request_comes_from(
    by: str, url: URL, client: aiohttp.ClientSession
) -> None:
    told = {
        "Referer": "https://idp.example/",
        "X-Forwarded-Host": "idp.example",
        "User-Agent": "+https://idp.example/bot",
    }
    async with client.get(
        (url / "constant").with_query(by=by), headers=told, allow_redirects=False
    ) as answer:
        assert answer.headers["Location"] == "https://idp.example/authorize?client=1"


async def test_a_handler_may_allow_it(url: URL, client: aiohttp.ClientSession) -> None:
    asked = (url / "query").with_query(by="external", to="https://evil.example/")
    async with client.get(asked, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "https://evil.example/")


async def test_a_whole_url_leads_to_its_own_service_alone(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    routes = RouteTableDef()

    @routes.get("/own")
    @public
    async def own(request: web.Request) -> web.Response:
        return redirect(request.url.with_path("/there"))

    @routes.get("/other")
    @public
    async def other(request: web.Request) -> web.Response:
        return redirect(request.url.with_port(9).with_path("/there"))

    @routes.get("/asked")
    @public
    async def asked(to: str) -> web.Response:
        return redirect(URL(to))

    url = await serve(create_app(routes=[routes]))
    found = {}
    asking = [
        (url / "asked").with_query(to=str(to))
        for to in ("https://evil.example/x", "//evil.example", url / "x")
    ]
    for each in (url / "own", url / "other", *asking):
        async with client.get(each, allow_redirects=False) as answer:
            found[each.name, answer.status] = answer.headers.get("Location")

    assert found == {
        ("own", 303): str(url / "there"),
        ("other", 500): None,
        ("asked", 400): None,
        ("asked", 303): str(url / "x"),
    }
