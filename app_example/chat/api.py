"""Chat: whoever joins a room hears what is said there, and may say something."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from marshmallow import ValidationError

from app_example.chat.schemas import Presence, Refused, RoomName, Said, Say
from app_example.users.store import UserStore
from framework import Principal, RouteTableDef, limit, public, validation
from framework.batteries.database import session_scope
from framework.batteries.openapi import messages
from framework.batteries.sockets import Member, Rooms

routes = RouteTableDef(prefix="/ws", tags=["chat"])

_GUEST = "A guest"
_say = validation.compile(Say)


@routes.get("/rooms/{room}")
@limit("120/minute")
@public
@messages(received=[Say], sent=[Said, Presence, Refused])
async def join_room(
    request: web.Request, room: RoomName, rooms: Rooms, principal: Principal | None
) -> web.WebSocketResponse:
    """Join a room over a WebSocket; send ``{"text": "..."}``."""
    name = await name_of(request.app, principal)
    async with rooms.join(request, room) as member:
        await rooms.broadcast_json(room, Presence("joined", name, rooms.count(room)))
        async for value in member.values():
            await hear(rooms, member, name, value)
    await rooms.broadcast_json(room, Presence("left", name, rooms.count(room)))
    return member.response


async def hear(rooms: Rooms, member: Member, name: str, value: Any) -> None:
    """Pass on what a member says, or tell that member alone what is wrong with it."""
    try:
        said = _say.load(value)
    except ValidationError as error:
        faults = validation.faults(error, "message")
        await member.send_json(Refused([f"{fault.pointer} {fault.detail}".strip() for fault in faults]))
    else:
        await rooms.broadcast_json(member.room, Said(name, said.text))


async def name_of(app: web.Application, principal: Principal | None) -> str:
    """Return how a member is called.

    The request's own database session would stay open for as long as the socket, so this takes one of its own.
    """
    if principal is None:
        return _GUEST
    async with session_scope(app) as session:
        return (await UserStore(session).get_caller(principal)).name
