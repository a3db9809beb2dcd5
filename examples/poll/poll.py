"""A poll whose results are live."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from aiohttp import web
from marshmallow.validate import Regexp

from framework import RouteTableDef, ServiceSettings, create_app, provide, public, standard, template
from framework.batteries import templates
from framework.batteries.sockets import Rooms
from framework.batteries.templates import TemplateSettings

routes = RouteTableDef(prefix="/polls/{name}", marks=[public])

Name = Annotated[str, Regexp(r"[a-z0-9-]{1,40}\Z", error="Must be small letters, digits and hyphens.")]
Choice = Literal["yes", "no", "maybe"]


@dataclass
class Vote:
    """What somebody is for."""

    choice: Choice


class Polls(defaultdict[str, Counter[str]]):
    """The votes of each poll."""

    def results(self, name: str) -> dict[str, int]:
        return {choice: self[name][choice] for choice in ("yes", "no", "maybe")}


@routes.post("/votes")
async def vote(name: Name, body: Vote, polls: Polls, rooms: Rooms) -> dict[str, int]:
    """Vote, and tell everybody."""
    polls[name][body.choice] += 1
    results = polls.results(name)
    await rooms.broadcast_json(name, results)
    return results


@routes.get("/live")
async def follow(request: web.Request, name: Name, polls: Polls, rooms: Rooms) -> web.WebSocketResponse:
    """Tell the results now and at each vote."""
    async with rooms.join(request, name) as member:
        await member.send_json(polls.results(name))
        async for _ in member:
            pass  # nothing is to be said here
    return member.response


@routes.get("", name="poll")
@template("poll.html")
async def show(name: Name) -> dict[str, Any]:
    """Show the poll."""
    return {"name": name}


def build(settings: ServiceSettings) -> web.Application:
    """Make the service."""
    own = TemplateSettings(folders=(Path(__file__).with_name("templates"),))
    batteries = [
        templates.battery(own) if battery.name == "templates" else battery for battery in standard(settings)
    ]
    return create_app(settings, routes=[routes], batteries=[*batteries, provide(Polls(Counter))])
