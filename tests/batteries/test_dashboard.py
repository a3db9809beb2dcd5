"""The dashboard shows what a service does just now, to those who operate it."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from playwright.async_api import async_playwright

from framework import RouteTableDef, ServiceSettings, create_app, public
from framework.batteries.client import ClientSettings, HttpClient
from framework.batteries.management import ManagementSettings
from framework.secrets import Secret
from framework.server import ServerSettings
from framework.server import serve as serving
from framework.testing import Serve
from tests.looking import look
from tests.ports import free_port

TOKEN = "a-token-for-operators"
SCREEN = {"width": 1200, "height": 1100}
PHONE = {"width": 390, "height": 840}


def shop(upstream: str, management: ManagementSettings) -> web.Application:
    routes = RouteTableDef()
    log = logging.getLogger("shop")

    @routes.get("/items/{number}")
    @public
    async def item(number: int) -> int:
        return number

    @routes.get("/prices")
    @public
    async def prices(http: HttpClient) -> Any:
        log.warning("asking for prices")
        return await http.get_json(upstream)

    settings = ServiceSettings(
        name="shop", management=management, client=ClientSettings(allow=("127.0.0.1",))
    )
    return create_app(settings, routes=[routes])


async def snapshot(client: aiohttp.ClientSession, port: int) -> Any:
    async with client.get(f"http://127.0.0.1:{port}/dashboard/live") as response:
        assert response.content_type == "text/event-stream"
        line = await response.content.readline()
    return json.loads(line.removeprefix(b"data: "))


async def test_it_is_told_of_requests_their_log_lines_and_a_failing_upstream(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    port, nowhere = free_port(), f"http://127.0.0.1:{free_port()}"
    url = await serve(shop(nowhere, ManagementSettings(port=port)))

    statuses = []
    for path in ("items/1", "items/x", "prices"):
        async with client.get(url / path) as response:
            statuses.append(response.status)
    await asyncio.sleep(1.1)  # the second that is not over is left out
    told = await snapshot(client, port)

    assert statuses == [200, 422, 502]
    counted: dict[str, int] = {}
    for second in told["seconds"]:
        for group, count in second["statuses"].items():
            counted[group] = counted.get(group, 0) + count
    assert counted == {"2xx": 1, "4xx": 1, "5xx": 1}
    assert len(told["seconds"]) == 119
    assert told["routes"]["1"]["/prices"]["errors"] == 1
    assert told["load"]["1"]["service"] == "shop"
    upstream = told["upstreams"]["1"][nowhere]
    assert (upstream["calls"], upstream["failures"], upstream["last_failure"]) == (1, 1, "unreachable")
    last = told["exchanges"][0]
    assert (last["path"], last["status"]) == ("/prices", 502)
    assert last["lines"][0] == "warning shop: asking for prices"


async def test_percentiles_are_never_lower_than_the_truth(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    port = free_port()
    routes = RouteTableDef()

    @routes.get("/")
    @public
    async def slow() -> None:
        await asyncio.sleep(0.1)

    url = await serve(create_app(ServiceSettings(management=ManagementSettings(port=port)), routes=[routes]))

    async with client.get(url):
        pass
    await asyncio.sleep(1.1)
    seconds = (await snapshot(client, port))["seconds"]

    (found,) = [each for each in seconds if each["statuses"]]
    assert found["p50_ms"] == found["p99_ms"]
    assert 100 <= found["p50_ms"] < 1000


async def test_its_page_holds_no_data_and_its_data_want_the_token(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    management = ManagementSettings(port=free_port(), token=Secret(TOKEN))
    await serve(shop("http://127.0.0.1:9", management))
    base = f"http://127.0.0.1:{management.port}/dashboard"

    found = {}
    for path in ("", "/", "/style.css", "/live.js", "/live", "/other"):
        async with client.get(f"{base}{path}") as response:
            found[path] = response.status

    assert found == {
        "": 200,
        "/": 200,
        "/style.css": 200,
        "/live.js": 200,
        "/live": 401,
        "/other": 404,
    }


@pytest.mark.process
async def test_a_browser_shows_a_failing_upstream_within_five_seconds(
    serve: Serve, client: aiohttp.ClientSession, chromium_path: str
) -> None:
    management = ManagementSettings(port=free_port(), token=Secret(TOKEN))
    nowhere = f"http://127.0.0.1:{free_port()}"
    url = await serve(shop(nowhere, management))
    base = f"http://127.0.0.1:{management.port}"
    for path in [*["items/1"] * 9, "items/x", "prices"] * 40:
        async with client.get(url / path) as response:
            await response.read()
    asked: list[str] = []
    complaints: list[str] = []
    seen: list[str] = []

    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
        page = await browser.new_page(viewport=SCREEN)  # type: ignore[arg-type]
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(f"{base}/dashboard")
        await page.get_by_label("Token").fill(TOKEN)
        await page.get_by_role("button", name="Show").click()
        alarm = page.locator("#alarms p")
        await alarm.wait_for(timeout=5000)
        said = await alarm.inner_text()
        await page.get_by_role("button", name="settings").click()
        await page.get_by_text("MANAGEMENT_PORT").wait_for()
        lines = await page.locator("#exchanges pre").first.inner_text()
        title = await page.title()
        await page.evaluate("window.scrollTo(0, 0)")
        await look(page, "dashboard", seen)
        await page.emulate_media(color_scheme="dark")
        await page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        await look(page, "dashboard-on-a-phone", seen)
        await browser.close()

    assert said.startswith(f"{nowhere} fails: unreachable")
    assert "asking for prices" in lines
    assert title == "⚠ shop – dashboard"
    assert {each for each in asked if not each.startswith((base, "data:"))} == set()
    assert complaints == seen == []


async def test_a_stop_ends_it_at_once(client: aiohttp.ClientSession) -> None:
    port = free_port()
    loop = asyncio.get_running_loop()
    app = shop("http://127.0.0.1:9", ManagementSettings(port=port))

    async with serving(app, ServerSettings(host="127.0.0.1", port=free_port(), drain_seconds=0)):
        response = await client.get(f"http://127.0.0.1:{port}/dashboard/live")
        await response.content.readline()
        began = loop.time()
    response.close()

    assert loop.time() - began < 5
