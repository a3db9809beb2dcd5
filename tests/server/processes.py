"""Services in processes of their own, to be sent signals."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.ports import free_port
from tests.server.raw import Response, exchange, request

ROOT = Path(__file__).parents[2]

#: A module that offers services to run; each test adds what it runs.
SERVICES = """
import asyncio, logging, os, sys, time
from aiohttp import web
from framework.server import ServerSettings, run
from framework.server.worker import run_workers

logging.basicConfig(level="INFO", stream=sys.stderr, format="%(levelname)s %(message)s")
SETTINGS = ServerSettings(port={port}, workers=2, stop_seconds=10, {more})

def say(word):
    # In one write: the lines of two processes in one pipe stay whole.
    os.write(1, (word + chr(10)).encode())

async def pid(request):
    return web.Response(text=str(os.getpid()))

async def slow(request):
    say("slow")
    await asyncio.sleep(float(request.query["seconds"]))
    return web.Response(text=str(os.getpid()))

async def stuck(request):
    time.sleep(60)

async def leave(request):
    sys.exit(7)

async def open_and_close(app):
    say("opened")
    yield
    say("closed")

def build():
    app = web.Application()
    app.add_routes([web.get("/pid", pid), web.get("/slow", slow), web.get("/stuck", stuck), web.get("/leave", leave)])
    app.cleanup_ctx.append(open_and_close)
    return app

async def build_later():
    return build()

def build_nothing():
    return None

def build_that_fails():
    raise RuntimeError("no configuration")

def build_that_cannot_start():
    async def connect(app):
        raise RuntimeError("no database")
    app = build()
    app.on_startup.append(connect)
    return app

def build_that_never_starts():
    async def connect(app):
        say("connecting")
        await asyncio.sleep(60)
    app = build()
    app.on_startup.append(connect)
    return app
"""


class Process:
    """Be a running service: its port, its output, and a way to send it signals."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.port = port
        self.output = ""
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            self.output += line.decode()

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def says(self, text: str, times: int = 1) -> None:
        """Wait until the process has said something."""
        async with asyncio.timeout(20):
            while self.output.count(text) < times:
                assert not self._reading.done() or self.output.count(text) >= times, self.output
                await asyncio.sleep(0.02)

    async def get(self, path: str) -> Response:
        """Ask for a path, as soon as somebody listens."""
        async with asyncio.timeout(20):
            while True:
                try:
                    [answer] = await exchange(self.port, request(f"GET {path} HTTP/1.1", "Connection: close"))
                except (ConnectionError, ValueError):
                    await asyncio.sleep(0.05)
                else:
                    return answer

    async def ends(self) -> int:
        """Wait for the end, and return the exit code."""
        async with asyncio.timeout(20):
            code = await self._process.wait()
            await self._reading
        return code

    async def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self.ends()


@asynccontextmanager
async def process(
    folder: Path,
    last_line: str,
    *,
    more: str = "",
    environment: Mapping[str, str] | None = None,
    source: str | None = None,
) -> AsyncIterator[Process]:
    """Run the services module with one more line, such as ``run(build(), SETTINGS)``.

    Args:
        source: The whole module of another process, to be run once more on its port.
    """
    port = free_port()
    if source is None:
        source = SERVICES.replace("{port}", str(port)).replace("{more}", more)
        source = f"{source}\nif __name__ == '__main__':\n    {last_line}\n"
    (folder / "services.py").write_text(source)
    running = Process(await _start(folder, [sys.executable, "-W", "error", "services.py"], environment), port)
    try:
        yield running
    finally:
        await running.close()


@asynccontextmanager
async def command(folder: Path, *arguments: str) -> AsyncIterator[Process]:
    """Run a module of Python's on the services; ``{port}`` in an argument becomes a free port."""
    port = free_port()
    (folder / "services.py").write_text(SERVICES.replace("{port}", str(port)).replace("{more}", ""))
    filled = [argument.replace("{port}", str(port)) for argument in arguments]
    running = Process(await _start(folder, [sys.executable, "-m", *filled], None), port)
    try:
        yield running
    finally:
        await running.close()


async def _start(
    folder: Path, arguments: list[str], environment: Mapping[str, str] | None
) -> asyncio.subprocess.Process:
    path = os.pathsep.join([str(ROOT), str(folder)])
    return await asyncio.create_subprocess_exec(
        *arguments,
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": path,
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": str(folder),
            **(environment or {}),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
