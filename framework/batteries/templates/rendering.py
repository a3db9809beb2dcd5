"""Templates become text without keeping other requests from their turn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

import jinja2

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
    pieces: list[str] = []
    # PERF: Template.generate() is one more generator around this one, for a tenth of the time.
    # And it would read the environment's names one by one through a ChainMap, for each page.
    context = template.new_context({**template.environment.globals, **values}, shared=True)
    stream = template.root_render_func(context)
    turn = clock()
    try:
        while batch := list(islice(stream, _PIECES)):
            pieces += batch
            if clock() - turn > _TURN_SECONDS:
                await asyncio.sleep(0)
                turn = clock()
    except Exception:  # noqa: BLE001 - it is raised again
        template.environment.handle_exception()
    return "".join(pieces)
