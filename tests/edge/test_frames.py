"""A WebSocket that sends what RFC 6455 forbids is closed with the code for it, whoever reads it."""

from __future__ import annotations

import asyncio
import logging
import struct

import pytest
from aiohttp import WSMsgType, web
from yarl import URL

from framework import ServiceSettings, create_app, public
from framework.batteries.sockets import Rooms
from framework.routing import RouteTableDef
from framework.testing import Serve

pytestmark = pytest.mark.guarantee("frames")

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
MASK = bytes.fromhex("37fa213d")
HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{more}"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
SOCKETS = ["/plain", "/rooms/a"]


@pytest.fixture
async def url(serve: Serve) -> URL:
    routes = RouteTableDef()

    @routes.get("/plain")
    @public
    async def plain(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for message in ws:
            if message.type is WSMsgType.TEXT:
                await ws.send_str(message.data)
        return ws

    @routes.get("/rooms/{room}")
    @public
    async def typed(request: web.Request, room: str, rooms: Rooms) -> web.WebSocketResponse:
        async with rooms.join(request, room) as member:
            async for text in member:
                await member.send(text)
        return member.response

    return await serve(create_app(ServiceSettings(), routes=[routes]))


def frame(first: int, payload: bytes = b"", *, fin: bool = True, wide: int = 0, mask: bytes = MASK) -> bytes:
    """Return a frame whose length takes as many bytes as said, or as few as can be."""
    size = len(payload)
    wide = wide or (0 if size < 126 else 2 if size < 0x10000 else 8)
    length = {0: b"", 2: struct.pack(">H", size & 0xFFFF), 8: struct.pack(">Q", size)}[wide]
    flag = {0: size, 2: 126, 8: 127}[wide] | (0x80 if mask else 0)
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)) if mask else payload
    return bytes([first | (0x80 if fin else 0), flag]) + length + mask + masked


def closing(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, struct.pack(">H", code) + reason)


async def exchange(
    url: URL, path: str, sent: bytes, *, more: str = "", in_pieces: bool = False
) -> list[bytes]:
    """Return the frames that come back, as their first byte and payload, until the connection ends."""
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        writer.write(HANDSHAKE.format(path=path, more=more).encode())
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        for piece in [sent[at : at + 1] for at in range(len(sent))] if in_pieces else [sent]:
            writer.write(piece)
            await asyncio.sleep(0)
        frames: list[bytes] = []
        async with asyncio.timeout(20):
            while not frames or frames[-1][0] & 0xF != CLOSE:
                first, size = await reader.readexactly(2)
                if size == 126:
                    (size,) = struct.unpack(">H", await reader.readexactly(2))
                frames.append(bytes([first]) + await reader.readexactly(size))
    finally:
        writer.close()
    return frames


def code_of(closed: bytes) -> int:
    return int.from_bytes(closed[1:3])


MISFRAMED = {
    "text without a mask": frame(TEXT, b"a", mask=b""),
    "empty text without a mask": frame(TEXT, mask=b""),
    "ping without a mask": frame(PING, mask=b""),
    "close without a mask": frame(CLOSE, b"\x03\xe8", mask=b""),
    "a second frame without a mask": frame(TEXT, b"a", fin=False) + frame(0, b"b", mask=b""),
    "two bytes for a length of one": frame(TEXT, b"a", wide=2),
    "two bytes for a length of 125": frame(TEXT, b"a" * 125, wide=2),
    "two bytes for no length": frame(TEXT, wide=2),
    "eight bytes for a length of one": frame(TEXT, b"a", wide=8),
    "eight bytes for a length of 65,535": frame(BINARY, b"a" * 0xFFFF, wide=8),
    "a length of 2**63": bytes([0x81, 0xFF]) + b"\x80" + bytes(7) + MASK,
    "reserved bit 1": frame(TEXT | 0x40, b"a"),
    "reserved bit 2": frame(TEXT | 0x20, b"a"),
    "reserved bit 3": frame(TEXT | 0x10, b"a"),
    "reserved bit 1 of a ping": frame(PING | 0x40, b"a"),
    "reserved bit 1 of a close": frame(CLOSE | 0x40, b"\x03\xe8"),
    "a ping of 126 bytes": frame(PING, b"a" * 126),
    "a close of 126 bytes": frame(CLOSE, b"\x03\xe8" + b"a" * 124),
    "a ping in fragments": frame(PING, b"a", fin=False) + frame(0, b"b"),
    "a close in fragments": frame(CLOSE, b"\x03\xe8", fin=False),
    "a continuation of nothing": frame(0, b"a"),
    "a continuation of nothing, to be continued": frame(0, b"a", fin=False),
    "text within text": frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"),
    "a close of one byte": frame(CLOSE, b"\x03"),
} | {f"opcode {code}": frame(code, b"a") for code in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)}
CODES_NOT_TO_BE_SENT = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535]
NO_TEXT = {
    "a character cut off": frame(TEXT, "aé".encode()[:-1]),
    "a character of four bytes cut off": frame(TEXT, b"\xf0\x9f\x98"),
    "a character cut off behind fragments": frame(TEXT, b"a", fin=False) + frame(0, b"\xe2\x82"),
    "a character cut off before an empty fragment": frame(TEXT, b"\xe2\x82", fin=False) + frame(0),
    "a byte that begins nothing": frame(TEXT, b"\xff"),
    "half of a surrogate": frame(TEXT, b"\xed\xa0\x80"),
    "more bytes than need be": frame(TEXT, b"\xc0\xaf"),
    "above the last character": frame(TEXT, b"\xf4\x90\x80\x80"),
    "a reason cut off": closing(1000, b"\xe2\x82"),
    "a reason that is no text": closing(1000, b"\xff"),
}


@pytest.mark.parametrize("path", SOCKETS)
@pytest.mark.parametrize("more", ["", DEFLATE], ids=["plain", "deflate"])
@pytest.mark.parametrize("name", MISFRAMED)
async def test_frames_that_no_client_may_send_close_with_1002(
    url: URL, path: str, more: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    # Of a compressed message the bit marks the first frame alone.
    twice = frame(TEXT | 0x40, b"a", fin=False) + frame(0x40, b"b")
    sent = twice if more and name == "reserved bit 1" else MISFRAMED[name]
    *_, closed = await exchange(url, path, sent, more=more)

    assert code_of(closed) == (1009 if name == "a length of 2**63" else 1002)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("path", SOCKETS)
@pytest.mark.parametrize("code", CODES_NOT_TO_BE_SENT)
async def test_codes_that_must_not_be_sent_close_with_1002(url: URL, path: str, code: int) -> None:
    whole = await exchange(url, path, closing(code))
    pieces = await exchange(url, path, closing(code, b"why"), in_pieces=True)

    assert [code_of(whole[-1]), code_of(pieces[-1])] == [1002, 1002]


@pytest.mark.parametrize("path", SOCKETS)
@pytest.mark.parametrize("name", NO_TEXT)
async def test_text_that_is_not_utf_8_closes_with_1007(url: URL, path: str, name: str) -> None:
    whole = await exchange(url, path, NO_TEXT[name])
    pieces = await exchange(url, path, NO_TEXT[name], in_pieces=True)

    assert [code_of(whole[-1]), code_of(pieces[-1])] == [1007, 1007]


@pytest.mark.parametrize("path", SOCKETS)
async def test_what_comes_before_is_answered_and_what_comes_behind_is_not(url: URL, path: str) -> None:
    sent = frame(TEXT, b"a") + frame(TEXT, b"b" * 126) + frame(TEXT, b"c", wide=2) + frame(TEXT, b"d")
    frames = await exchange(url, path, sent)

    assert [said[1:] for said in frames[:-1]] == [b"a", b"b" * 126]
    assert code_of(frames[-1]) == 1002


@pytest.mark.parametrize("path", SOCKETS)
@pytest.mark.parametrize("in_pieces", [False, True])
@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999])
async def test_what_a_client_may_send_is_taken(url: URL, path: str, in_pieces: bool, code: int) -> None:
    sent = [
        frame(TEXT, b"\xe2", fin=False),
        frame(PING, b"p" * 125),
        frame(0, b"\x82\xac"),
        closing(code, b"\xc3\xa9"),
    ]
    frames = await exchange(url, path, b"".join(sent), in_pieces=in_pieces)

    assert [said[1:] for said in frames if said[0] & 0xF in (TEXT, PONG)] == [b"p" * 125, "€".encode()]
    assert code_of(frames[-1]) == 1000
