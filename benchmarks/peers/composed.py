"""aiohttp composed by hand, as tutorials and the libraries' READMEs do: marshmallow, PyJWT, aiohttp-cors, logging."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import aiohttp_cors
import aiohttp_jinja2
import jinja2
import jwt
import uvloop
from aiohttp import web
from marshmallow import ValidationError

from benchmarks.data import AUDIENCE, ISSUER, ORIGIN, SECRET, TEMPLATES, page_values, rows
from benchmarks.models import as_marshmallow as schemas
from benchmarks.models.as_dataclasses import Row
from benchmarks.peers.access import log_request, log_to_stdout, new_request_id

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ROWS = [Row(**row) for row in rows()]
PAGE = page_values()
ORDER, ROW, CONTACT = schemas.Order(), schemas.Row(), schemas.ContactForm()
PUBLIC = frozenset({"/hello", "/rows", "/page", "/form"})


@web.middleware
async def access_log(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request an id and log it."""
    request["request_id"], began, status = new_request_id(), time.perf_counter(), 500
    try:
        response = await handler(request)
        status = response.status
        response.headers["X-Request-ID"] = request["request_id"]
        return response
    except web.HTTPException as error:
        status = error.status
        raise
    finally:
        log_request(request["request_id"], request.method, request.path, status, began)


@web.middleware
async def json_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer errors as JSON."""
    try:
        return await handler(request)
    except ValidationError as error:
        return web.json_response({"errors": error.messages}, status=422)
    except web.HTTPException as error:
        return web.json_response({"error": error.reason}, status=error.status)


@web.middleware
async def bearer(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Ask for a valid token everywhere but on the public paths."""
    if request.path in PUBLIC or request.method == "OPTIONS":
        return await handler(request)
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer":
        return web.json_response({"error": "token needed"}, status=401)
    try:
        request["user"] = jwt.decode(
            text,
            SECRET,
            algorithms=["HS256"],
            issuer=ISSUER,
            audience=AUDIENCE,
            options={"require": ["exp", "iss", "aud"]},
        )
    except jwt.InvalidTokenError:
        return web.json_response({"error": "bad token"}, status=401)
    return await handler(request)


async def hello(request: web.Request) -> web.Response:
    """Answer bare JSON, behind the whole stack."""
    return web.json_response({"message": "hello"})


async def create_order(request: web.Request) -> web.Response:
    """Validate an order and answer with it."""
    order = ORDER.load(await request.json())
    return web.json_response(ORDER.dump(order), status=201)


async def list_rows(request: web.Request) -> web.Response:
    """Answer with the rows."""
    return web.json_response(ROW.dump(ROWS, many=True))


@aiohttp_jinja2.template("rows.html")
async def page(request: web.Request) -> dict[str, object]:
    """Render the page."""
    return PAGE


async def form(request: web.Request) -> web.Response:
    """Validate the form."""
    contact = CONTACT.load({**await request.post()})
    return web.json_response(CONTACT.dump(contact), status=201)


def serve(work: str, port: int) -> None:
    """Serve on this port and block."""
    log_to_stdout()
    app = web.Application(middlewares=[access_log, json_errors, bearer])
    aiohttp_jinja2.setup(app, loader=jinja2.FileSystemLoader(TEMPLATES))
    options = aiohttp_cors.ResourceOptions(
        allow_headers=("Authorization", "Content-Type"), expose_headers=("X-Request-ID",)
    )
    cors = aiohttp_cors.setup(app, defaults={ORIGIN: options})
    for method, path, handler in (
        ("GET", "/hello", hello),
        ("POST", "/orders", create_order),
        ("GET", "/rows", list_rows),
        ("GET", "/page", page),
        ("POST", "/form", form),
    ):
        cors.add(app.router.add_route(method, path, handler))
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, loop=uvloop.new_event_loop())
