"""BlackSheep on uvicorn, with msgspec for JSON and its own authentication, authorisation and CORS."""

# mypy: disable-error-code="import-not-found, untyped-decorator, misc, no-any-return, no-untyped-def"
# The frameworks live in an environment of their own, where the types are not checked.

import msgspec
from blacksheep import Application, Content, Request, Response, WebSocket, WebSocketDisconnectError, json
from blacksheep.server.authentication.jwt import JWTBearerAuthentication
from blacksheep.server.authorization import Policy, auth
from blacksheep.server.rendering.jinja2 import JinjaRenderer
from blacksheep.server.responses import ContentDispositionType, file, view
from blacksheep.settings.html import html_settings
from blacksheep.settings.json import json_settings
from essentials.secrets import Secret
from guardpost.common import ClaimsRequirement
from jinja2 import DictLoader

from benchmarks.data import (
    AUDIENCE,
    CHUNK,
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
from benchmarks.peers.access import log_to_stdout
from benchmarks.peers.access_asgi import AccessLog
from benchmarks.peers.uvicorn_server import serve_asgi

ROWS = [Row(**row) for row in rows()]
PAGE = page_values()
ENCODER = msgspec.json.Encoder()
ORDER = msgspec.json.Decoder(Order)
JSON = b"application/json"


async def hello() -> Response:
    """Answer bare JSON."""
    return json({"message": "hello"})


async def create_order(request: Request) -> Response:
    """Answer with the validated order; bytes in, bytes out, as msgspec is fastest."""
    order = ORDER.decode(await request.read() or b"")
    return Response(201, content=Content(JSON, ENCODER.encode(order)))


async def list_rows() -> Response:
    """Answer with the rows."""
    return Response(200, content=Content(JSON, ENCODER.encode(ROWS)))


async def page() -> Response:
    """Render the page."""
    return view("rows", PAGE)


async def form(request: Request) -> Response:
    """Answer with the validated form."""
    contact = msgspec.convert(await request.form(), Contact, strict=False)
    return Response(201, content=Content(JSON, ENCODER.encode(contact)))


async def upload(request: Request) -> Response:
    """Count a streamed body."""
    count = 0
    async for chunk in request.stream():
        count += len(chunk)
    return json({"bytes": count})


async def download() -> Response:
    """Send the big file."""

    async def chunks():
        with big_file().open("rb") as source:
            while chunk := source.read(CHUNK):
                yield chunk

    return file(chunks, "application/octet-stream", content_disposition=ContentDispositionType.INLINE)


MEMBERS: set[WebSocket] = set()


async def room(websocket: WebSocket) -> None:
    """Send what each member says to all, one after the other."""
    await websocket.accept()
    MEMBERS.add(websocket)
    try:
        while True:
            said = await websocket.receive_json()
            for member in tuple(MEMBERS):
                await member.send_json(said)
    except WebSocketDisconnectError:
        MEMBERS.discard(websocket)


async def invalid(app: Application, request: Request, error: Exception) -> Response:
    """Answer a document that does not fit."""
    return json({"error": str(error)}, status=422)


def _add_kind(app: Application, number: int, path: str) -> None:
    async def one_kind(tenant: str, item: str) -> Response:
        return json({"kind": number, "tenant": tenant, "item": item})

    app.router.add_get(path, one_kind)


def _secure(app: Application) -> None:
    app.use_cors(
        allow_origins=ORIGIN,
        allow_methods="POST",
        allow_headers="Authorization Content-Type",
        expose_headers="X-Request-ID",
    )
    app.use_authentication().add(
        JWTBearerAuthentication(
            secret_key=Secret(SECRET, direct_value=True), valid_issuers=[ISSUER], valid_audiences=[AUDIENCE]
        )
    )
    # The JWT handler takes a token that never ends: the policy asks for the claim.
    app.use_authorization().add(Policy("dated", ClaimsRequirement("exp")))


def serve(work: str, port: int) -> None:
    """Serve on this port and block."""
    json_settings.use(loads=msgspec.json.decode, dumps=lambda value: ENCODER.encode(value).decode())
    html_settings.use(JinjaRenderer(DictLoader({"rows.jinja": (TEMPLATES / "rows.html").read_text()})))
    app = Application()
    app.exceptions_handlers[msgspec.ValidationError] = invalid
    app.router.add_get("/hello", hello)
    if work == "orders":
        log_to_stdout()
        _secure(app)
        app.router.add_post("/orders", auth("dated")(create_order))
        serve_asgi(AccessLog(app), port)
        return
    for path, handler in (("/rows", list_rows), ("/page", page), ("/download", download)):
        app.router.add_get(path, handler)
    app.router.add_post("/form", form)
    app.router.add_put("/upload", upload)
    app.router.add_ws("/room", room)
    if work.startswith("routes"):
        for number, path in route_paths(int(work.removeprefix("routes"))):
            _add_kind(app, number, path)
    serve_asgi(app, port)
