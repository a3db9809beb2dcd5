"""A server that does not do what it is asked: wrong in its words, absent, or gone or tired after a while."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from itertools import count

from aiohttp import web

RIGHT_ANSWERS = 50


def serve(work: str, port: int) -> None:
    """Serve on this port and block; write a line for each request."""
    kind = os.environ["UNFAITHFUL"]
    if kind == "absent":
        raise SystemExit("there is no key to start with")
    app = web.Application()
    app.router.add_get("/hello", _say("bye" if kind == "wrong" else "hello", then=kind))
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None)


def _say(word: str, *, then: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    numbers = count(1)

    async def say(request: web.Request) -> web.Response:
        number = next(numbers)
        sys.stdout.write(f"asked {number}\n")
        sys.stdout.flush()
        if then == "mortal" and number > RIGHT_ANSWERS:
            os._exit(7)
        tired = then == "tired" and number > RIGHT_ANSWERS
        return web.json_response({"message": word}, status=503 if tired else 200)

    return say
