"""How the seconds of a graceful stop are shared out, and how long connections are taken leave of."""

from __future__ import annotations

import asyncio
import logging
from typing import NamedTuple

from framework.server.connections import Connections
from framework.server.lifecycle import Lifecycle
from framework.server.settings import ServerSettings

logger = logging.getLogger("framework.server")


class StopPlan(NamedTuple):
    """The seconds of each part of a graceful stop.

    Attributes:
        drain: Serve on, with readiness at 503.
        part: Wait for the peers of sockets to take leave.
        finish: Wait for requests in progress and for the application's ``on_shutdown``, from the end of draining.
        cancel: Let cancelled handlers clean up.
        close: Close what the application has opened.
    """

    drain: float
    part: float
    finish: float
    cancel: float
    close: float

    @classmethod
    def from_settings(cls, settings: ServerSettings) -> StopPlan:
        left = settings.stop_seconds - settings.drain_seconds
        return cls(
            drain=settings.drain_seconds,
            part=0.06 * left,
            finish=0.7 * left,
            cancel=0.1 * left,
            close=0.15 * left,
        )


async def end_connections(
    connections: Connections, lifecycle: Lifecycle, seconds: float, *, lasted_seconds: float = 0.0
) -> None:
    """End WebSockets and streams, and wait for their clients to say good-bye, for so long at most.

    Args:
        lasted_seconds: Streams are spared while they are younger.
    """
    ending = asyncio.create_task(
        connections.end(lasted_seconds=lasted_seconds), name="framework.server.ending"
    )
    await lifecycle.wait({ending}, seconds)
    if not ending.done():
        logger.info("Cutting off sockets whose clients did not say good-bye in time")
        ending.cancel()
