"""What a connection asks of whatever answers its requests."""

from __future__ import annotations

import asyncio
from typing import Protocol


class Requests(Protocol):
    """What answers the requests that a connection has received.

    Attributes:
        work: The task for the request in progress, if that has to wait.
    """

    work: asyncio.Task[None] | None

    def begin(self) -> None:
        """Answer the request that waits longest, unless another one is being answered."""

    def cancel(self) -> None:
        """Cancel the work for the request that is being answered."""

    def announce_closing(self, *, behind: int = 1) -> None:
        """Make this the last response of the connection, counted from the next."""
