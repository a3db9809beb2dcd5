"""A look at a page in a browser: whom it shuts out, and whether it fits its window.

With ``PICTURES=folder`` pictures are left there, as `make pictures` does for the README.
"""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path
from typing import Any

from playwright.async_api import Page

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")


async def findings(page: Page) -> list[str]:
    """Return what axe finds wrong with a page."""
    await page.evaluate(AXE)
    found: dict[str, Any] = await page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{page.url}: {each['id']}: {each['nodes'][0]['html']} {each['nodes'][0]['failureSummary']}"
        for each in found["violations"]
    ]


async def look(page: Page, name: str, seen: list[str]) -> None:
    """Note axe's findings, and that nothing is wider than the window; keep a picture where one is wanted."""
    seen += await findings(page)
    if await page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        seen.append(f"{page.url} is wider than the window")
    if "PICTURES" in os.environ:
        await page.screenshot(path=Path(os.environ["PICTURES"]) / f"{name}.png")
