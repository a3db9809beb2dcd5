"""Starlette on uvicorn."""

# mypy: disable-error-code="import-not-found, untyped-decorator, misc, no-any-return, no-untyped-def"
# The frameworks live in an environment of their own, where the types are not checked.

from __future__ import annotations

from typing import ClassVar

from starlette.applications import Starlette
from starlette.endpoints import WebSocketEndpoint
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.templating import Jinja2Templates
from starlette.websockets import WebSocket

from benchmarks.data import TEMPLATES, big_file, page_values, route_paths, rows
from benchmarks.peers.uvicorn_server import serve_asgi

ROWS = [{**row, "joined": str(row["joined"])} for row in rows()]
PAGE = page_values()
templates = Jinja2Templates(directory=TEMPLATES)


async def hello(request: Request) -> Response:
    """Answer bare JSON."""
    return JSONResponse({"message": "hello"})


async def list_rows(request: Request) -> Response:
    """Answer with the rows; Starlette knows no objects, so these are dictionaries ready for JSON."""
    return JSONResponse(ROWS)


async def page(request: Request) -> Response:
    """Render the page."""
    return templates.TemplateResponse(request, "rows.html", PAGE)


async def upload(request: Request) -> Response:
    """Count a streamed body."""
    count = 0
    async for chunk in request.stream():
        count += len(chunk)
    return JSONResponse({"bytes": count})


async def download(request: Request) -> Response:
    """Send the big file."""
    return FileResponse(big_file())


class Room(WebSocketEndpoint):
    """Send what each member says to all, one after the other."""

    encoding = "json"
    members: ClassVar[set[WebSocket]] = set()

    async def on_connect(self, websocket: WebSocket) -> None:
        """Let a member in."""
        await websocket.accept()
        self.members.add(websocket)

    async def on_receive(self, websocket: WebSocket, data: object) -> None:
        """Send to all."""
        for member in tuple(self.members):
            await member.send_json(data)

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        """Forget a member."""
        self.members.discard(websocket)


def _kind(number: int, path: str) -> Route:
    async def one_kind(request: Request) -> Response:
        return JSONResponse({"kind": number, **request.path_params})

    return Route(path, one_kind)


def serve(work: str, port: int) -> None:
    """Serve on this port and block."""
    routes: list[BaseRoute] = [
        Route("/hello", hello),
        Route("/rows", list_rows),
        Route("/page", page),
        Route("/upload", upload, methods=["PUT"]),
        Route("/download", download),
        WebSocketRoute("/room", Room),
    ]
    if work.startswith("routes"):
        routes += [_kind(number, path) for number, path in route_paths(int(work.removeprefix("routes")))]
    serve_asgi(Starlette(routes=routes), port)
