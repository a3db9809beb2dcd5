"""How a message goes out to many: framed once, and written to a few of them at each turn of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import islice
from typing import Protocol

_TEXT = 0x81  # a text in one frame, which is the last one
_TURN_MEMBERS = 64


def text_frame(payload: bytes) -> bytes:
    """Return a server's frame with a text, which is the same for every peer (RFC 6455, 5.2)."""
    size = len(payload)
    if size < 126:
        head = bytes((_TEXT, size))
    elif size < 65_536:
        head = bytes((_TEXT, 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((_TEXT, 127)) + size.to_bytes(8, "big")
    return head + payload


class Recipient(Protocol):
    """A member for whom messages wait."""

    def flush(self) -> bool:
        """Send what waits, as far as that goes without waiting; False if something is left."""
        ...


class Delivery:
    """The recipients that have something to send, each in turn.

    PERF: a message to a thousand is a thousand writes to the operating system. Whoever has not had their turn when the
    next message comes gets both in one write; so the more there is to say, the less each message costs.
    """

    def __init__(self) -> None:
        self._due: dict[Recipient, None] = {}
        self._is_planned = False

    def to(self, recipients: Iterable[Recipient]) -> None:
        """See to it that these send what waits for them."""
        self._due.update(dict.fromkeys(recipients))
        self._plan()

    def _plan(self) -> None:
        if self._due and not self._is_planned:
            self._is_planned = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._is_planned = False
        try:
            for recipient in list(islice(self._due, _TURN_MEMBERS)):
                del self._due[recipient]
                recipient.flush()
        finally:
            self._plan()
