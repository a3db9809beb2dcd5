"""A WebSocket room: one member speaks, a thousand listen, and later a few stop reading."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from statistics import quantiles
from typing import cast

import uvloop

from benchmarks.load import Sample
from benchmarks.process import MIB, Running

MEMBERS, STUCK = 1000, 5
WINDOW = 4  # messages on their way at once, so that the server never waits for the client
SHORT, LONG = "x" * 1000, "x" * 16_000
FILL_MESSAGES, FILL_SECONDS = (
    64,
    10,
)  # 1 MiB: more than kernel and server keep for a member that does not read
JOIN_SECONDS = 0.5
HANDSHAKE = (
    b"GET /room HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
TEXT_FRAME, CLOSE_FRAME, PING_FRAME, PONG_FRAME = 1, 8, 9, 10


@dataclass
class Room:
    """What all members have received, and how long each message took to reach the last of them."""

    members: int
    received: int = 0
    closed: int = 0
    sent_at: deque[float] = field(default_factory=deque)
    delays: list[float] = field(default_factory=list)
    sent: int = 0
    some_delivered: asyncio.Event = field(default_factory=asyncio.Event)

    def say(self, speaker: Member, text: str) -> None:
        """Let a member send a message to all."""
        self.sent += 1
        self.sent_at.append(time.monotonic())
        message = json.dumps({"number": self.sent, "text": text})
        speaker.transport.write(masked(TEXT_FRAME, message.encode()))

    def delivered(self) -> None:
        """Count one message at one member."""
        self.received += 1
        if self.received >= (len(self.delays) + 1) * self.members:
            self.delays.append(time.monotonic() - self.sent_at.popleft())
            self.some_delivered.set()


class Member(asyncio.Protocol):
    """The client's side of RFC 6455, as far as counting messages needs it."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._buffer = bytearray()
        self.joined = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(HANDSHAKE)

    def connection_lost(self, error: Exception | None) -> None:
        """Count a member that the server has sent away."""
        self._room.closed += 1
        if not self.joined.done():
            self.joined.set_exception(ConnectionError("the server refused the upgrade"))

    def data_received(self, data: bytes) -> None:
        """Take the answer to the upgrade, then frames."""
        self._buffer += data
        if not self.joined.done():
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                self.joined.set_exception(ConnectionError(head.decode(errors="replace")))
                return
            self._buffer = rest
            self.joined.set_result(None)
        self._take_frames()

    def _take_frames(self) -> None:
        start, buffer = 0, self._buffer
        while (frame := _next_frame(buffer, start)) is not None:
            kind, begin, start = frame
            if kind == TEXT_FRAME:
                self._room.delivered()
            elif kind == PING_FRAME:
                self.transport.write(masked(PONG_FRAME, bytes(buffer[begin:start])))
            elif kind == CLOSE_FRAME:
                self.transport.close()
        del buffer[:start]


def _next_frame(buffer: bytearray, start: int) -> tuple[int, int, int] | None:
    """Return opcode, begin and end of the payload of the frame that starts there, if it is there in full."""
    if len(buffer) < start + 2:
        return None
    length, begin = buffer[start + 1] & 127, start + 2
    extra = {126: 2, 127: 8}.get(length, 0)
    if extra:
        if len(buffer) < begin + extra:
            return None
        length = int.from_bytes(buffer[begin : begin + extra], "big")
        begin += extra
    return (buffer[start] & 15, begin, begin + length) if len(buffer) >= begin + length else None


def masked(opcode: int, payload: bytes) -> bytes:
    """Return one final client frame; the mask is of zeros, which leaves the payload as it is."""
    size = len(payload)
    length = bytes([128 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return bytes([128 | opcode]) + length + bytes(4) + payload


def room(server: Running, seconds: int) -> Sample:
    """Speak in a room for some seconds, and again with members that have stopped reading and full buffers."""
    return uvloop.run(_room(server, seconds))


async def _room(server: Running, seconds: int) -> Sample:
    figures = Room(MEMBERS)
    speaker, *others = await _join(server.port, figures)
    stuck: list[socket.socket] = []
    try:
        sample = await _speak(server, figures, speaker, seconds=seconds)
        idle = server.rss_bytes()
        stuck = await asyncio.to_thread(_stuck_members, server.port)
        await asyncio.sleep(JOIN_SECONDS)
        await _speak(server, figures, speaker, text=LONG, seconds=FILL_SECONDS, at_most=FILL_MESSAGES)
        with_stuck = await _speak(server, figures, speaker, seconds=seconds)
        grown = (server.rss_bytes() - idle) / MIB
    finally:
        for member in (speaker, *others):
            member.transport.abort()
        for connection in stuck:
            connection.close()
    return {
        **sample,
        "stuck_per_s": with_stuck["per_s"],
        "stuck_p99_ms": with_stuck["p99_ms"],
        "stuck_grown_mib": grown,
    }


async def _join(port: int, figures: Room) -> list[Member]:
    loop = asyncio.get_running_loop()
    members = []
    for _ in range(figures.members):
        _, member = await loop.create_connection(lambda: Member(figures), "127.0.0.1", port)
        await asyncio.wait_for(member.joined, 10)
        members.append(member)
    await asyncio.sleep(JOIN_SECONDS)  # a server may add a member only after it has answered
    return members


def _stuck_members(port: int) -> list[socket.socket]:
    """Join members that never read, with buffers so small that the server notices soon."""
    connections = []
    for _ in range(STUCK):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        # The kernel sizes the server's send buffer by the segment; loopback's would swallow megabytes.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        connection.settimeout(10)
        connection.connect(("127.0.0.1", port))
        connection.sendall(HANDSHAKE)
        connection.recv(1024)
        connections.append(connection)
    return connections


async def _speak(
    server: Running,
    figures: Room,
    speaker: Member,
    *,
    seconds: int,
    text: str = SHORT,
    at_most: int = sys.maxsize,
) -> Sample:
    received, spent, first = figures.received, server.cpu_seconds(), len(figures.delays)
    began, last = time.monotonic(), figures.sent + at_most
    while (left := began + seconds - time.monotonic()) > 0:
        while figures.sent - len(figures.delays) < WINDOW and figures.sent < last:
            figures.say(speaker, text)
        if len(figures.delays) >= last:
            break
        figures.some_delivered.clear()
        try:
            await asyncio.wait_for(figures.some_delivered.wait(), left)
        except TimeoutError:
            break
    elapsed, count = time.monotonic() - began, figures.received - received
    delays = figures.delays[first:] or [float(seconds)]  # a room that stands still: at least so long
    percentiles = quantiles([*delays, delays[-1]], n=100)
    return {
        "per_s": count / elapsed,
        "cpu_us": (server.cpu_seconds() - spent) / max(count, 1) * 1e6,
        "core": (server.cpu_seconds() - spent) / elapsed,
        "p50_ms": percentiles[49] * 1e3,
        "p99_ms": percentiles[98] * 1e3,
        "rss_mib": server.rss_bytes() / MIB,
    }
