"""The example in a real browser, as two people use it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright, expect
from yarl import URL

from app_example import build
from app_example.main import MIGRATIONS
from app_example.settings import AppSettings, FileSettings
from framework.batteries.auth import AuthSettings, PasswordSettings
from framework.batteries.database import DatabaseSettings
from framework.batteries.database.migrations import migrate
from framework.settings import Secret
from framework.testing import Serve

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PASSWORD = "correct horse"


@pytest.fixture
async def browser(chromium_path: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def url(serve: Serve, tmp_path: Path) -> str:
    """Serve the example; return its address."""
    database = DatabaseSettings(url=Secret(f"sqlite:///{tmp_path}/app.sqlite3"))
    await migrate(database, MIGRATIONS)
    settings = AppSettings(
        auth=AuthSettings(
            sign_in_path="/login", passwords=PasswordSettings(memory_kib=64, passes=1, lanes=1)
        ),
        database=database,
        files=FileSettings(folder=tmp_path / "files"),
    )
    return str(await serve(build(settings))).rstrip("/")


async def open_page(browser: Browser, complaints: list[str]) -> Page:
    """Open a window of its own, as another person has; note what its console complains of."""
    page = await (await browser.new_context()).new_page()
    page.set_default_timeout(20_000)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    return page


async def register(page: Page, url: str, name: str) -> None:
    await page.goto(f"{url}/register")
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("E-mail address").fill(f"{name.lower()}@example.org")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Register").click()
    await expect(page.get_by_text(f"Welcome, {name}.")).to_be_visible()


async def test_two_people_register_write_upload_chat_and_sign_out(
    browser: Browser, url: str, tmp_path: Path
) -> None:
    complaints: list[str] = []
    ada, bob = await open_page(browser, complaints), await open_page(browser, complaints)
    note = tmp_path / "größe.txt"
    note.write_text("a note")

    await register(ada, url, "Ada")
    await register(bob, url, "Bob")
    await ada.get_by_role("link", name="Write").click()
    await ada.get_by_label("Title").fill("Lost: a cat")
    await ada.get_by_label("Text").fill("Black, with a white paw.")
    await ada.get_by_role("button", name="Put it on the board").click()
    await ada.get_by_label("Attach a file").set_input_files(note)
    await ada.get_by_role("button", name="Attach", exact=True).click()
    await expect(ada.get_by_role("link", name="größe.txt")).to_be_visible()

    await bob.goto(url)
    await bob.get_by_role("link", name="Lost: a cat").click()
    async with bob.expect_download() as download:
        await bob.get_by_role("link", name="größe.txt").click()
    assert (await download.value).suggested_filename == "größe.txt"
    await expect(bob.get_by_role("button", name="Delete this post")).to_have_count(0)

    await ada.goto(f"{url}/rooms/lobby")
    await bob.goto(f"{url}/rooms/lobby")
    await expect(ada.get_by_text("Bob has joined.")).to_be_visible()
    await bob.get_by_label("Say something").fill("I have seen it!")
    await bob.get_by_role("button", name="Send").click()
    await expect(ada.get_by_text("Bob: I have seen it!")).to_be_visible()
    await bob.goto(url)
    await expect(ada.get_by_text("Bob has left.")).to_be_visible()

    await ada.get_by_role("button", name="Sign out").click()
    await ada.goto(f"{url}/posts/new")
    assert URL(ada.url).path == "/login"
    assert [text for text in complaints if "favicon" not in text and "404" not in text] == []


async def test_a_wrong_form_shows_its_errors_beside_the_fields(browser: Browser, url: str) -> None:
    page = await open_page(browser, [])
    await page.goto(f"{url}/register")
    await page.locator("main form").evaluate("form => form.noValidate = true")

    await page.get_by_label("E-mail address").fill("nowhere")
    await page.get_by_role("button", name="Register").click()

    await expect(page.locator("#error-name")).to_be_visible()
    assert "Not a valid email address" in await page.locator("#error-email").inner_text()


@pytest.fixture
async def other_site(serve: Serve, url: str) -> str:
    """Serve a page of another site, whose form posts to ours; 'localhost' is another site than '127.0.0.1'."""
    form = f"""<!doctype html><form method="post" action="{url}/posts/new">
    <input name="title" value="Forged"><input name="text" value="Forged"><button>Win</button></form>"""

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=form, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    return str((await serve(app)).with_host("localhost"))


async def test_a_form_of_another_site_is_refused(browser: Browser, url: str, other_site: str) -> None:
    page = await open_page(browser, [])
    await register(page, url, "Ada")

    await page.goto(other_site)
    async with page.expect_navigation() as navigation:
        await page.get_by_role("button", name="Win").click()
    response = await navigation.value
    await page.goto(url)

    assert response is not None
    assert response.status == 403
    await expect(page.get_by_text("Nothing is here yet.")).to_be_visible()


async def test_the_board_is_presentable(browser: Browser, url: str) -> None:
    page = await open_page(browser, [])
    await page.goto(url)

    font = await page.evaluate("getComputedStyle(document.body).fontFamily")
    width = await page.evaluate("document.querySelector('main').getBoundingClientRect().width")

    assert "system-ui" in font
    assert width < 1_000
