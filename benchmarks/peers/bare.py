"""aiohttp as its own documentation shows it, with nothing around it but uvloop."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict

import aiohttp_jinja2
import jinja2
import uvloop
from aiohttp import WSMsgType, web
from marshmallow import ValidationError

from benchmarks.data import TEMPLATES, big_file, page_values, route_paths, rows
from benchmarks.models.as_dataclasses import Row
from benchmarks.models.as_marshmallow import ContactForm

ROWS = [Row(**row) for row in rows()]
PAGE = page_values()
CONTACT = ContactForm()
MEMBERS = web.AppKey("members", set[web.WebSocketResponse])
routes = web.RouteTableDef()


@routes.get("/hello")
async def hello(request: web.Request) -> web.Response:
    """Answer bare JSON."""
    return web.json_response({"message": "hello"})


@routes.get("/rows")
async def list_rows(request: web.Request) -> web.Response:
    """Answer with the rows, the standard library's way."""
    return web.json_response(
        [asdict(row) for row in ROWS], dumps=lambda value: json.dumps(value, default=str)
    )


@routes.get("/page")
@aiohttp_jinja2.template("rows.html")
async def page(request: web.Request) -> dict[str, object]:
    """Render the page as the README of aiohttp-jinja2 does."""
    return PAGE


@routes.post("/form")
async def form(request: web.Request) -> web.Response:
    """Validate the form with a hand-written schema."""
    try:
        contact = CONTACT.load({**await request.post()})
    except ValidationError as error:
        return web.json_response({"errors": error.messages}, status=422)
    return web.json_response(CONTACT.dump(contact), status=201)


@routes.put("/upload")
async def upload(request: web.Request) -> web.Response:
    """Count a streamed body."""
    count = 0
    async for chunk in request.content.iter_any():
        count += len(chunk)
    return web.json_response({"bytes": count})


@routes.get("/download")
async def download(request: web.Request) -> web.FileResponse:
    """Send the big file."""
    return web.FileResponse(big_file())


@routes.get("/room")
async def room(request: web.Request) -> web.WebSocketResponse:
    """Send what each member says to all, the way that answers and tutorials show: gather over send_str."""
    socket = web.WebSocketResponse(heartbeat=20)
    await socket.prepare(request)
    members = request.app[MEMBERS]
    members.add(socket)
    try:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                said = json.loads(message.data)
                await asyncio.gather(*(member.send_str(json.dumps(said)) for member in members))
    finally:
        members.discard(socket)
    return socket


def _kind(number: int) -> web.AbstractRouteDef:
    async def one_kind(request: web.Request) -> web.Response:
        found = request.match_info
        return web.json_response({"kind": number, "tenant": found["tenant"], "item": found["item"]})

    return web.get(dict(route_paths(500))[number], one_kind)


def serve(work: str, port: int) -> None:
    """Serve on this port and block."""
    app = web.Application()
    app[MEMBERS] = set()
    app.add_routes(routes)
    if work.startswith("routes"):
        app.add_routes([_kind(number) for number, _ in route_paths(int(work.removeprefix("routes")))])
    aiohttp_jinja2.setup(app, loader=jinja2.FileSystemLoader(TEMPLATES))
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, loop=uvloop.new_event_loop())
