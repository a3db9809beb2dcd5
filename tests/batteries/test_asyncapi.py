"""The document of what is said over WebSockets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import aiohttp
from aiohttp import web

from framework import RouteTableDef, create_app, public, undocumented
from framework.batteries.openapi import messages
from framework.testing import Serve


@dataclass
class Say:
    text: str


@dataclass
class Said:
    name: str | None
    type: Literal["said"] = "said"


def resolved(document: Any, reference: dict[str, str]) -> Any:
    """Return what a reference leads to; KeyError where it leads nowhere."""
    for part in reference["$ref"].removeprefix("#/").split("/"):
        document = document[part]
    return document


async def test_sockets_are_channels_with_the_schemas_of_their_messages(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    routes = RouteTableDef(prefix="/ws")

    @routes.get("/rooms/{room}")
    @public
    @messages(received=[Say], sent=[Said])
    async def join(request: web.Request, room: str) -> web.WebSocketResponse:
        """Join a room."""
        return web.WebSocketResponse()

    @routes.get("/silent")
    @public
    async def silent(request: web.Request) -> web.WebSocketResponse:
        return web.WebSocketResponse()

    @routes.get("/secret")
    @public
    @undocumented
    async def secret(request: web.Request) -> web.WebSocketResponse:
        return web.WebSocketResponse()

    url = await serve(create_app(routes=[routes]))

    answer = await client.get(url / "asyncapi.json")
    document = await answer.json()

    assert (document["asyncapi"], answer.headers["Cache-Control"]) == ("3.0.0", "no-cache")
    assert {*document["channels"]} == {"join", "silent"}
    channel = document["channels"]["join"]
    assert (channel["address"], channel["title"], {*channel["parameters"]}) == (
        "/ws/rooms/{room}",
        "Join a room",
        {"room"},
    )
    said = {
        each["action"]: [resolved(document, message) for message in each["messages"]]
        for each in document["operations"].values()
    }
    payloads = {
        action: [resolved(document, resolved(document, each)["payload"]) for each in found]
        for action, found in said.items()
    }
    assert {*payloads["receive"][0]["properties"]} == {"text"}
    assert payloads["send"][0]["properties"]["name"]["type"] == ["string", "null"]
