"""Whoever lets scripts of any origin call a service lets them send, too: what brings no cookie."""

from __future__ import annotations

from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web

from framework import RouteTableDef, ServiceSettings, create_app, public
from framework.batteries.cors import CorsSettings
from framework.testing import Serve

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
STRANGER = {"Origin": "https://stranger.example"}
BROWSER = {**STRANGER, "Sec-Fetch-Site": "cross-site"}


def service(*origins: str) -> web.Application:
    routes = RouteTableDef()

    @routes.post("/things")
    @public
    async def add(request: web.Request) -> web.Response:
        return web.json_response({"added": True})

    settings = ServiceSettings()
    return create_app(replace(settings, cors=CorsSettings(origins=origins)), routes=[routes])


@pytest.mark.parametrize(
    ("origins", "headers", "status"),
    [
        pytest.param(("*",), {**STRANGER, **JSON}, 200, id="JSON of a stranger"),
        pytest.param(("*",), {**BROWSER, **JSON, "Sec-Fetch-Mode": "cors"}, 200, id="as browsers send it"),
        pytest.param(
            ("*",), {**BROWSER, **FORM, "Sec-Fetch-Mode": "cors"}, 200, id="a form that a script sends"
        ),
        pytest.param(("*",), STRANGER, 200, id="no body"),
        pytest.param(("*",), {**BROWSER, **FORM, "Sec-Fetch-Mode": "navigate"}, 403, id="a form of a page"),
        pytest.param(("*",), {**STRANGER, **FORM}, 403, id="a form of an old browser's page"),
        pytest.param(("*",), {**STRANGER, **JSON, "Cookie": "a=b"}, 403, id="a cookie"),
        pytest.param(("*",), {**STRANGER, **JSON, "Authorization": "Basic eDp5"}, 403, id="a password"),
        pytest.param((), {**STRANGER, **JSON}, 403, id="no CORS"),
        pytest.param(("https://app.example",), {**STRANGER, **JSON}, 403, id="CORS for others"),
    ],
)
async def test_what_the_preflight_grants_is_taken(
    origins: tuple[str, ...],
    headers: dict[str, str],
    status: int,
    serve: Serve,
    client: aiohttp.ClientSession,
) -> None:
    url = await serve(service(*origins))

    async with client.post(url / "things", headers=headers, skip_auto_headers=["Content-Type"]) as response:
        await response.read()

    assert response.status == status
