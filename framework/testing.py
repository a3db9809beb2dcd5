"""A pytest plugin for services: put ``pytest_plugins = ["framework.testing"]`` into your ``conftest.py``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import aiohttp
import pytest_asyncio
from aiohttp import web
from yarl import URL

Serve = Callable[[web.Application], Awaitable[URL]]


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start applications on free ports of this machine; they stop behind the test."""
    async with AsyncExitStack() as stack:

        async def start(app: web.Application) -> URL:
            runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=2)
            stack.push_async_callback(runner.cleanup)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            return URL(f"http://127.0.0.1:{runner.addresses[0][1]}")

        yield start


@pytest_asyncio.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """Send requests as a client that keeps no cookies and follows no redirects of itself."""
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(), timeout=aiohttp.ClientTimeout(total=10)
    ) as session:
        yield session
