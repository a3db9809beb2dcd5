"""The fixtures of the plugin."""

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
from framework.context import REGISTRY
from framework.server import SERVER_SETTINGS, ServerSettings
from framework.testing.callers import Api
from framework.testing.clocks import Clock
from framework.testing.guard import leaving_nothing
from framework.testing.upstreams import Upstream

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


@pytest_asyncio.fixture
async def api(app: web.Application, url: URL) -> AsyncIterator[Api]:
    """Call the application that your fixture ``app`` makes, with cookies that are kept as a browser keeps them."""
    jar, timeout = aiohttp.CookieJar(unsafe=True), aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(cookie_jar=jar, timeout=timeout) as session:
        yield Api(app, url, session)


@pytest_asyncio.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """Run a service of somebody else's that answers as the test says."""
    async with Upstream().running() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    """Return a clock that the test moves."""
    return Clock()


@pytest_asyncio.fixture
async def leaves_nothing() -> AsyncIterator[None]:
    """Fail a test that leaves tasks or open sockets behind, or keeps the event loop from its work."""
    async with leaving_nothing():
        yield


def override(app: web.Application, kind: type, value: object) -> None:
    """Let handlers and services get an object of the test's in the place of what the service provides.

    Call it before the application is served.

    Args:
        app: The service.
        kind: The type that parameters ask for.
        value: What they get.
    """

    async def put(app: web.Application) -> None:
        app[REGISTRY].register_value(kind, value, enter=False)

    # NOTE: batteries register what they bring when the service starts.
    app.on_startup.append(put)
