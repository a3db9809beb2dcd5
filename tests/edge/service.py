"""A service with one endpoint for each way to read a request, typed and plain, and everything standard around them."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from aiohttp import BodyPartReader, web
from marshmallow import validate

from framework import Cookie, Header, Principal, RouteTableDef, ServiceSettings, create_app, public
from framework.forms import UploadedFile
from framework.responses import file
from framework.server import ServerSettings

routes = RouteTableDef()


@dataclass
class Line:
    sku: Annotated[str, validate.Regexp(r"^[A-Z0-9-]{4,20}$")]
    quantity: Annotated[int, validate.Range(1, 1000)]
    price: Decimal = Decimal(0)


@dataclass
class Order:
    reference: Annotated[str, validate.Length(1, 20)]
    id: uuid.UUID
    ordered_at: dt.datetime
    lines: list[Line]
    note: str | None = None


@dataclass
class Node:
    name: str
    children: list[Node] = field(default_factory=list)


@dataclass
class Table:
    rows: list[list[Line]]


@dataclass
class Draft:
    title: Annotated[str, validate.Length(1, 100)]
    email: Annotated[str | None, validate.Email()] = None
    document: UploadedFile | None = None


@dataclass
class Search:
    q: str = ""
    limit: Annotated[int, validate.Range(1, 100)] = 20
    since: dt.date | None = None
    tags: list[str] = field(default_factory=list)


@routes.get("/")
@public
async def hello() -> dict[str, str]:
    """Greet."""
    return {"message": "hello"}


@routes.get("/items/{item_id}")
@public
async def item(item_id: uuid.UUID) -> dict[str, str]:
    return {"id": str(item_id)}


@routes.get("/numbers/{number}")
@public
async def number(number: int) -> dict[str, int]:
    return {"number": number}


@routes.get("/search")
@public
async def search(query: Search) -> dict[str, Any]:
    return {"q": query.q, "limit": query.limit}


@routes.get("/seen")
@public
async def seen(
    x_count: Annotated[int, Header("X-Count")] = 0,
    x_name: Annotated[str, Header("X-Name")] = "",
    theme: Annotated[str, Cookie("theme")] = "",
) -> dict[str, Any]:
    return {"count": x_count, "name": x_name, "theme": theme}


@routes.post("/orders", status=201)
@public
async def order(body: Order) -> dict[str, str]:
    return {"reference": body.reference}


@routes.post("/trees")
@public
async def tree(body: Node) -> dict[str, str]:
    return {"name": body.name}


@routes.post("/tables")
@public
async def table(body: Table) -> dict[str, int]:
    return {"rows": len(body.rows)}


@routes.post("/free")
@public
async def free(body: dict[str, Any]) -> dict[str, int]:
    return {"members": len(body)}


@routes.post("/forms")
@public
async def form(form: Draft) -> dict[str, Any]:
    return {"title": form.title, "size": form.document.size if form.document else 0}


@routes.get("/me")
async def me(principal: Principal) -> dict[str, str]:
    return {"subject": principal.subject}


@routes.get("/file")
@public
async def download() -> web.StreamResponse:
    return file(Path(__file__))


@routes.post("/plain/json")
@public
async def plain_json(request: web.Request) -> web.Response:
    return web.json_response({"kind": type(await request.json()).__name__})


@routes.post("/plain/text")
@public
async def plain_text(request: web.Request) -> web.Response:
    return web.json_response({"length": len(await request.text())})


@routes.post("/plain/read")
@public
async def plain_read(request: web.Request) -> web.Response:
    return web.json_response({"length": len(await request.read())})


@routes.post("/plain/post")
@public
async def plain_post(request: web.Request) -> web.Response:
    return web.json_response({"fields": len(await request.post())})


@routes.post("/plain/multipart")
@public
async def plain_multipart(request: web.Request) -> web.Response:
    found = 0
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        found += len(await part.text())
    return web.json_response({"length": found})


@routes.get("/plain/cookies")
@public
async def plain_cookies(request: web.Request) -> web.Response:
    return web.json_response({"count": len(request.cookies), "query": len(request.query)})


def build(**server: Any) -> web.Application:
    """Return the application, to be served on a free port."""
    settings = ServiceSettings(
        server=ServerSettings(port=0, linger_seconds=0.3, **{"drain_seconds": 0, **server})
    )
    return create_app(settings, routes=[routes])
