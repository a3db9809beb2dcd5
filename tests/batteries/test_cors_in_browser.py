"""CORS as a browser keeps to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright
from yarl import URL

from framework.app import ServiceSettings, create_app
from framework.batteries import cors, csrf, problems, security, sessions
from framework.batteries.cors import CorsSettings
from framework.batteries.csrf import CsrfSettings
from framework.batteries.sessions import SessionSettings
from framework.errors import Conflict
from framework.routing import RouteTableDef
from framework.secrets import Secret
from framework.testing import Serve

routes = RouteTableDef()


@routes.get("/read")
async def read() -> web.Response:
    return web.json_response("read", headers={"X-Secret": "hidden", "ETag": '"1"'})


@routes.put("/write")
async def write() -> str:
    return "written"


@routes.post("/post")
async def post() -> str:
    return "posted"


@routes.get("/conflict")
async def conflict() -> None:
    raise Conflict("taken")


@routes.get("/crash")
async def crash() -> None:
    raise RuntimeError("a bug")


@routes.get("/nobody")
@cors.origins({})
async def nobody() -> str:
    return "nobody's"


FETCH = """async ([address, options]) => {
    try {
        const answer = await fetch(address, options);
        return answer.status;
    } catch (error) {
        return "blocked";
    }
}"""
READ = """async (address) => {
    const answer = await fetch(address);
    return [await answer.text(), answer.headers.get("ETag"), answer.headers.get("X-Secret")];
}"""


@pytest_asyncio.fixture
async def page(chromium_path: str) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser: Browser = await playwright.chromium.launch(
            executable_path=chromium_path, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page()
        page.set_default_timeout(20_000)
        yield page
        await browser.close()


@pytest_asyncio.fixture
async def site(serve: Serve) -> URL:
    """Serve an empty page under a name that is another site than the service's."""

    async def empty(request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", empty)
    return (await serve(app)).with_host("localhost")


def service(origin: str, **settings: Any) -> web.Application:
    stack = [
        problems.battery(),
        security.battery(),
        cors.battery(CorsSettings(origins=(origin,), **settings)),
        sessions.battery(SessionSettings(keys=(Secret("k" * 40),), secure=False)),
        csrf.battery(CsrfSettings(trusted_origins=(origin,))),
    ]
    return create_app(ServiceSettings(), routes=[routes], batteries=stack)


FLOWS: dict[str, tuple[str, dict[str, Any], int | str]] = {
    "a simple request": ("read", {}, 200),
    "an error": ("conflict", {}, 409),
    "a bug": ("crash", {}, 500),
    "a path that is not there": ("nowhere", {}, 404),
    "a method that is not there": ("write", {"method": "POST"}, 405),
    "a method with a preflight": (
        "write",
        {"method": "PUT", "headers": {"Authorization": "Bearer abc"}},
        200,
    ),
    "a header with a preflight": ("read", {"headers": {"X-Request-ID": "abc"}}, 200),
    "a request from a trusted page": ("post", {"method": "POST"}, 200),
    "a header that is not allowed": ("read", {"headers": {"X-Unknown": "abc"}}, "blocked"),
    "a method that the preflight does not name": ("write", {"method": "DELETE"}, "blocked"),
    "credentials": ("read", {"credentials": "include"}, "blocked"),
    "an endpoint that lets nobody in": ("nobody", {}, "blocked"),
}


async def flows(page: Page, url: URL) -> dict[str, int | str]:
    return {
        name: await page.evaluate(FETCH, [str(url / path), options])
        for name, (path, options, _) in FLOWS.items()
    }


async def test_scripts_of_a_known_origin_read_what_they_may_and_no_more(
    serve: Serve, page: Page, site: URL
) -> None:
    url = await serve(service(str(site.origin())))
    await page.goto(str(site))

    results = await flows(page, url)
    told = await page.evaluate(READ, str(url / "read"))

    assert results == {name: expected for name, (_, _, expected) in FLOWS.items()}
    assert told == ['"read"', '"1"', None]


async def test_scripts_of_a_stranger_read_nothing(serve: Serve, page: Page, site: URL) -> None:
    url = await serve(service("https://friend.example"))
    await page.goto(str(site))

    results = await flows(page, url)

    assert set(results.values()) == {"blocked"}
