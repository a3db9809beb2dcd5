"""What the wire and aiohttp cost: the request is read, ready bytes are answered, nothing is checked.

No service can be built so. It shows how much of a figure is left to win. `list` is orjson alone.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import orjson
import uvloop
from aiohttp import web

from benchmarks.data import ORIGIN, rows
from benchmarks.samples import ORDER

JSON = {"Content-Type": "application/json"}
HELLO = b'{"message":"hello"}'


@dataclass
class Row:
    id: int
    name: str
    email: str
    balance: float
    active: bool
    joined: dt.date


ROWS = [Row(**row) for row in rows()]
ORDER_BYTES = orjson.dumps(ORDER)


async def hello(request: web.Request) -> web.Response:
    """Answer ready bytes."""
    return web.Response(body=HELLO, headers=JSON)


async def orders(request: web.Request) -> web.Response:
    """Read the body and answer ready bytes."""
    await request.read()
    return web.Response(status=201, body=ORDER_BYTES, headers={**JSON, "Access-Control-Allow-Origin": ORIGIN})


async def list_rows(request: web.Request) -> web.Response:
    """Answer with what orjson makes of the dataclasses."""
    return web.Response(body=orjson.dumps(ROWS), headers=JSON)


def serve(work: str, port: int) -> None:
    """Serve on this port and block."""
    app = web.Application()
    app.add_routes([web.get("/hello", hello), web.post("/orders", orders), web.get("/rows", list_rows)])
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, loop=uvloop.new_event_loop())
