"""How the example looks and whom it shuts out: each page under axe, wide and light as well as narrow and dark."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from typing import Literal

import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect

from tests.app_example.test_browser import browser, register, url
from tests.looking import look

__all__ = ["browser", "url"]

SIGHTS: list[tuple[str, ViewportSize, Literal["light", "dark"]]] = [
    ("wide", {"width": 1100, "height": 760}, "light"),
    ("phone", {"width": 390, "height": 780}, "dark"),
]
POSTS = [
    (
        "Bicycle for sale",
        "Three gears, a basket, new tyres. Come and ride it, any evening after six.",
    ),
    (
        "Choir looks for altos",
        "We sing on Tuesdays in the old school, from Bach to the Beatles. No audition.",
    ),
    (
        "Lost: a black cat",
        "She has a white paw and answers to Pixel. Last seen near the bridge.\nPlease call.",
    ),
]


def png(width: int, height: int) -> bytes:
    """Return a picture: a sky above a meadow."""
    rows = b"".join(
        b"\0"
        + (bytes((150 + y // 2, 190 + y // 3, 235)) if y < height * 0.6 else bytes((96, 150, 84))) * width
        for y in range(height)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.fixture(params=SIGHTS, ids=lambda sight: sight[0])
async def sight(request: pytest.FixtureRequest, browser: Browser) -> AsyncIterator[tuple[str, Page]]:
    """Open a window of one size and colour."""
    name, size, scheme = request.param
    context = await browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")
    yield name, await context.new_page()
    await context.close()


async def write(page: Page, url: str, title: str, text: str) -> None:
    await page.goto(f"{url}/posts/new")
    await page.get_by_label("Title").fill(title)
    await page.get_by_label("Text").fill(text)
    await page.get_by_role("button", name="Put it on the board").click()


async def test_no_page_shuts_anybody_out(sight: tuple[str, Page], url: str) -> None:
    (name, page), seen = sight, list[str]()
    for path in ("", "register", "login", "about", "nowhere", "rooms/lobby"):
        await page.goto(f"{url}/{path}")
        await look(page, f"{name}-{path.replace('/', '-') or 'empty'}", seen)
    await register(page, url, "Ada")
    for title, text in POSTS:
        await write(page, url, title, text)
    await page.get_by_label("Attach a file").set_input_files(
        {"name": "bridge.png", "mimeType": "image/png", "buffer": png(640, 240)}
    )
    await page.get_by_role("button", name="Attach", exact=True).click()
    await expect(page.get_by_role("img", name="bridge.png")).to_be_visible()
    await look(page, f"{name}-post", seen)
    await page.get_by_role("link", name="Edit").click()
    await look(page, f"{name}-edit", seen)
    await page.goto(f"{url}/")
    await look(page, f"{name}-board", seen)
    await page.get_by_label("Search").fill("choir")
    await page.get_by_role("button", name="Search").click()
    await expect(page.get_by_role("article")).to_have_count(1)
    await look(page, f"{name}-search", seen)

    assert seen == []


async def test_a_summary_of_what_is_wrong_has_the_focus_and_leads_to_the_fields(
    sight: tuple[str, Page], url: str
) -> None:
    (name, page), seen = sight, list[str]()
    await page.goto(f"{url}/register")
    await page.evaluate("document.querySelector('main form').noValidate = true")
    await page.get_by_label("E-mail address").fill("nowhere")
    await page.get_by_role("button", name="Register").click()

    await expect(page.get_by_role("alert")).to_be_focused()
    await look(page, f"{name}-errors", seen)
    await page.get_by_role("alert").get_by_role("link", name="Email").click()
    await expect(page.get_by_label("E-mail address")).to_be_focused()

    assert seen == []
