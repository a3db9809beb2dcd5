"""A WebSocket room: one member speaks, a thousand listen, and later a few stop reading."""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from collections import deque
from statistics import quantiles

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
ONE_TEXT = bytes([128 | TEXT_FRAME, 126])  # how a text of 126 to 65,535 bytes begins


class Room:
    """Be all members at once: count what they receive, and note how long each message took to reach the last one.

    PERF: plain sockets on one epoll, because the client has to be cheaper than any server.
    """

    def __init__(self, port: int, members: int) -> None:
        self.sent = self.received = 0
        self.delays: list[float] = []
        self._sent_at: deque[float] = deque()
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._rests: dict[int, bytes] = {}
        for _ in range(members):
            member = join(port)
            self._sockets[member.fileno()] = member
            self._poll.register(member, select.EPOLLIN)
        self._speaker = next(iter(self._sockets.values()))
        time.sleep(JOIN_SECONDS)  # a server may add a member only after it has answered

    def say(self, text: str) -> None:
        """Let one member send a message to all."""
        self.sent += 1
        self._sent_at.append(time.monotonic())
        message = json.dumps({"number": self.sent, "text": text})
        self._speaker.sendall(masked(TEXT_FRAME, message.encode()))

    def listen(self, seconds: float) -> None:
        """Take what arrives next, and wait no longer than that for it."""
        sockets, rests, received = self._sockets, self._rests, self.received
        for number, _ in self._poll.poll(seconds):
            data = sockets[number].recv(20_000)
            if (
                number not in rests
                and data[:2] == ONE_TEXT
                and len(data) == int.from_bytes(data[2:4], "big") + 4
            ):
                received += 1
            else:
                received += self._take(number, data)
        self.received = received
        while received >= (len(self.delays) + 1) * len(sockets) and self._sent_at:
            self.delays.append(time.monotonic() - self._sent_at.popleft())

    def _take(self, number: int, data: bytes) -> int:
        """Take the frames that are there in full, keep the rest, and return how many texts there were.

        Raises:
            ConnectionError: The server has sent a member away that did read.
        """
        buffer, start, texts = self._rests.pop(number, b"") + data, 0, 0
        if not data:
            raise ConnectionError("the server has closed the socket of a member that reads")
        while (frame := next_frame(buffer, start)) is not None:
            kind, begin, start = frame
            texts += kind == TEXT_FRAME
            if kind == PING_FRAME:
                self._sockets[number].sendall(masked(PONG_FRAME, buffer[begin:start]))
            elif kind == CLOSE_FRAME:
                raise ConnectionError("the server has sent a member away that reads")
        if start < len(buffer):
            self._rests[number] = buffer[start:]
        return texts

    def close(self) -> None:
        """Leave without a word."""
        for member in self._sockets.values():
            member.close()
        self._poll.close()


def next_frame(buffer: bytes, start: int) -> tuple[int, int, int] | None:
    """Return opcode, begin and end of the payload of the frame that starts there (RFC 6455, 5.2), if it is whole."""
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


def join(port: int, *, stuck: bool = False) -> socket.socket:
    """Return a member; one that will be stuck has buffers so small that the server notices soon.

    Raises:
        ConnectionError: The server refused the upgrade.
    """
    member = socket.socket()
    if stuck:
        member.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        # The kernel sizes the server's send buffer by the segment; loopback's would swallow megabytes.
        member.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    member.settimeout(10)
    member.connect(("127.0.0.1", port))
    member.sendall(HANDSHAKE)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += member.recv(1) or b"\r\n\r\n"
    if b" 101 " not in head.partition(b"\r\n")[0]:
        raise ConnectionError(f"the server refused the upgrade: {head.decode(errors='replace')}")
    return member


def room(server: Running, seconds: int) -> Sample:
    """Speak in a room for some seconds, and again with members that have stopped reading and full buffers."""
    members = Room(server.port, MEMBERS)
    stuck: list[socket.socket] = []
    try:
        sample = speak(server, members, seconds=seconds)
        before = server.rss_bytes()
        stuck += [join(server.port, stuck=True) for _ in range(STUCK)]
        time.sleep(JOIN_SECONDS)
        speak(server, members, text=LONG, seconds=FILL_SECONDS, at_most=FILL_MESSAGES)
        with_stuck = speak(server, members, seconds=seconds)
        grown = (server.rss_bytes() - before) / MIB
    finally:
        members.close()
        for member in stuck:
            member.close()
    return {
        **sample,
        "stuck_per_s": with_stuck["per_s"],
        "stuck_p99_ms": with_stuck["p99_ms"],
        "stuck_grown_mib": grown,
    }


def speak(
    server: Running, members: Room, *, seconds: int, text: str = SHORT, at_most: int = sys.maxsize
) -> Sample:
    """Keep a few messages on their way for some seconds; return what arrived, and what the server spent on it."""
    received, spent, first = members.received, server.cpu_seconds(), len(members.delays)
    began, last = time.monotonic(), members.sent + at_most
    client = time.process_time()
    while (left := began + seconds - time.monotonic()) > 0 and len(members.delays) < last:
        while members.sent - len(members.delays) < WINDOW and members.sent < last:
            members.say(text)
        members.listen(left)
    elapsed, count = time.monotonic() - began, members.received - received
    delays = members.delays[first:] or [float(seconds)]  # a room that stands still: at least so long
    percentiles = quantiles([*delays, delays[-1]], n=100)
    used = server.cpu_seconds() - spent
    return {
        "per_s": count / elapsed,
        "cpu_us": used / max(count, 1) * 1e6,
        "core": used / elapsed,
        "client_core": (time.process_time() - client) / elapsed,
        "p50_ms": percentiles[49] * 1e3,
        "p99_ms": percentiles[98] * 1e3,
        "rss_mib": server.rss_bytes() / MIB,
    }
