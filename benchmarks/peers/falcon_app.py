"""Falcon's ASGI flavour on uvicorn."""

# mypy: disable-error-code="import-not-found, untyped-decorator, misc, no-any-return, no-untyped-def"
# The frameworks live in an environment of their own, where the types are not checked.

from __future__ import annotations

from collections.abc import AsyncIterator

import falcon
import falcon.asgi
import falcon.media
import msgspec
from falcon.asgi import Request, Response

from benchmarks.data import CHUNK, GIB, big_file, route_paths, rows
from benchmarks.models.as_msgspec import Row
from benchmarks.peers.uvicorn_server import serve_asgi

ROWS = [Row(**row) for row in rows()]


class Hello:
    """Answer bare JSON."""

    async def on_get(self, req: Request, resp: Response) -> None:
        resp.media = {"message": "hello"}


class Rows:
    """Answer with the rows."""

    async def on_get(self, req: Request, resp: Response) -> None:
        resp.media = ROWS


class Upload:
    """Count a streamed body."""

    async def on_put(self, req: Request, resp: Response) -> None:
        count = 0
        async for chunk in req.stream:
            count += len(chunk)
        resp.media = {"bytes": count}


class Download:
    """Send the big file."""

    async def on_get(self, req: Request, resp: Response) -> None:
        resp.content_type = "application/octet-stream"
        resp.content_length = GIB
        resp.stream = self._chunks()

    async def _chunks(self) -> AsyncIterator[bytes]:
        with big_file().open("rb") as source:
            while chunk := source.read(CHUNK):
                yield chunk


class Kind:
    """Answer with what stood in the path."""

    def __init__(self, number: int) -> None:
        self.number = number

    async def on_get(self, req: Request, resp: Response, tenant: str, item: str) -> None:
        resp.media = {"kind": self.number, "tenant": tenant, "item": item}


def serve(work: str, port: int) -> None:
    """Serve on this port and block."""
    app: falcon.asgi.App = falcon.asgi.App()
    # As the documentation's page on media shows: msgspec in the place of the standard library.
    handler = falcon.media.JSONHandler(dumps=msgspec.json.encode, loads=msgspec.json.decode)
    app.resp_options.media_handlers[falcon.MEDIA_JSON] = handler
    for path, resource in (
        ("/hello", Hello()),
        ("/rows", Rows()),
        ("/upload", Upload()),
        ("/download", Download()),
    ):
        app.add_route(path, resource)
    if work.startswith("routes"):
        for number, path in route_paths(int(work.removeprefix("routes"))):
            app.add_route(path, Kind(number))
    serve_asgi(app, port)
