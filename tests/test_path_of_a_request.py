"""How many files of ours a request crosses: what a newcomer has to read to follow one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import aiohttp
import pytest
from aiohttp import web
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

import framework
from framework import RouteTableDef, ServiceSettings, create_app, requires, standard
from framework.batteries import database
from framework.batteries.auth import AuthSettings, Tokens
from framework.batteries.database import DatabaseSettings
from framework.principal import Principal
from framework.secrets import Secret
from framework.settings import load
from framework.testing import Serve
from tests.source import ROOT

pytestmark = pytest.mark.guarantee("short cuts")

OURS = Path(framework.__file__).parent
PAGE = ROOT / "docs/design/kernel.md"
MOST_FILES = 21
KEY = "correct-horse-battery-staple-0123456789"


@dataclass
class Order:
    name: str
    quantity: int


routes = RouteTableDef()


@routes.post("/orders", status=201)
@requires("orders:write")
async def create_order(body: Order, session: AsyncSession, principal: Principal) -> Order:
    await session.execute(text("SELECT 1"))
    return body


def service(folder: Path) -> web.Application:
    values = {
        "AUTH_KEYS": KEY,
        "SESSIONS_KEYS": KEY[::-1],
        "CORS_ORIGINS": "https://known.example",
        "LOGS_FORMAT": "json",
    }
    settings = load(ServiceSettings, values, env_file=None)
    orders = database.battery(DatabaseSettings(url=Secret(f"sqlite:///{folder / 'orders.db'}")))
    return create_app(settings, routes=routes, batteries=[*standard(settings), orders])


@contextmanager
def crossing(found: set[str]) -> Iterator[None]:
    """Note each file of ours in which anything runs."""

    def note(frame: FrameType, event: str, _: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(OURS):
            found.add(path.relative_to(OURS).as_posix())

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(before)


@pytest.fixture
async def crossed(serve: Serve, client: aiohttp.ClientSession, tmp_path: Path) -> set[str]:
    """Return the files that the second of two such requests crosses."""
    app = service(tmp_path)
    url = await serve(app) / "orders"
    token = Tokens(AuthSettings(keys=(Secret(KEY),))).issue("ada", ["orders:write"]).access_token
    headers = {"Authorization": f"Bearer {token}"}
    found: set[str] = set()

    first = await client.post(url, json={"name": "tea", "quantity": 2}, headers=headers)
    with crossing(found):
        second = await client.post(url, json={"name": "tea", "quantity": 2}, headers=headers)
        body = await second.json()

    assert (first.status, second.status, body) == (201, 201, {"name": "tea", "quantity": 2})
    return found


async def test_a_request_crosses_few_files(crossed: set[str]) -> None:
    assert len(crossed) <= MOST_FILES, "\n".join(sorted(crossed))


async def test_the_page_on_the_kernel_names_each_file_that_a_request_crosses(crossed: set[str]) -> None:
    page = PAGE.read_text("utf-8")

    assert [name for name in sorted(crossed) if f"`{name}`" not in page] == []
