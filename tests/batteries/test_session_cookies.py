"""The session's cookie is the one of exactly its name."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from aiohttp_session import Session

from framework.batteries import sessions
from framework.batteries.sessions import SessionSettings
from framework.routing import RouteTableDef
from framework.secrets import Secret
from framework.testing import Serve
from tests.kernel import kernel_app

routes = RouteTableDef()


@routes.get("/put/{value}")
async def put(session: Session, value: str) -> None:
    session["value"] = value


@routes.get("/read")
async def read(session: Session) -> dict[str, Any]:
    return dict(session)


async def read_with(serve: Serve, cookie: str) -> dict[str, Any]:
    """Read the session for a header in which ``{a}`` and ``{b}`` stand for the cookies of two sessions."""
    settings = SessionSettings(keys=(Secret("k" * 40),))
    url = await serve(kernel_app(routes, batteries=(sessions.battery(settings),)))
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
        tokens = {}
        for value in "ab":
            async with client.get(url / "put" / value) as response:
                tokens[value] = response.cookies["__Host-session"].value
        header = cookie.format_map(tokens)
        async with client.get(url / "read", headers={"Cookie": header}) as response:
            assert response.status == 200
            found: dict[str, Any] = await response.json()
            return found


@pytest.mark.parametrize("space", ["\u2000", "\u00a0", "\u0085", "\u3000", "\u2028"])
async def test_a_name_that_begins_with_a_space_of_unicode_is_another_name(serve: Serve, space: str) -> None:
    assert await read_with(serve, f"{space}__Host-session={{a}}") == {}
    assert await read_with(serve, f"x=1;{space}__Host-session={{a}}") == {}


@pytest.mark.parametrize("header", ["__Host-session={a}; __Host-session={b}", "x=1;__Host-session={a}"])
async def test_the_first_cookie_of_the_name_counts(serve: Serve, header: str) -> None:
    assert await read_with(serve, header) == {"value": "a"}
