"""Hold many keep-alive connections open and see what each costs the server."""

from __future__ import annotations

import socket
from contextlib import ExitStack

from benchmarks.load import Sample
from benchmarks.process import Running

CONNECTIONS = 2000
_REQUEST = b"GET /hello HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def idle(server: Running) -> Sample:
    """Open 2,000 connections that have each asked once; return the memory that one of them takes."""
    with ExitStack() as first:
        _open(server.port, 200, first)  # so that what is made once does not count
    before = server.rss_bytes()
    with ExitStack() as connections:
        _open(server.port, CONNECTIONS, connections)
        after = server.rss_bytes()
    return {"kib_per_connection": (after - before) / CONNECTIONS / 1024}


def _open(port: int, count: int, connections: ExitStack) -> None:
    for _ in range(count):
        connection = connections.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
        connection.sendall(_REQUEST)
        answer = b""
        while not answer.endswith(b"}"):
            answer += connection.recv(4096) or b"}"
