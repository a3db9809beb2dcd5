"""The entity tags that clients send, in all the forms that RFC 9110 (8.8.3, 13.1) has for them."""

from __future__ import annotations

import aiohttp
import pytest
from aiohttp import web

from framework import RouteTableDef, create_app, public
from framework.conditional import ensure_match, not_modified, tagged
from framework.testing import Serve

routes = RouteTableDef()


@routes.get("/note")
@public
async def show(request: web.Request) -> object:
    return not_modified(request, "b") or tagged({}, "b")


@routes.put("/note")
@public
async def change(request: web.Request) -> None:
    ensure_match(request, "b")


@pytest.mark.parametrize(
    ("header", "shown", "changed"),
    [
        ('"b"', 304, 204),
        ('"a", "b"', 304, 204),
        ('"of,others" ,"b"', 304, 204),
        ('"of,b"', 200, 412),
        ('W/"b"', 304, 412),
        ("*", 304, 204),
        ("b", 400, 400),
        ('"a" "b"', 400, 400),
        ('"b', 400, 400),
        ("", 400, 400),
    ],
)
async def test_a_tag_counts_as_it_is_written(
    header: str, shown: int, changed: int, serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(create_app(routes=[routes])) / "note"

    async with client.get(url, headers={"If-None-Match": header}) as seen:
        first = seen.status
    async with client.put(url, headers={"If-Match": header}) as written:
        second = written.status

    assert (first, second) == (shown, changed)
