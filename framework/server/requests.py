"""What a connection asks of whatever responds to its requests."""

from __future__ import annotations

import asyncio
from typing import Protocol


class Requests(Protocol):
    """The requests that a connection has received, and their responses.

    Attributes:
        work: The task for the request in progress, if that has to wait.
    """

    work: asyncio.Task[None] | None

    def begin(self) -> None:
        """Respond to the request that waits longest, unless another one is in progress."""

    def cancel(self) -> None:
        """Cancel the work for the request in progress."""

    def announce_closing(self, *, behind: int = 1) -> None:
        """Make this the last response of the connection, counted from the next."""
