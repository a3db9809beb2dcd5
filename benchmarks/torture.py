"""What a request that was made to be dear costs: ``make torture`` prints CPU seconds per MB, through the front door.

A service with one endpoint for each way to read a request runs in a process of its own, and Linux counts its CPU time.
A line above the promise (0.1 s per MB, and 5 ms for what has at most 8 KB) is marked, and the exit code is 1. The
documents of `benchmarks.bombs` follow, which are read without a server.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
import socket
import sys
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from benchmarks import bombs
from benchmarks.bombs import MEGABYTE, SECONDS_FOR_SMALL, SECONDS_PER_MEGABYTE, SMALL
from framework.server import serve
from tests.edge.catalogue import END, JSON, MULTIPART, URLENCODED, get, named, part, post, request
from tests.edge.service import build

ROUNDS = 5
HEAD = 8_000


class Shape(NamedTuple):
    """A request.

    Attributes:
        name: What is wrong with it.
        data: The bytes of the whole connection.
    """

    name: str
    data: bytes


def heads() -> Iterator[Shape]:
    """Yield requests whose head is dear, of up to 8 KB each."""
    for name, unit in [
        ("Cookie", "a=1;"), ("Cookie", ";"), ("Cookie", 'a="\\1";'), ("Cookie", "a="), ("Cookie", "\t "),
        ("Accept", "a/b;q=1,"), ("Accept", ";"), ("Accept-Language", "a;q=1,"), ("Range", "bytes=0-1,"),
        ("If-None-Match", '"a",'), ("If-Match", 'W/"a",'), ("Forwarded", "for=a;"), ("Forwarded", '"\\'),
        ("X-Forwarded-For", "1.1.1.1,"), ("Authorization", "Bearer ."), ("Authorization", "Basic YTpi"),
        ("Content-Type", "a;"), ("If-Modified-Since", "Sun, "), ("Traceparent", "00-"), ("X-Request-ID", "a"),
        ("Sec-WebSocket-Extensions", "a;b,"), ("Origin", "http://a."), ("X-Name", "ä"),
    ]:  # fmt: skip
        line = f"{name}: {unit * (HEAD // len(unit.encode()))}"
        yield Shape(f"{name} of {unit!r}", get("/seen", line))
        yield Shape(f"file, {name} of {unit!r}", get("/file", line))
    yield Shape("plain cookies", get("/plain/cookies", "Cookie: " + "a=1;" * 2_000))
    yield Shape("Content-Type of semicolons", post("/forms", b"a", "Content-Type: a/b" + ";" * 490))
    yield Shape("a path of slashes", get("/" * HEAD))
    yield Shape(
        "its preflight",
        request(f"OPTIONS {'/' * HEAD} HTTP/1.1", "Origin: http://a", "Access-Control-Request-Method: GET"),
    )
    yield Shape("a path of short segments", get("/a" * (HEAD // 2)))
    yield Shape("a path of escapes", get("/" + "%41" * (HEAD // 3)))
    yield Shape("a path of %01", get("/" + "%01" * (HEAD // 3)))
    yield Shape("a query of parameters", get("/search?" + "a=&" * (HEAD // 3)))
    yield Shape("a query of one parameter", get("/search?" + "q=1&" * (HEAD // 4)))
    yield Shape("a plain query", get("/plain/cookies?" + "a&" * (HEAD // 2)))
    yield Shape("a query of escapes", get("/search?q=" + "%C3%A4" * (HEAD // 6)))
    yield Shape("ninety headers", get("/", *["X-A: b"] * 90))


def bodies() -> Iterator[Shape]:
    """Yield requests whose body is dear, of up to 1 MB each, and of 8 KB."""
    for size in (MEGABYTE, SMALL):
        for name, path, media_type, body in documents(size):
            yield Shape(f"{name}, {size // 1000} kB", post(path, body, media_type))
        yield Shape(f"chunks of one byte, {size // 1000} kB", chunked(b"1\r\na\r\n", size))
        yield Shape(f"chunk extensions, {size // 1000} kB", chunked(b"1;a=b;c\r\na\r\n", size))
        yield Shape(
            f"one long chunk extension, {size // 1000} kB",
            chunked(b"1;" + b"a" * (size - 9) + b"\r\na\r\n", size),
        )


def chunked(chunk: bytes, size: int) -> bytes:
    """Return a body of like chunks."""
    head = request("POST /plain/read HTTP/1.1", "Transfer-Encoding: chunked")
    return head + chunk * max(1, size // len(chunk)) + b"0\r\n\r\n"


def documents(size: int) -> Iterator[tuple[str, str, str, bytes]]:
    """Yield names, paths, media types and bodies."""
    deep = b"[" * 900 + b"]" * 900 + b","
    for path in ("/orders", "/plain/json"):
        yield f"900 nested arrays at {path}", path, JSON, b"[" + deep * (size // len(deep)) + b"1]"
        yield f"brackets at {path}", path, JSON, b"[" * size
        yield f"one key many times at {path}", path, JSON, b"{" + b'"a":1,' * (size // 6) + b'"a":1}'
        yield f"long numbers at {path}", path, JSON, b"[" + b"1" * size + b"]"
        yield f"exponents at {path}", path, JSON, b"[" + b"1e999999," * (size // 9) + b"1]"
        yield f"escapes at {path}", path, JSON, b'"' + b"\\u0041" * (size // 6) + b'"'
        yield f"backslashes at {path}", path, JSON, b'"' + b"\\\\" * (size // 2) + b'"'
    yield "unknown fields", "/trees", JSON, b"{" + b",".join(b'"%d":1' % n for n in range(size // 10)) + b"}"
    for path in ("/forms", "/plain/post"):
        yield f"fields at {path}", path, URLENCODED, b"a=1&" * (size // 4)
        yield f"escapes in a field at {path}", path, URLENCODED, b"title=" + b"%41" * (size // 3)
    for path in ("/forms", "/plain/post", "/plain/multipart"):
        yield f"preamble of LF at {path}", path, MULTIPART, b"\n" * size
        yield f"preamble of CRLF at {path}", path, MULTIPART, b"\r\n" * (size // 2)
        yield f"preamble of text at {path}", path, MULTIPART, b"a" * size
        yield f"epilogue of LF at {path}", path, MULTIPART, named(b"title") + END + b"\n" * size
        yield f"part of LF at {path}", path, MULTIPART, named(b"title", text=b"\n" * size) + END
        yield (
            f"part of boundaries at {path}",
            path,
            MULTIPART,
            named(b"title", text=b"\r\n--" * (size // 4)) + END,
        )
        yield f"many parts at {path}", path, MULTIPART, named(b"title") * (size // 60) + END
        semicolons = b"Content-Disposition: form-data" + b";" * 7_900
        yield f"semicolons at {path}", path, MULTIPART, part(semicolons) * max(1, size // 8_000) + END
        parameters = b'Content-Disposition: form-data; name="a"' + b"; =" * 2_600
        yield (
            f"malformed parameters at {path}",
            path,
            MULTIPART,
            part(parameters) * max(1, size // 8_000) + END,
        )
        headers = [b"X-A%d: b" % n for n in range(size // 12)]
        yield f"headers of a part at {path}", path, MULTIPART, part(*headers) + END
        yield (
            f"a long file name at {path}",
            path,
            MULTIPART,
            named(b"document", more=b'; filename="' + b"\xcc\x81" * 3_800 + b'"') + END,
        )


def run(channel: Connection) -> None:
    """Serve, and send the port."""

    async def main() -> None:
        async with serve(build()) as running:
            channel.send(running.port)
            await asyncio.get_running_loop().run_in_executor(None, channel.recv)

    with (
        Path("/dev/null").open("w") as nowhere,
        contextlib.redirect_stderr(nowhere),
        contextlib.redirect_stdout(nowhere),
    ):
        logging.disable(logging.WARNING)
        asyncio.run(main())


def cpu_seconds(pid: int) -> float:
    """Return what a process and its threads have used (proc(5), schedstat)."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def seconds(pid: int, port: int, data: bytes) -> tuple[float, int]:
    """Return the CPU time that a request costs, at its quickest, and its status."""
    best, status = float("inf"), 0
    for _ in range(ROUNDS):
        before = cpu_seconds(pid)
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            with contextlib.suppress(ConnectionError):
                connection.sendall(data)
            answer = b""
            with contextlib.suppress(ConnectionError):
                while piece := connection.recv(65_536):
                    answer += piece
        status = int(answer[9:12] or b"0")
        best = min(best, cpu_seconds(pid) - before)
    return best, status


class Costs(NamedTuple):
    """What a request cost.

    Attributes:
        shape: What was sent.
        status: The status that answered it.
        used: CPU seconds.
    """

    shape: Shape
    status: int
    used: float

    @property
    def is_small(self) -> bool:
        """Whether it is for its size that nothing much is promised of it per MB."""
        return len(self.shape.data) <= SMALL + 500

    @property
    def per_megabyte(self) -> float:
        """CPU seconds per MB."""
        return self.used / len(self.shape.data) * MEGABYTE

    @property
    def share(self) -> float:
        """What it cost as a part of what it may."""
        return self.used / SECONDS_FOR_SMALL if self.is_small else self.per_megabyte / SECONDS_PER_MEGABYTE


def measured() -> Iterator[Costs]:
    """Send all shapes to a service, and yield what each cost."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=run, args=(theirs,), daemon=True)
    process.start()
    port, pid = ours.recv(), process.pid or 0
    for shape in [*heads(), *bodies()]:
        used, status = seconds(pid, port, shape.data)
        yield Costs(shape, status, used)
    ours.send(None)
    process.join(10)


def main() -> int:
    """Print what each shape costs, and then the documents without a server."""
    found = []
    for cost in measured():
        found.append(cost)
        rate = "" if cost.is_small else f"{cost.per_megabyte * 1_000:8.1f} ms/MB"
        mark = " DEAR" if cost.share > 1 else ""
        print(f"{cost.shape.name:48} {cost.status} {cost.used * 1_000:8.2f} ms {rate:>14}{mark}")
    for small in (False, True):
        worst = max((cost for cost in found if cost.is_small is small), key=lambda cost: cost.share)
        figure = f"{worst.used * 1_000:.2f} ms" if small else f"{worst.per_megabyte:.3f} s/MB"
        print(f"worst of {len(found)} requests: {figure}, {worst.shape.name}")
    return int(bombs.main() or any(cost.share > 1 for cost in found))


if __name__ == "__main__":
    sys.exit(main())
