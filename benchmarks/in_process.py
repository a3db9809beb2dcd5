"""Drive the service without sockets, for counting instructions: `python -m benchmarks.in_process REQUESTS WORK...`.

Requests go into the connection's protocol as bytes and answers come out of it as bytes, in one thread, on a clock
that stands still: two runs do the same. `os.sched_yield` marks the begin and the end of what is counted.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from benchmarks import service
from benchmarks.tokens import own_signer
from benchmarks.works import Ask, Work, all_works
from framework.adapters.aiohttp.runner import Runner
from framework.batteries.templates.rendering import rendered
from framework.server.app_keys import SERVER_SETTINGS

WARM_UP_REQUESTS = 100  # twice all callers of the orders work
MOST_TURNS = 1000


class StillLoop(asyncio.SelectorEventLoop):
    """An event loop on which no timer ever fires."""

    def time(self) -> float:
        """Return the same moment, always."""
        return 0.0


class Wire(asyncio.Transport):
    """The other end of a connection: it keeps what was written last."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 50000), "sockname": ("127.0.0.1", 80)})
        self.answer = bytearray()
        self.closing = False

    def write(self, data: Any) -> None:
        """Take bytes of an answer."""
        self.answer += data

    def writelines(self, parts: Any) -> None:
        """Take bytes of an answer."""
        for part in parts:
            self.answer += part

    def is_closing(self) -> bool:
        """Say whether the server has closed the connection."""
        return self.closing

    def close(self) -> None:
        """Note that the server has had enough."""
        self.closing = True

    def abort(self) -> None:
        """Note that the server has had enough."""
        self.closing = True

    def get_write_buffer_size(self) -> int:
        """Return 0: all is sent at once."""
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Take no notice."""

    def pause_reading(self) -> None:
        """Take no notice: a request is given as a whole."""

    def resume_reading(self) -> None:
        """Take no notice."""

    def is_reading(self) -> bool:
        """Say that it reads."""
        return True

    def can_write_eof(self) -> bool:
        """Say that a half-closed connection is not known here."""
        return False


class Client:
    """Send requests over one connection after the other, each after the last one's answer."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._wire = Wire()
        self._wire.closing = True  # so that the first request connects

    async def ask(self, request: bytes, status: bytes) -> None:
        """Send one request and wait for its answer.

        Raises:
            RuntimeError: The answer has another status, or none came.
        """
        if self._wire.closing:
            self._connect()
        wire = self._wire
        wire.answer.clear()
        self._protocol.data_received(request)
        for _ in range(MOST_TURNS):
            if is_whole(wire.answer):
                break
            await asyncio.sleep(0)
        if not wire.answer.startswith(b"HTTP/1.1 " + status):
            raise RuntimeError(f"the answer was {bytes(wire.answer[:500])!r}")
        # The server closes a connection that has served its share, but only after another turn of the loop.
        wire.closing = wire.closing or b"connection: close" in wire.answer.partition(b"\r\n\r\n")[0].lower()

    def _connect(self) -> None:
        assert self._runner.server is not None
        self._wire = Wire()
        self._protocol = self._runner.server()
        self._protocol.connection_made(self._wire)


def is_whole(answer: bytearray) -> bool:
    """Say whether an answer with a Content-Length is there in full."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    lower = head.lower()
    start = lower.index(b"content-length:") + 15
    length = lower[start:].partition(b"\r\n")[0]
    return len(body) >= int(length)


def request_bytes(ask: Ask) -> bytes:
    """Return a request as it travels (RFC 9112)."""
    body = (ask.body or "").encode()
    headers = {"Host": "bench.example", **ask.headers, **({"Content-Length": str(len(body))} if body else {})}
    lines = [f"{ask.method} {ask.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextmanager
def unread_stderr() -> Iterator[None]:
    """Let the service log into a full pipe that nobody reads.

    The thread that writes the log gathers lines by the clock; this one it waits for, and so it costs the same always.
    """
    _, end = os.pipe()
    os.set_blocking(end, False)
    with suppress(BlockingIOError):
        while True:
            os.write(end, bytes(4096))
    os.set_blocking(end, True)
    kept, sys.stderr = sys.stderr, open(end, "w")  # noqa: SIM115, PTH123 - it stays open for the thread
    try:
        yield
    finally:
        sys.stderr = kept


async def drive(works: Sequence[Work], count: int) -> None:
    """Send every work's requests in turn: first to warm up, then between two marks."""
    # A page is rendered in turns of some milliseconds, and callgrind makes more of them; this clock stands still.
    rendered.__kwdefaults__ = {"clock": float}
    # On a clock that stands still the loop would be taken for stuck, and a thread would look whether it is.
    os.environ["OVERLOAD_STALL_SECONDS"] = "0"
    app = service.build("")
    runner = Runner(app, app[SERVER_SETTINGS])
    with unread_stderr():
        await runner.setup()
    client = Client(runner)
    for work in works:
        requests = [request_bytes(ask) for ask in work.asks]
        status = str(work.answers[0].status).encode()
        for turn in range(WARM_UP_REQUESTS):
            await client.ask(requests[turn % len(requests)], status)
        # One full collection more or less would be 3 % of a page: what is there already is looked through no more.
        gc.collect()
        gc.freeze()
        os.sched_yield()
        for turn in range(count):
            await client.ask(requests[turn % len(requests)], status)
        os.sched_yield()


if __name__ == "__main__":
    known = all_works(own_signer())
    with asyncio.Runner(loop_factory=StillLoop) as loop:
        loop.run(drive([known[name] for name in sys.argv[2:]], int(sys.argv[1])))
