"""Move 1 GiB in and out, and see how much memory the server needs for it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

from benchmarks.checks import Unfair
from benchmarks.data import CHUNK, GIB
from benchmarks.load import Sample
from benchmarks.process import MIB, Running

DEADLINE_SECONDS = 120


def make_big_file(folder: Path) -> Path:
    """Make a file of 1 GiB that takes no room on the disk (it has one hole)."""
    path = folder / "big.bin"
    with path.open("wb") as file:
        file.truncate(GIB)
    return path


def transfer(server: Running, work: str) -> Sample:
    """Upload or download 1 GiB once; return throughput, CPU, and the peak of memory above idle.

    Raises:
        Unfair: The server took or gave another number of bytes.
    """
    idle, before = server.rss_bytes(), server.cpu_seconds()
    server.forget_peak()
    began = time.monotonic()
    moved = _upload(server.port) if work == "upload" else _download(server.port)
    seconds = time.monotonic() - began
    if moved != GIB:
        raise Unfair(f"{server.name} moved {moved} bytes instead of {GIB}")
    return {
        "mib_per_s": GIB / MIB / seconds,
        "cpu_s": server.cpu_seconds() - before,
        "peak_mib": (server.peak_bytes() - idle) / MIB,
    }


def _upload(port: int) -> int:
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(GIB)}
    connection = HTTPConnection("127.0.0.1", port, timeout=DEADLINE_SECONDS)
    try:
        connection.request("PUT", "/upload", _zeros(), headers)
        body = connection.getresponse().read()
    finally:
        connection.close()
    return int(json.loads(body)["bytes"])


def _zeros() -> Iterator[bytes]:
    chunk = bytes(CHUNK)
    for _ in range(GIB // CHUNK):
        yield chunk


def _download(port: int) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=DEADLINE_SECONDS)
    buffer, moved = bytearray(4 * CHUNK), 0
    try:
        connection.request("GET", "/download")
        response = connection.getresponse()
        while count := response.readinto(buffer):
            moved += count
    finally:
        connection.close()
    return moved
