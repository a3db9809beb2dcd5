"""Serve an application: in a test, from a script, or in a worker process."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from socket import socket
from ssl import SSLContext
from typing import Any, Protocol, cast

from aiohttp import web

from framework.adapters.versions import is_plain
from framework.errors import ConfigurationError
from framework.server.app_keys import SERVER_SETTINGS
from framework.server.guarantees import missing_guarantees
from framework.server.lifecycle import STARTING_HERE, Lifecycle, Phase, ensure_lifecycle
from framework.server.settings import ServerSettings

new_event_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
with suppress(ImportError):  # it does not install everywhere
    from uvloop import new_event_loop

logger = logging.getLogger("framework.server")

_WILDCARDS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


class Runner(Protocol):
    """What starts an application on a server, and stops it within its budget."""

    settings: ServerSettings
    lifecycle: Lifecycle

    @property
    def server(self) -> web.Server | None: ...
    @property
    def addresses(self) -> list[Any]: ...
    def new_site(self, sock: socket | None, ssl_context: SSLContext | None) -> web.BaseSite: ...
    async def setup(self) -> None: ...
    async def stop(self) -> None: ...


def new_runner(app: web.Application, settings: ServerSettings) -> Runner:
    """Return the runner of our own server, or of aiohttp's where its private parts are not to be leaned on."""
    room = "framework.server.plain" if is_plain("aiohttp") else "framework.adapters.aiohttp.runner"
    runner: Runner = import_module(room).Runner(app, settings)
    return runner


@dataclass(frozen=True, slots=True)
class Running:
    """A running server, and where it can be reached."""

    runner: Runner
    host: str
    port: int
    scheme: str = "http"

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def lifecycle(self) -> Lifecycle:
        return self.runner.lifecycle

    @property
    def requests_count(self) -> int:
        """Return how many requests have been taken so far."""
        return self.runner.server.requests_count if self.runner.server else 0


class AddressUnavailable(ConfigurationError):
    """An address that cannot be listened on: it is taken, not this machine's, or not allowed."""

    def __init__(self, settings: ServerSettings, error: OSError) -> None:
        reason = os.strerror(error.errno) if error.errno else str(error)
        super().__init__(
            f"The address {settings.host}, port {settings.port}, cannot be listened on: {reason}. "
            "Set SERVER_HOST and SERVER_PORT (or --host and --port) to one that is free; port 0 takes any."
        )


@asynccontextmanager
async def serve(
    app: web.Application,
    settings: ServerSettings | None = None,
    *,
    sockets: Sequence[socket] = (),
    ssl_context: SSLContext | None = None,
) -> AsyncIterator[Running]:
    """Serve an application for as long as the block runs, and stop it gracefully at its end.

    Args:
        app: The application; it must not have been started before.
        settings: Limits and address; by default those that the application carries.
        sockets: Listening sockets to use instead of the address in the settings.
        ssl_context: Serve TLS.

    Raises:
        ConfigurationError: The service is put together wrongly.
        AddressUnavailable: The address cannot be listened on.
    """
    runner = new_runner(app, settings or app.get(SERVER_SETTINGS) or ServerSettings())
    try:
        await _start(runner)
        await _listen(runner, sockets, ssl_context)
        runner.lifecycle.phase = Phase.READY
        yield _running(runner, "https" if ssl_context else "http")
    finally:
        await runner.stop()


async def _start(runner: Runner) -> None:
    starting = STARTING_HERE.set(True)
    try:
        await runner.setup()
    finally:
        STARTING_HERE.reset(starting)


async def _listen(runner: Runner, sockets: Sequence[socket], ssl_context: SSLContext | None) -> None:
    for sock in sockets:
        await runner.new_site(sock, ssl_context).start()
    if not sockets:
        try:
            await runner.new_site(None, ssl_context).start()
        except OSError as error:
            raise AddressUnavailable(runner.settings, error) from error


def _running(runner: Runner, scheme: str) -> Running:
    address = next((a for a in runner.addresses if isinstance(a, tuple)), None)
    if address is None:  # a Unix socket
        return Running(runner, "localhost", 0, scheme)
    host, port = str(address[0]), int(address[1])
    return Running(runner, _WILDCARDS.get(host, host), port, scheme)


def run(app: web.Application, settings: ServerSettings | None = None) -> None:
    """Serve an application in this process until SIGINT, SIGTERM or SIGHUP; a second one stops at once.

    Raises:
        ConfigurationError: The service is put together wrongly.
        SystemExit: The address cannot be listened on; with one line for the terminal.
    """
    settings = settings or app.get(SERVER_SETTINGS) or ServerSettings()
    if settings.workers > 1:
        raise ConfigurationError(
            f"{settings.workers} workers need an application each: use run_workers('module:factory') or "
            "'framework run', or set workers to 1."
        )
    with asyncio.Runner(loop_factory=new_event_loop) as runner, suppress(asyncio.CancelledError):
        try:
            runner.run(_serve_until_signalled(app, settings))
        except AddressUnavailable as error:
            # NOTE: nothing in the program is wrong, and a traceback would bury the line that helps.
            raise SystemExit(f"error: {error}") from None


async def _serve_until_signalled(app: web.Application, settings: ServerSettings) -> None:
    stop = asyncio.Event()
    with suppress(NotImplementedError):  # Windows: Ctrl-C arrives as KeyboardInterrupt
        listen_for_signals(stop, ensure_lifecycle(app), at_once=())
    async with serve(app, settings) as running:
        logger.info("Serving on %s", running.url)
        if missing := missing_guarantees():
            logger.warning("Without private parts of the libraries below", extra={"missing": sorted(missing)})
        await stop.wait()
        logger.info("Stopping")


def listen_for_signals(
    stop: asyncio.Event, lifecycle: Lifecycle, *, at_once: Collection[signal.Signals]
) -> None:
    """Set the event at SIGINT, SIGTERM or SIGHUP; a second signal, or one in ``at_once``, cuts the stop short.

    A signal during start-up cancels the calling task.
    """
    loop, starting = asyncio.get_running_loop(), cast("asyncio.Task[object]", asyncio.current_task())

    def signalled(number: signal.Signals) -> None:
        if lifecycle.phase is Phase.STARTING:
            starting.cancel()
        if stop.is_set() or number in at_once:
            lifecycle.hurry()
        stop.set()

    hangup = {signal.SIGHUP} if hasattr(signal, "SIGHUP") else set()
    for number in {signal.SIGINT, signal.SIGTERM, *hangup, *at_once}:
        loop.add_signal_handler(number, signalled, number)
