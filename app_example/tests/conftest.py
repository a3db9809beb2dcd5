"""A running notice board for each test, with a database and a folder of its own."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from sqlalchemy import update
from yarl import URL

from app_example import build
from app_example.main import MIGRATIONS
from app_example.settings import AppSettings, FileSettings
from app_example.testing import PASSWORD, Visitor
from app_example.users.models import User
from framework import Secret
from framework.batteries.auth import AuthSettings, PasswordSettings
from framework.batteries.database import DatabaseSettings, session_scope
from framework.batteries.database.migrations import migrate

pytest_plugins = ["framework.testing"]

Serve = Callable[[web.Application], Awaitable[URL]]


@pytest.fixture
async def settings(tmp_path: Path) -> AsyncIterator[AppSettings]:
    """Yield settings with quick passwords and an empty database: SQLite, or what TEST_DATABASE_URL names."""
    url = os.environ.get("TEST_DATABASE_URL", f"sqlite:///{tmp_path}/app.sqlite3")
    database = DatabaseSettings(url=Secret(url))
    await migrate(database, MIGRATIONS)
    yield AppSettings(
        auth=AuthSettings(
            sign_in_path="/login", passwords=PasswordSettings(memory_kib=64, passes=1, lanes=1)
        ),
        database=database,
        files=FileSettings(folder=tmp_path / "files", max_bytes=300_000),
    )
    await migrate(database, MIGRATIONS, "base")


@pytest.fixture
def app(settings: AppSettings) -> web.Application:
    """Return the application, to be served."""
    return build(settings)


@pytest.fixture
async def anybody(app: web.Application, serve: Serve, client: ClientSession) -> Visitor:
    """Return a visitor who is not signed in."""
    return Visitor(client, await serve(app))


@pytest.fixture
def register(anybody: Visitor) -> Callable[[str], Awaitable[Visitor]]:
    """Return a function that registers somebody and signs them in."""

    async def registered(name: str) -> Visitor:
        email = f"{name}@example.org"
        user = await anybody.post("/api/users", {"name": name, "email": email, "password": PASSWORD})
        visitor = Visitor(anybody.session, anybody.url, user["id"], email)
        await visitor.sign_in(email)
        return visitor

    return registered


@pytest.fixture
async def ada(register: Callable[[str], Awaitable[Visitor]]) -> Visitor:
    """Return somebody who is signed in."""
    return await register("ada")


@pytest.fixture
async def bob(register: Callable[[str], Awaitable[Visitor]]) -> Visitor:
    """Return somebody else who is signed in."""
    return await register("bob")


@pytest.fixture
async def admin(app: web.Application, register: Callable[[str], Awaitable[Visitor]]) -> Visitor:
    """Return somebody with the scope ``users:admin``."""
    visitor = await register("root")
    async with session_scope(app) as session:
        await session.execute(update(User).where(User.email == visitor.email).values(is_admin=True))
    await visitor.sign_in(visitor.email)
    return visitor
