"""Litestar on uvicorn, with msgspec structs, its own JWT backend, CORS configuration and channels."""

# mypy: disable-error-code="import-not-found, untyped-decorator, misc, no-any-return, no-untyped-def"
# The frameworks live in an environment of their own, where the types are not checked.

from typing import Annotated, Any

from litestar import Litestar, MediaType, Request, WebSocket, get, post, put, websocket
from litestar.channels import ChannelsPlugin
from litestar.channels.backends.memory import MemoryChannelsBackend
from litestar.config.cors import CORSConfig
from litestar.connection import ASGIConnection
from litestar.contrib.jinja import JinjaTemplateEngine
from litestar.enums import RequestEncodingType
from litestar.handlers import HTTPRouteHandler
from litestar.params import Body
from litestar.response import File, Template
from litestar.security.jwt import JWTAuth, Token
from litestar.template.config import TemplateConfig

from benchmarks.data import (
    AUDIENCE,
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


@get("/hello")
async def hello() -> dict[str, str]:
    """Answer bare JSON."""
    return {"message": "hello"}


@post("/orders")
async def create_order(data: Order) -> Order:
    """Answer with the validated order."""
    return data


@get("/rows")
async def list_rows() -> list[Row]:
    """Answer with the rows."""
    return ROWS


@get("/page", media_type=MediaType.HTML)
async def page() -> Template:
    """Render the page."""
    return Template(template_name="rows.html", context=PAGE)


@post("/form")
async def form(data: Annotated[Contact, Body(media_type=RequestEncodingType.URL_ENCODED)]) -> Contact:
    """Answer with the validated form."""
    return data


@put("/upload", request_max_body_size=None)
async def upload(request: Request[Any, Any, Any]) -> dict[str, int]:
    """Count a streamed body."""
    count = 0
    async for chunk in request.stream():
        count += len(chunk)
    return {"bytes": count}


@get("/download")
async def download() -> File:
    """Send the big file."""
    return File(path=big_file())


@websocket("/room")
async def room(socket: WebSocket[Any, Any, Any], channels: ChannelsPlugin) -> None:
    """Publish what each member says to the channel that all have subscribed to."""
    await socket.accept()
    async with (
        channels.start_subscription(["room"]) as subscriber,
        subscriber.run_in_background(socket.send_text),
    ):
        while True:
            channels.publish(await socket.receive_json(), "room")


def _kind(number: int, path: str) -> HTTPRouteHandler:
    @get(path.replace("}", ":str}"), name=f"kind{number}")
    async def one_kind(tenant: str, item: str) -> dict[str, str | int]:
        return {"kind": number, "tenant": tenant, "item": item}

    return one_kind


async def _user(token: Token, connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    return token.sub


def _orders() -> Litestar:
    bearer = JWTAuth[str](
        retrieve_user_handler=_user,
        token_secret=SECRET,
        accepted_issuers=[ISSUER],
        accepted_audiences=[AUDIENCE],
        require_claims=["exp", "iss", "aud"],
        exclude=["/hello", "/schema"],
    )
    cors = CORSConfig(
        allow_origins=[ORIGIN],
        allow_methods=["POST"],
        allow_headers=["Authorization", "Content-Type"],
        expose_headers=["X-Request-ID"],
    )
    return Litestar([hello, create_order], on_app_init=[bearer.on_app_init], cors_config=cors)


def serve(work: str, port: int) -> None:
    """Serve on this port and block."""
    if work == "orders":
        log_to_stdout()
        serve_asgi(AccessLog(_orders()), port)
        return
    handlers = [hello, list_rows, page, form, upload, download, room]
    if work.startswith("routes"):
        handlers += [_kind(number, path) for number, path in route_paths(int(work.removeprefix("routes")))]
    app = Litestar(
        handlers,
        template_config=TemplateConfig(directory=TEMPLATES, engine=JinjaTemplateEngine),
        plugins=[ChannelsPlugin(backend=MemoryChannelsBackend(), channels=["room"])],
    )
    serve_asgi(app, port)
