"""Sanic on its own server, one process, with msgspec; Sanic Extensions where a work needs them."""

# mypy: disable-error-code="import-not-found, untyped-decorator, misc, no-any-return, no-untyped-def"
# The frameworks live in an environment of their own, where the types are not checked.

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import wraps

import jwt
import msgspec
from jinja2 import Environment, FileSystemLoader, select_autoescape
from sanic import HTTPResponse, Request, Sanic, Websocket, html, json
from sanic.response import ResponseStream, file_stream

from benchmarks.data import (
    AUDIENCE,
    CHUNK,
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
from benchmarks.models.as_msgspec import Contact, Order, Row
from benchmarks.peers.access import log_request, log_to_stdout, new_request_id

Handler = Callable[..., Awaitable[HTTPResponse]]
ROWS = [Row(**row) for row in rows()]
PAGE = page_values()
ENCODER = msgspec.json.Encoder()
ORDER = msgspec.json.Decoder(Order)
PAGES = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=select_autoescape())
JSON = "application/json"


async def hello(request: Request) -> HTTPResponse:
    """Answer bare JSON."""
    return json({"message": "hello"})


def protected(wrapped: Handler) -> Handler:
    """Ask for a valid token, as Sanic's guide on authentication does."""

    @wraps(wrapped)
    async def handler(request: Request, *args: object, **kwargs: object) -> HTTPResponse:
        try:
            request.ctx.user = jwt.decode(
                request.token or "",
                SECRET,
                algorithms=["HS256"],
                issuer=ISSUER,
                audience=AUDIENCE,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.InvalidTokenError:
            return json({"error": "bad token"}, status=401)
        return await wrapped(request, *args, **kwargs)

    return handler


@protected
async def create_order(request: Request) -> HTTPResponse:
    """Answer with the validated order."""
    order = ORDER.decode(request.body)
    return HTTPResponse(ENCODER.encode(order), 201, content_type=JSON)


async def list_rows(request: Request) -> HTTPResponse:
    """Answer with the rows."""
    return HTTPResponse(ENCODER.encode(ROWS), content_type=JSON)


async def page(request: Request) -> HTTPResponse:
    """Render the page."""
    return html(PAGES.get_template("rows.html").render(PAGE))


async def form(request: Request) -> HTTPResponse:
    """Answer with the validated form."""
    values = {name: values[0] for name, values in (request.form or {}).items()}
    return HTTPResponse(
        ENCODER.encode(msgspec.convert(values, Contact, strict=False)), 201, content_type=JSON
    )


async def upload(request: Request) -> HTTPResponse:
    """Count a streamed body."""
    count = 0
    while (chunk := await request.stream.read()) is not None:
        count += len(chunk)
    return json({"bytes": count})


async def download(request: Request) -> ResponseStream:
    """Send the big file."""
    return await file_stream(big_file(), chunk_size=CHUNK)


MEMBERS: set[Websocket] = set()


async def room(request: Request, ws: Websocket) -> None:
    """Send what each member says to all, one after the other."""
    MEMBERS.add(ws)
    try:
        async for text in ws:
            said = msgspec.json.decode(text)
            for member in tuple(MEMBERS):
                await member.send(ENCODER.encode(said).decode())
    finally:
        MEMBERS.discard(ws)


async def begin(request: Request) -> None:
    """Give the request an id."""
    request.ctx.request_id, request.ctx.began = new_request_id(), time.perf_counter()


async def end(request: Request, response: HTTPResponse) -> None:
    """Send the id back and log the request."""
    response.headers["X-Request-ID"] = request.ctx.request_id
    log_request(request.ctx.request_id, request.method, request.path, response.status, request.ctx.began)


async def invalid(request: Request, error: Exception) -> HTTPResponse:
    """Answer a document that does not fit."""
    return json({"error": str(error)}, status=422)


def _add_kind(app: Sanic, number: int, path: str) -> None:
    async def one_kind(request: Request, tenant: str, item: str) -> HTTPResponse:
        return json({"kind": number, "tenant": tenant, "item": item})

    app.add_route(one_kind, path.replace("{", "<").replace("}", ">"), name=f"kind{number}")


def serve(work: str, port: int) -> None:
    """Serve on this port and block."""
    app = Sanic("bench", dumps=lambda value: ENCODER.encode(value).decode(), loads=msgspec.json.decode)
    app.config.AUTO_EXTEND = work == "orders"
    app.config.REQUEST_MAX_SIZE = 2 * GIB
    app.add_route(hello, "/hello")
    app.add_route(list_rows, "/rows")
    app.add_route(page, "/page")
    app.add_route(form, "/form", methods=["POST"])
    app.add_route(upload, "/upload", methods=["PUT"], stream=True)
    app.add_route(download, "/download")
    app.add_websocket_route(room, "/room")
    app.error_handler.add(msgspec.ValidationError, invalid)
    if work == "orders":
        log_to_stdout()
        app.config.CORS_ORIGINS = ORIGIN
        app.config.CORS_EXPOSE_HEADERS = "X-Request-ID"
        app.register_middleware(begin, "request")
        app.register_middleware(end, "response")
        app.add_route(create_order, "/orders", methods=["POST"])
    if work.startswith("routes"):
        for number, path in route_paths(int(work.removeprefix("routes"))):
            _add_kind(app, number, path)
    app.run(host="127.0.0.1", port=port, single_process=True, access_log=False, motd=False)
