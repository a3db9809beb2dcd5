"""Lines on their way to stderr: a buffer with a bound, and a thread that may wait for a slow reader."""

from __future__ import annotations

import os
import select
import sys
import threading
from collections.abc import Callable
from typing import Any

Write = Callable[[bytes], object]

_GATHER_SECONDS = 0.02


class Pipe:
    """Lines that are taken without ever waiting, and written in another thread.

    Args:
        write: Writes bytes, all of them, however long that takes.
        limit_bytes: How much may wait; a line on top of it is dropped.
        report: Makes a line that says how many were dropped.
    """

    def __init__(
        self, *, limit_bytes: int, report: Callable[[int], bytes], write: Write | None = None
    ) -> None:
        self._write = write
        self._limit = limit_bytes
        self._report = report
        self._lock = threading.Lock()
        self._lines: list[bytes] = []
        self._size = 0
        self._dropped = 0
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def put(self, line: bytes) -> None:
        """Take a line; it may be dropped, and is never waited for."""
        with self._lock:
            if self._size + len(line) > self._limit:
                self._dropped += 1
                return
            self._lines.append(line)
            self._size += len(line)
        # PERF: asking costs a twentieth of setting, and under load it is set already.
        if not self._wake.is_set():
            self._wake.set()

    def open(self) -> None:
        """Start to write."""
        write = self._write or stderr_writer()
        # It is a daemon: a reader that is stuck must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, args=(write,), name="framework.logs", daemon=True)
        self._thread.start()

    def close(self, *, wait_seconds: float) -> None:
        """Write what is left, for at most so long."""
        self._closing.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(wait_seconds)

    def _run(self, write: Write) -> None:
        while not (self._closing.is_set() and not self._lines):
            self._wake.wait()
            self._wake.clear()
            self._flush(write)
            # PERF: lines of the next moment share one wake-up and one write.
            self._closing.wait(_GATHER_SECONDS)

    def _flush(self, write: Write) -> None:
        with self._lock:
            lines, dropped = self._lines, self._dropped
            self._lines, self._size, self._dropped = [], 0, 0
        if dropped:
            lines.append(self._report(dropped))
        try:
            write(b"".join(lines))
        except (OSError, ValueError):  # nobody reads any more, or the file is closed
            with self._lock:
                self._dropped += len(lines)


def stderr_writer() -> Write:
    """Return what writes to stderr, past the buffer of ``sys.stderr`` where there is a file below it."""
    stream: Any = sys.stderr
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError, AttributeError):
        return lambda data: stream.write(data.decode())

    def write(data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(descriptor, view) :]
            except BlockingIOError:
                # Somebody who shares the file has made it non-blocking.
                select.select([], [descriptor], [], 1.0)

    return write
