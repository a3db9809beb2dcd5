"""The docs page comes wholly out of the process, and works in a browser."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import async_playwright

from framework.app import ServiceSettings, create_app
from framework.batteries import openapi, problems, security
from framework.batteries.openapi import OpenAPISettings
from framework.errors import ConfigurationError
from framework.marks import public
from framework.routing import RouteTableDef
from framework.secrets import Profile
from framework.testing import Serve

routes = RouteTableDef(tags=["greetings"])


@routes.get("/hello")
@public
async def hello(name: str = "you") -> dict[str, str]:
    """Greet somebody."""
    return {"hello": name}


@pytest.mark.parametrize(
    ("profile", "docs", "status"),
    [
        (Profile.development, None, 200),
        (Profile.development, False, 404),
        (Profile.production, None, 404),
        (Profile.production, True, 200),
    ],
)
async def test_the_page_is_on_in_development_and_off_in_production_unless_it_is_enabled(
    serve: Serve, client: aiohttp.ClientSession, profile: Profile, docs: bool | None, status: int
) -> None:
    battery = openapi.battery(OpenAPISettings(docs=docs), profile=profile)
    url = await serve(create_app(ServiceSettings(), routes=[routes], batteries=[problems.battery(), battery]))

    async with (
        client.get(url / "docs") as page,
        client.get(url / "docs/swagger-ui-bundle.js") as script,
    ):
        await script.read()

    assert (page.status, script.status) == (status, status)


@pytest.mark.process
async def test_a_browser_shows_and_tries_the_service_and_asks_no_other_host(
    serve: Serve, chromium_path: str, tmp_path: Path
) -> None:
    batteries = [
        problems.battery(),
        security.battery(),
        openapi.battery(OpenAPISettings(title="Greeter"), profile=Profile.development),
    ]
    url = await serve(create_app(ServiceSettings(), routes=[routes], batteries=batteries))
    asked: list[str] = []
    complaints: list[str] = []

    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
        page = await browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(str(url / "docs"))
        await page.get_by_text("Greet somebody").click()
        await page.get_by_role("button", name="Try it out").click()
        await page.get_by_role("button", name="Execute").click()
        await page.locator(".live-responses-table").get_by_text('"hello"').first.wait_for()
        await page.screenshot(path=tmp_path / "docs.png", full_page=True)
        title = await page.title()
        await browser.close()

    assert title == "Greeter"
    assert (tmp_path / "docs.png").stat().st_size > 10_000
    assert any(each.endswith("/hello") or "/hello?" in each for each in asked)
    assert {each for each in asked if not each.startswith((str(url), "data:", "blob:"))} == set()
    assert complaints == []


def test_a_path_of_the_page_begins_with_a_slash() -> None:
    with pytest.raises(ConfigurationError, match="must start with '/'"):
        OpenAPISettings(docs_path="docs")
