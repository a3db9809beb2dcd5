"""Rooms over WebSockets."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from app_example.testing import Visitor


async def join(visitor: Visitor, room: str = "lobby", **headers: str) -> ClientWebSocketResponse:
    """Join a room, and hear that one has."""
    given = {"Authorization": f"Bearer {visitor.token}"} if visitor.token else {}
    socket = await visitor.session.ws_connect(visitor.url / "ws/rooms" / room, headers={**given, **headers})
    assert (await socket.receive_json(timeout=5))["type"] == "joined"
    return socket


async def heard(socket: ClientWebSocketResponse) -> Any:
    return await socket.receive_json(timeout=5)


async def test_everybody_in_a_room_hears_who_comes_speaks_and_goes(ada: Visitor, anybody: Visitor) -> None:
    first = await join(ada)
    second = await join(anybody)
    joined = await heard(first)
    await second.send_json({"text": "hello"})
    said = [await heard(first), await heard(second)]
    await second.close()
    left = await heard(first)

    assert joined == {"type": "joined", "name": "A guest", "count": 2}
    assert said == [{"name": "A guest", "text": "hello", "type": "said"}] * 2
    assert left == {"type": "left", "name": "A guest", "count": 1}


async def test_rooms_do_not_hear_each_other(ada: Visitor, anybody: Visitor) -> None:
    lobby, garden = await join(ada), await join(anybody, "garden")

    await lobby.send_json({"text": "in the lobby"})
    await garden.send_json({"text": "in the garden"})

    assert (await heard(lobby))["text"] == "in the lobby"
    assert (await heard(garden))["text"] == "in the garden"


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"text": ""},
        {"text": 5},
        {"text": "x", "more": 1},
        {"text": "x" * 1_001},
        [],
        None,
        {"text": "\x00"},
    ],
    ids=repr,
)
async def test_what_makes_no_sense_is_told_to_its_sender_alone(
    message: Any, ada: Visitor, anybody: Visitor
) -> None:
    other = await join(ada)
    socket = await join(anybody)
    await heard(other)

    await socket.send_json(message)
    refused = await heard(socket)
    await socket.send_json({"text": "sorry"})

    assert refused["type"] == "refused"
    assert refused["errors"]
    assert (await heard(other))["text"] == "sorry"


@pytest.mark.parametrize("frame", ["{", "nonsense", "NaN"])
async def test_a_client_that_speaks_no_json_is_shown_out_and_harms_nobody(
    frame: str, ada: Visitor, anybody: Visitor
) -> None:
    other = await join(ada)
    socket = await join(anybody)
    await heard(other)

    await socket.send_str(frame)
    farewell = await socket.receive(timeout=5)
    left = await heard(other)

    assert farewell.type is WSMsgType.CLOSE
    assert farewell.data == 1007
    assert left == {"type": "left", "name": "A guest", "count": 1}


async def test_a_page_of_another_site_may_not_join(ada: Visitor) -> None:
    with pytest.raises(WSServerHandshakeError) as raised:
        await join(ada, Origin="https://evil.example")

    assert raised.value.status == 403


@pytest.mark.parametrize("room", ["UPPER", "a b", "x" * 41, "..%2f", "%00"])
async def test_a_room_has_a_plain_name(room: str, anybody: Visitor) -> None:
    status, _ = await anybody.refused("GET", f"/ws/rooms/{room}", headers={"Upgrade": "websocket"})

    assert status in {400, 404, 422}


async def test_a_plain_request_is_told_to_upgrade(anybody: Visitor) -> None:
    status, problem = await anybody.refused("GET", "/ws/rooms/lobby")

    assert status == 426
    assert problem["status"] == 426
