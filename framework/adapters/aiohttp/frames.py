"""The frames of a WebSocket that a client sends, as RFC 6455 allows them (5.1, 5.2, 7.4).

aiohttp's reader takes frames without a mask, lengths that are longer than need be, reserved bits of control frames, and
codes of closing that must not be sent.
"""

from __future__ import annotations

from typing import Protocol

_CLOSE, _IS_CONTROL = 0x8, 0x8
_CODE_BYTES = 2
# Reserved bits and no mask: aiohttp's reader answers it with 1002. Its queue of messages is out of reach.
_REFUSED = b"\xf0\x00"
_NOTHING_READ = False, b""


class Reader(Protocol):
    """What makes messages of frames."""

    def feed_data(self, data: bytes) -> tuple[bool, bytes]: ...

    def feed_eof(self) -> None: ...


class ClientFrames:
    """The heads of a client's frames, looked at before aiohttp's reader sees them."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._begun = b""  # the head that came in part
        self._payload_left = 0
        self._has_ended = False

    def feed_eof(self) -> None:
        self._reader.feed_eof()

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Pass on what is well framed; refuse the first frame that is not, and read nothing behind the last."""
        if self._has_ended:
            return _NOTHING_READ
        data = self._begun + data
        at, size = self._payload_left, len(data)
        while at < size:
            length = _frame_bytes(data, at)
            if length is None:
                break
            if length < 0:
                self._has_ended = True
                return self._reader.feed_data(data[:at] + _REFUSED)
            is_last = data[at] & 0xF == _CLOSE
            at += length
            if is_last and at <= size:
                self._has_ended = True
                return self._reader.feed_data(data[:at])
        self._payload_left = max(at - size, 0)
        self._begun = data[at:]
        return self._reader.feed_data(data[:at])


def _frame_bytes(data: bytes, at: int) -> int | None:
    """Return how long the frame is that begins there: negative if it is refused, None if more must be known."""
    if len(data) < at + 2:
        return None
    first, second = data[at], data[at + 1]
    if second < 0x80 or (first & _IS_CONTROL and (first & 0x70 or second > 0xFD)):
        return -1
    length, head = second & 0x7F, 6
    if length > 125:
        wide = 2 if length == 126 else 8
        if len(data) < at + 2 + wide:
            return None
        length, head = int.from_bytes(data[at + 2 : at + 2 + wide]), 6 + wide
        if length < (126 if wide == 2 else 0x10000):
            return -1
    if first & 0xF != _CLOSE or length < _CODE_BYTES:
        return head + length
    # The frame is at most 131 bytes long: it is judged when all of it is here.
    if len(data) < at + head + length:
        return None
    return head + length if _may_be_sent(_close_code(data, at + 2)) else -1


def _close_code(data: bytes, mask_at: int) -> int:
    mask, payload = data[mask_at : mask_at + 2], data[mask_at + 4 : mask_at + 6]
    return (payload[0] ^ mask[0]) << 8 | payload[1] ^ mask[1]


def _may_be_sent(code: int) -> bool:
    """Tell whether a client may give it as its reason (RFC 6455, 7.4, and IANA's registry)."""
    return (1000 <= code <= 1014 and code not in (1004, 1005, 1006)) or 3000 <= code <= 4999
