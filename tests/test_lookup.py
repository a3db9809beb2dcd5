"""What the short way finds is what aiohttp's router finds."""

from __future__ import annotations

import itertools
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import example, given
from hypothesis import strategies as st

from framework import RouteTableDef, ServiceSettings, create_app, public
from framework.adapters.aiohttp.routes import Lookup
from framework.testing import Serve

PATTERNS = (
    "/",
    "/a",
    "/a/",
    "/a/b",
    "/{x}",
    "/{x}/",
    "/{x}/b",
    "/{x}/b/{y}",
    "/a/{x}",
    "/a/{x}/c",
    "/a/{x}/{y}",
    "/a/{x}.json",
    r"/a/{x:\d+}",
    "/a/{tail:.*}",
    "/{tail:.*}",
    "/ä/{x}",
    "/a b/{x}/c",
    "/{x}/~b.c/d",
)
SEGMENTS = (
    "",
    "a",
    "b",
    "c",
    "d",
    "7",
    "x.json",
    "~b.c",
    "ä",
    "a b",
    "%2F",
    "a%2Fb",
    "%25",
    "%41",
    "b{",
    "..b",
)
METHODS = ("GET", "POST", "PUT")


async def handler(request: web.Request) -> web.Response:
    return web.Response()


routes = st.lists(st.tuples(st.sampled_from((*METHODS, "*")), st.sampled_from(PATTERNS)), max_size=12)
paths = st.lists(st.sampled_from(SEGMENTS), max_size=5).map(lambda segments: "/" + "/".join(segments))


def router_of(added: list[tuple[str, str]]) -> web.UrlDispatcher:
    router = web.Application().router
    for method, path in added:
        try:
            router.add_route(method, path, handler)
        except RuntimeError:  # the same once more
            continue
    return router


@example([("*", "/"), ("GET", "/{tail:.*}")], ["/"])
@example([("*", "/"), ("GET", "/")], ["/"])
@example([("*", "/"), ("GET", "/a"), ("GET", "/")], ["/", "/a"])
@example([("GET", "/"), ("*", "/")], ["/"])
@given(routes, st.lists(paths, min_size=1, max_size=8))
async def test_any_path_leads_where_the_router_leads(added: list[tuple[str, str]], asked: list[str]) -> None:
    router = router_of(added)
    lookup = Lookup(router)

    for path, method in itertools.product(asked, METHODS):
        request = make_mocked_request(method, path)
        theirs = await router.resolve(request)
        ours = lookup.find(method, request.rel_url.path_safe)
        if ours is not None:  # otherwise the router is asked
            assert (ours[0], dict(ours[1])) == (theirs.route, dict(theirs)), (path, method)


@pytest.mark.guarantee("short cuts")
def test_a_path_with_variables_is_found_among_many_with_few_tries() -> None:
    router = web.Application().router
    for number in range(500):
        router.add_get(f"/{{tenant}}/kind{number}/{{item}}", handler)
        router.add_get(f"/{{tenant}}/kind{number}/{{item}}/edit", handler)
    lookup = Lookup(router)
    bucket = lookup._buckets["/"]

    found = lookup.find("GET", "/t/kind499/i")
    assert found is not None
    assert found[1] == {"tenant": "t", "item": "i"}
    assert len(bucket.candidates(["", "t", "kind499", "i"])) == 1
    assert len(bucket.candidates(["", "t", "kind499", "i", "edit"])) == 1
    assert bucket.candidates(["", "t", "kind500", "i"]) == []


@pytest.mark.guarantee("short cuts")
def test_a_path_that_a_sub_application_was_given_first_is_left_to_the_router() -> None:
    app = web.Application()
    app.add_subapp("/a", web.Application())
    app.router.add_get("/a", handler)
    app.router.add_get("/b", handler)
    lookup = Lookup(app.router)

    assert lookup.find("GET", "/a") is None
    assert lookup.find("GET", "/b") is not None


async def test_static_files_are_left_to_the_router(
    tmp_path: Path, serve: Serve, client: aiohttp.ClientSession
) -> None:
    (tmp_path / "note.txt").write_text("a file")
    table = RouteTableDef()
    table.static("/files", tmp_path)

    @table.get("/{name}/{kind}")
    @public
    async def show(name: str, kind: str) -> dict[str, str]:
        return {"name": name, "kind": kind}

    url = await serve(create_app(ServiceSettings(), routes=[table]))
    async with client.get(f"{url}/files/note.txt") as response:
        assert await response.text() == "a file"
    async with client.get(f"{url}/a/b%2Fc?d=e") as response:
        assert await response.json() == {"name": "a", "kind": "b/c"}


async def test_an_application_for_a_host_comes_before_any_path(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    table = RouteTableDef()

    @table.get("/hello")
    @public
    async def hello() -> dict[str, str]:
        return {"from": "the service"}

    @public
    async def other(request: web.Request) -> web.Response:
        return web.Response(text="another host")

    app, inner = create_app(ServiceSettings(), routes=[table]), web.Application()
    inner.router.add_get("/hello", other)
    app.add_domain("other.example", inner)

    url = await serve(app)
    async with client.get(f"{url}/hello", headers={"Host": "other.example"}) as response:
        assert await response.text() == "another host"
    async with client.get(f"{url}/hello") as response:
        assert await response.json() == {"from": "the service"}
