"""The way out of a connection: a transport until it is really closed, and whether its peer still reads."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from framework.server import queues
from framework.server.config import ConnectionConfig
from framework.server.timeouts import FetchWatch

logger = logging.getLogger("framework.server")


class Outlet:
    """The transport of one connection.

    Args:
        client: Tells who is at the other end, for the log.

    Attributes:
        transport: None before the connection is made, and when it is lost; not yet when it is closing.
    """

    __slots__ = ("_client", "_config", "_fetch", "_lost", "transport")

    def __init__(self, config: ConnectionConfig, client: Callable[[], Mapping[str, str]]) -> None:
        self.transport: asyncio.Transport | None = None
        self._config = config
        self._client = client
        self._fetch: FetchWatch | None = None
        self._lost: asyncio.Future[None] | None = None

    def unread(self) -> int:
        """Return how many bytes have come that the event loop has not looked at."""
        return 0 if self.transport is None or self.transport.is_closing() else queues.unread(self.transport)

    def lose(self) -> None:
        """Note that the connection is gone."""
        self.transport = None
        if self._fetch is not None:
            self._fetch.stop()
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(None)

    def watch(self) -> None:
        """Demand that what was written is fetched."""
        transport = self.transport
        if self._fetch is None and transport is not None and transport.get_write_buffer_size():
            self._fetch = FetchWatch(transport, self._config.pace, self._stalled)

    def drained(self) -> None:
        """Demand nothing more, unless the connection only waits for the rest to be fetched."""
        if self._fetch is not None:
            self._fetch.stop()
            self._fetch = None
        if self.transport is not None and self.transport.is_closing():
            self.watch()

    def close(self) -> None:
        """Close the connection when all that was written is fetched."""
        # NOTE: a TLS transport that is closed twice fails when it is asked for its buffer.
        if self.transport is not None and not self.transport.is_closing():
            self.transport.close()
            self.watch()  # a peer who fetches nothing would keep it open for ever

    async def linger(self) -> None:
        """Let the client finish sending: closing at once would reset the connection and lose the response."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        if transport.can_write_eof():
            transport.write_eof()
        self._lost = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._config.settings.linger_seconds):
                await self._lost
        except TimeoutError:
            pass

    def _stalled(self) -> None:
        if self.transport is not None:
            logger.info("Closed a connection whose client does not fetch its response", extra=self._client())
            self.transport.abort()
