"""An application that another server serves: aiohttp's ``run_app``, test server or gunicorn worker."""

from __future__ import annotations

import logging
import sys
from typing import Final

from aiohttp import web

from framework.server.guarantees import OF_THE_SERVER
from framework.server.lifecycle import STARTING_HERE

logger = logging.getLogger("framework.server")

_WORKER: Final = "--worker-class framework.server.worker.Worker"
_RUN: Final = "framework.server.run(app) or 'framework run'; in tests the fixture 'serve'"


async def tell_what_is_unkept(app: web.Application) -> None:
    """Tell once, while an application starts, which guarantees nobody keeps when the server is none of ours."""
    if STARTING_HERE.get():
        return
    instead = f"gunicorn {_WORKER}" if "aiohttp.worker" in sys.modules else _RUN
    logger.warning(
        "Another server serves this application. Nobody keeps: %s. Write instead: %s.",
        ", ".join(OF_THE_SERVER),
        instead,
        extra={"unkept": list(OF_THE_SERVER)},
    )
