"""Templates become text without keeping other requests from their turn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

import jinja2

from framework.adapters.jinja2 import pieces, reraise

_PIECES = 500
_TURN_SECONDS = 0.005


async def rendered(
    template: jinja2.Template, values: Mapping[str, Any], *, clock: Callable[[], float] = time.perf_counter
) -> str:
    """Return a template's text; a big one is rendered in turns of a few milliseconds.

    Turns rather than a thread: a thread would hold the interpreter's lock just as long, and what a page shows, such
    as a session or a database's row, belongs to the event loop.

    Raises:
        Exception: Whatever the template raises, with its own lines in the traceback.
    """
    text: list[str] = []
    stream = pieces(template, values)
    turn = clock()
    try:
        while batch := list(islice(stream, _PIECES)):
            text += batch
            if clock() - turn > _TURN_SECONDS:
                await asyncio.sleep(0)
                turn = clock()
    except Exception as error:  # noqa: BLE001 - it is raised again
        reraise(template, error)
    return "".join(text)
