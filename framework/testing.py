"""A pytest plugin for services: put ``pytest_plugins = ["framework.testing"]`` into your ``conftest.py``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from yarl import URL

from framework import server
from framework.server import SERVER_SETTINGS, ServerSettings

_STRING_KEYS = ("aiohttp_session", "framework.batteries.sessions.battery")
"""Modules that keep things on a request under the names which aiohttp-session has always used."""

Serve = Callable[[web.Application], Awaitable[URL]]


def pytest_configure(config: pytest.Config) -> None:
    """Let aiohttp's advice about keys be an error in a service, but not in the library that cannot follow it."""
    for module in _STRING_KEYS:
        config.addinivalue_line("filterwarnings", f"ignore::aiohttp.web.NotAppKeyWarning:{module}")


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start applications on free ports of this machine; they stop behind the test."""
    async with AsyncExitStack() as stack:

        async def start(app: web.Application) -> URL:
            settings = app.get(SERVER_SETTINGS) or ServerSettings()
            running = await stack.enter_async_context(
                server.serve(app, replace(settings, port=0, drain_seconds=0))
            )
            return URL(running.url)

        yield start


@pytest_asyncio.fixture
async def url(app: web.Application, serve: Serve) -> URL:
    """Serve the application that your fixture ``app`` makes, and return where it runs."""
    return await serve(app)


@pytest_asyncio.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """Send requests as a client that keeps no cookies."""
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(), timeout=aiohttp.ClientTimeout(total=10)
    ) as session:
        yield session
