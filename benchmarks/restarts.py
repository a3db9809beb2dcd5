"""What restarts and kills lose: ``make restarts`` prints lost requests, and acknowledged writes that are not there.

Two workers with default settings are replaced by SIGHUP again and again under keep-alive load; a request counts as lost
when its client gets no whole answer with 200, and nothing is sent twice. Then workers are killed (SIGKILL) under load:
each write that was acknowledged has to stand in the ledger.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from aiohttp import web

from framework import RouteTableDef, ServiceSettings, create_app, public
from framework.server import ServerSettings
from framework.server.worker import run_workers

CLIENTS = 16
LEDGER = "RESTARTS_LEDGER"
_PAUSE_SECONDS = 0.05  # between two requests of a client
_KILL_SECONDS = 0.25

routes = RouteTableDef()


@routes.post("/writes/{name}")
@public
async def write(request: web.Request) -> web.Response:
    """Write a line into the ledger, and tell who did."""
    target = os.open(os.environ[LEDGER], os.O_APPEND | os.O_CREAT | os.O_WRONLY)
    try:
        os.write(target, f"{request.match_info['name']}\n".encode())
    finally:
        os.close(target)
    return web.Response(text=str(os.getpid()))


def build() -> web.Application:
    """Make the service."""
    return create_app(ServiceSettings(), routes=[routes])


class Lost(Exception):
    """A request without a whole answer."""


class Client:
    """A client that keeps its connection until it is told that this closes."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, name: str) -> int:
        """Send a write, and return the process that has acknowledged it.

        Raises:
            Lost: Nobody did.
        """
        try:
            async with asyncio.timeout(10):
                return await self._post(name)
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            self.close()
            raise Lost(repr(error)) from error

    async def _post(self, name: str) -> int:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(f"POST /writes/{name} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        fields = dict(line.split(": ", 1) for line in head.splitlines()[1:] if line)
        body = await reader.readexactly(int(fields["content-length"]))
        if " 200 " not in head.splitlines()[0]:
            raise ValueError(head.splitlines()[0])
        if fields.get("connection") == "close":
            self.close()
        return int(body)

    def close(self) -> None:
        """Close the connection; the next write opens another one."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


class Outcome(NamedTuple):
    """What a load has met.

    Attributes:
        acknowledged: The writes that were answered.
        lost: Why each other one was not.
        workers: The processes that have answered.
    """

    acknowledged: set[str]
    lost: list[str]
    workers: list[int]


async def load(port: int, requests: int, outcome: Outcome) -> None:
    """Send so many writes over as many connections as there are clients."""
    numbers = iter(range(requests))

    async def work() -> None:
        client = Client(port)
        for number in numbers:
            try:
                worker = await client.post(str(number))
            except Lost as loss:
                outcome.lost.append(str(loss))
            else:
                outcome.acknowledged.add(str(number))
                if worker not in outcome.workers:
                    outcome.workers.append(worker)
            await asyncio.sleep(_PAUSE_SECONDS)
        client.close()

    await asyncio.gather(*(work() for _ in range(CLIENTS)))


@asynccontextmanager
async def service(ledger: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """Run two workers in processes of their own, for as long as the block runs."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    environment = {**os.environ, LEDGER: str(ledger), "LOGS_LEVEL": "ERROR"}
    arguments = ("-m", "benchmarks.restarts", "--serve", str(port))
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=environment, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(30):
            while True:
                with suppress(Lost):
                    await Client(port).post("first")
                    break
                await asyncio.sleep(0.1)
        await asyncio.sleep(2)  # until the other worker serves, too
        yield process, port
    finally:
        process.terminate()
        await process.wait()


async def restart(requests: int, every_seconds: float) -> tuple[Outcome, int]:
    """Return what a load has met while all workers were replaced again and again, and how often they were."""
    outcome, restarts = Outcome(set(), [], []), 0
    with tempfile.TemporaryDirectory() as folder:
        async with service(Path(folder, "ledger")) as (process, port):
            work = asyncio.create_task(load(port, requests, outcome))
            while not (await asyncio.wait({work}, timeout=every_seconds))[0]:
                process.send_signal(signal.SIGHUP)
                restarts += 1
            await work
    return outcome, restarts


async def kill(kills: int) -> tuple[Outcome, set[str]]:
    """Return what a load has met while so many workers were killed, and what stands in the ledger."""
    outcome, done = Outcome(set(), [], []), 0
    with tempfile.TemporaryDirectory() as folder:
        ledger = Path(folder, "ledger")
        async with service(ledger) as (_, port):
            work = asyncio.create_task(load(port, 10**9, outcome))
            killed: set[int] = set()
            while done < kills:
                await asyncio.sleep(_KILL_SECONDS)
                for worker in [each for each in outcome.workers if each not in killed][:1]:
                    with suppress(ProcessLookupError):
                        os.kill(worker, signal.SIGKILL)
                    killed.add(worker)
                    done += 1
            work.cancel()
            await asyncio.wait({work})
            return outcome, set((await asyncio.to_thread(ledger.read_text)).split())


async def measure(requests: int, every_seconds: float, kills: int) -> bool:
    """Print what was lost; return whether that is nothing."""
    outcome, restarts = await restart(requests, every_seconds)
    print(
        f"{restarts} restarts, {len(outcome.workers)} workers, {requests} requests: {len(outcome.lost)} lost"
    )
    for loss in sorted(set(outcome.lost)):
        print(f"  {outcome.lost.count(loss)} x {loss}")
    under_fire, ledger = await kill(kills)
    missing = under_fire.acknowledged - ledger
    print(f"{kills} kills, {len(under_fire.acknowledged)} acknowledged writes: {len(missing)} lost")
    return not outcome.lost and not missing


def main() -> int:
    """Measure, and return 1 when something is lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.restarts", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--every", type=float, default=3.0, help="seconds from one restart to the next")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is not None:
        run_workers(build, ServerSettings(port=options.serve, workers=2))
    return int(not asyncio.run(measure(options.requests, options.every, options.kills)))


if __name__ == "__main__":
    sys.exit(main())
