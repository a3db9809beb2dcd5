"""This project's own service, with the whole standard stack on for every work."""

# Real annotations, not strings: the compiler and the reader of signatures both take them as they are.
import os

from aiohttp import web

from benchmarks.data import (
    AUDIENCE,
    GIB,
    ISSUER,
    ORIGIN,
    SECRET,
    TEMPLATES,
    big_file,
    page_values,
    route_paths,
    rows,
)
from benchmarks.models.as_dataclasses import Contact, Order, Row
from framework import RouteTableDef, ServiceSettings, authenticated, create_app, file, public, run
from framework.batteries.sockets import Rooms
from framework.batteries.templates import template
from framework.settings import load

ROWS = [Row(**row) for row in rows()]
PAGE = page_values()
SETTINGS = {
    "PROFILE": "production",
    "NAME": "bench",
    "AUTH_KEYS": SECRET,
    "AUTH_ISSUER": ISSUER,
    "AUTH_AUDIENCE": AUDIENCE,
    "SESSIONS_KEYS": SECRET[::-1],
    "CORS_ORIGINS": ORIGIN,
    "TEMPLATES_FOLDERS": str(TEMPLATES),
    # The limits stay on; only what the room's work is about has to fit: a thousand members and one who talks a lot.
    "SOCKETS_ROOM_SIZE": "2000",
    "SOCKETS_MESSAGES_PER_SECOND": "1000000",
}
routes = RouteTableDef()


@routes.get("/hello")
@public
async def hello() -> dict[str, str]:
    """Answer bare JSON."""
    return {"message": "hello"}


@routes.post("/orders", status=201)
@authenticated
async def create_order(body: Order) -> Order:
    """Answer with the validated order."""
    return body


@routes.get("/rows")
@public
async def list_rows() -> list[Row]:
    """Answer with the rows."""
    return ROWS


@routes.get("/page")
@public
@template("rows.html")
async def page() -> dict[str, object]:
    """Render the page."""
    return PAGE


@routes.post("/form", status=201)
@public
async def send_form(form: Contact) -> Contact:
    """Answer with the validated form."""
    return form


@routes.put("/upload", max_body=GIB)
@public
async def upload(request: web.Request) -> dict[str, int]:
    """Count a streamed body."""
    count = 0
    async for chunk in request.content.iter_any():
        count += len(chunk)
    return {"bytes": count}


@routes.get("/download")
@public
async def download() -> web.FileResponse:
    """Send the big file."""
    return file(big_file())


@routes.get("/room")
@public
async def room(request: web.Request, rooms: Rooms) -> web.StreamResponse:
    """Send what each member says to all."""
    async with rooms.join(request, "room") as member:
        async for said in member.values():
            await rooms.broadcast_json("room", said)
    return member.response


def add_kinds(table: RouteTableDef, count: int) -> None:
    """Add numbered routes with two parameters."""
    for number, path in route_paths(count):
        _add_kind(table, number, path)


def _add_kind(table: RouteTableDef, number: int, path: str) -> None:
    @table.get(path)
    @public
    async def one_kind(tenant: str, item: str) -> dict[str, object]:
        return {"kind": number, "tenant": tenant, "item": item}


def build(work: str, port: int = 0) -> web.Application:
    """Return the service with what this work needs besides."""
    kinds = RouteTableDef()
    if work.startswith("routes"):
        add_kinds(kinds, int(work.removeprefix("routes")))
    settings = load(ServiceSettings, {**os.environ, **SETTINGS, "SERVER_PORT": str(port)}, env_file=None)
    return create_app(settings, routes=[routes, kinds])


def serve(work: str, port: int) -> None:
    """Serve on this port and block."""
    run(build(work, port))
