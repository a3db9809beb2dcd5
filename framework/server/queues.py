"""What the system holds of a connection: bytes that nobody has read, and those that its peer has not acknowledged."""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress
from typing import Final

_FIONREAD: int | None = None
_SIOCOUTQ: int | None = None
with suppress(ImportError, AttributeError):  # Windows has neither, macOS not the second
    import fcntl
    import sys
    import termios

    _FIONREAD = termios.FIONREAD
    _SIOCOUTQ = termios.TIOCOUTQ if sys.platform == "linux" else None  # the same number, says tcp(7)

_INT: Final = struct.Struct("i")


def unread(transport: asyncio.BaseTransport) -> int:
    """Return how many bytes have come that were not read."""
    return _ask(transport, _FIONREAD)


def unacknowledged(transport: asyncio.BaseTransport) -> int:
    """Return how many bytes have been sent that the peer has not acknowledged; 0 where the system does not tell."""
    return _ask(transport, _SIOCOUTQ)


def _ask(transport: asyncio.BaseTransport, question: int | None) -> int:
    sock = transport.get_extra_info("socket")
    if question is None or sock is None:
        return 0
    try:
        answer: int = _INT.unpack(fcntl.ioctl(sock.fileno(), question, bytes(_INT.size)))[0]
    except (OSError, ValueError):  # it is closed, or is no TCP
        return 0
    return answer
