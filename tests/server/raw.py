"""Speak HTTP byte by byte, as no well-behaved client would."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

PATIENCE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Response:
    """One response as it came over the wire."""

    status: int
    version: str
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        """Return the problem document that the response is."""
        assert self.headers["content-type"] == "application/problem+json", self
        document: dict[str, Any] = json.loads(self.body)
        assert document["status"] == self.status
        return document


class Peer:
    """The client of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *parts: bytes, pause_seconds: float = 0) -> None:
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            await asyncio.sleep(pause_seconds)

    async def answer(self) -> Response:
        """Read one response, whole."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            head = await self.reader.readuntil(b"\r\n\r\n")
            return await self._rest(head)

    async def answers(self) -> list[Response]:
        """Read responses until the server closes."""
        found = []
        while True:
            try:
                found.append(await self.answer())
            except (asyncio.IncompleteReadError, ConnectionResetError):
                return found

    async def until_closed(self) -> bytes:
        """Read whatever comes until the server closes."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""

    async def _rest(self, head: bytes) -> Response:
        status_line, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        version, status, _ = status_line.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return Response(int(status), version, headers, body)


@asynccontextmanager
async def peer(port: int) -> AsyncIterator[Peer]:
    """Connect to a port of this machine."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Peer(reader, writer)
    finally:
        writer.close()


async def exchange(port: int, data: bytes) -> list[Response]:
    """Send bytes on a new connection and return all responses until the server closes it."""
    async with peer(port) as client:
        await client.send(data)
        return await client.answers()


def request(line: str, *headers: str, body: bytes = b"", host: str = "a") -> bytes:
    """Write a request; without a Host header of its own it gets one."""
    lines = [line, *([f"Host: {host}"] if host else []), *headers, "", ""]
    return "\r\n".join(lines).encode() + body
