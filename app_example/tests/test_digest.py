"""The digest of other services, some of which do not do well."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

from aiohttp import ClientSession, web
from yarl import URL

from app_example import build
from app_example.settings import AppSettings, DigestSettings
from app_example.testing import Visitor
from framework.batteries.client import ClientSettings

Serve = Callable[[web.Application], Awaitable[URL]]


async def good(request: web.Request) -> web.Response:
    return web.json_response({"news": 1})


async def slow(request: web.Request) -> web.Response:
    await asyncio.sleep(30)
    return web.json_response({})


async def broken(request: web.Request) -> web.Response:
    return web.Response(status=500, text="secret inside")


async def test_what_arrives_in_time_is_there_and_the_rest_says_why_not(
    serve: Serve, client: ClientSession, settings: AppSettings
) -> None:
    upstream = web.Application()
    upstream.add_routes([web.get("/good", good), web.get("/slow", slow), web.get("/broken", broken)])
    base = await serve(upstream)
    urls = tuple(str(base / name) for name in ("good", "slow", "broken"))
    ours = replace(
        settings,
        digest=DigestSettings(urls=urls, timeout=timedelta(seconds=0.5)),
        client=ClientSettings(allow=("127.0.0.1",)),
    )
    visitor = Visitor(client, await serve(build(ours)))

    digest = await visitor.get("/api/digest")

    assert digest["entries"] == [{"url": urls[0], "value": {"news": 1}}]
    assert {failure["url"]: failure["reason"] for failure in digest["failures"]} == {
        urls[1]: "timeout",
        urls[2]: "status 500",
    }


async def test_a_service_inside_the_network_is_not_asked_unless_allowed(
    serve: Serve, client: ClientSession, settings: AppSettings
) -> None:
    upstream = web.Application()
    upstream.add_routes([web.get("/good", good)])
    url = str(await serve(upstream) / "good")
    visitor = Visitor(client, await serve(build(replace(settings, digest=DigestSettings(urls=(url,))))))

    digest = await visitor.get("/api/digest")

    assert digest["entries"] == []
    assert [failure["url"] for failure in digest["failures"]] == [url]


async def test_without_services_to_ask_the_digest_is_empty(anybody: Visitor) -> None:
    assert await anybody.get("/api/digest") == {"entries": [], "failures": []}
