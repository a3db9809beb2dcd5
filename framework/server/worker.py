"""Several processes: a gunicorn worker that serves just as a single process does, and gunicorn from code."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import logging
import math
import os
import signal
import ssl
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from socket import AF_INET, AF_INET6, create_server, socket
from types import FrameType
from typing import Any

from aiohttp import web
from gunicorn import sock
from gunicorn.app.base import BaseApplication
from gunicorn.workers.base import Worker as GunicornWorker

from framework.errors import ConfigurationError
from framework.server.app_keys import SERVER_SETTINGS
from framework.server.lifecycle import ensure_lifecycle
from framework.server.serving import AddressUnavailable, Running, listen_for_signals, new_event_loop, serve
from framework.server.settings import ServerSettings
from framework.server.siblings import among_siblings

logger = logging.getLogger("framework.server")

Factory = Callable[[], Any]

_HEARTBEAT_SECONDS = 1.0
_KILL_MARGIN_SECONDS = 3  # between the end of a worker's graceful stop and the moment when it is killed


class Worker(GunicornWorker):
    """A worker process: ``gunicorn --worker-class framework.server.worker.Worker module:factory``.

    SIGTERM stops gracefully; SIGINT and SIGQUIT stop at once, and so does a second SIGTERM.
    """

    def init_signals(self) -> None:
        # Until the loop runs nothing is served: a signal may end the process as it is.
        for number in self.SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGABRT, self.handle_abort)
        signal.signal(signal.SIGUSR1, self.handle_usr1)
        signal.signal(signal.SIGWINCH, signal.SIG_IGN)

    def handle_abort(self, sig: int, frame: FrameType | None) -> None:
        """Log where a worker was stuck that gave no heartbeat."""
        self.log.critical("Worker stuck here:\n%s", "".join(traceback.format_stack(frame)))
        super().handle_abort(sig, frame)

    def run(self) -> None:
        # gunicorn takes a worker for booted as soon as run() is called. It is not until it serves: an error
        # before that must end the whole server instead of starting workers for ever.
        self.booted = False
        with asyncio.Runner(loop_factory=new_event_loop) as runner, suppress(asyncio.CancelledError):
            runner.run(self._serve())

    async def _serve(self) -> None:
        stop = asyncio.Event()
        async with self._beating():
            app = await _application(self.wsgi)
            listen_for_signals(stop, ensure_lifecycle(app), at_once=(signal.SIGINT, signal.SIGQUIT))
            settings, tls = self._settings(app), self._tls()
            async with (
                among_siblings(app, self.ppid),
                serve(app, settings, sockets=self._sockets(), ssl_context=tls) as running,
            ):
                self.booted = True
                while self.alive and not stop.is_set():
                    await self._pause(stop)
                    self._look_around(running)

    def _sockets(self) -> list[socket]:
        return [getattr(listener, "sock", listener) for listener in self.sockets]

    def _tls(self) -> ssl.SSLContext | None:
        return sock.ssl_context(self.cfg) if self.cfg.is_ssl else None

    def _settings(self, app: web.Application) -> ServerSettings:
        settings: ServerSettings = (
            getattr(self.app, "server_settings", None) or app.get(SERVER_SETTINGS) or ServerSettings()
        )
        budget = max(1.0, self.cfg.graceful_timeout - 1.0)
        if settings.stop_seconds <= budget:
            return settings
        return replace(settings, stop_seconds=budget, drain_seconds=min(settings.drain_seconds, budget / 2))

    async def _pause(self, stop: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(_HEARTBEAT_SECONDS):
                await stop.wait()
        except TimeoutError:
            pass

    def _look_around(self, running: Running) -> None:
        if running.requests_count >= self.max_requests:
            self.log.info("Worker replaces itself after %s requests", running.requests_count)
            self.alive = False
        elif os.getppid() != self.ppid:
            self.log.info("Worker stops because its parent is gone")
            self.alive = False

    @asynccontextmanager
    async def _beating(self) -> AsyncIterator[None]:
        """Tell the parent, start-up and graceful stop included, that the loop is not stuck."""

        async def beat() -> None:
            while True:
                self.notify()
                await asyncio.sleep(_HEARTBEAT_SECONDS)

        task = asyncio.create_task(beat(), name="framework.server.heartbeat")
        try:
            yield
        finally:
            task.cancel()


def run_workers(factory: str | Factory, settings: ServerSettings) -> None:
    """Serve in several processes until a signal; does not return.

    Args:
        factory: A function or its name, ``module:function``; called without arguments in each process, it
            returns the application.
        settings: Address, number of workers and limits.

    Raises:
        SystemExit: Always, with gunicorn's exit code; not 0 when the workers could not start.
    """
    _ensure_address(settings)
    _Processes(factory, settings).run()


def _ensure_address(settings: ServerSettings) -> None:
    """Check that the address can be listened on: gunicorn would try for five seconds, with two lines for each.

    Raises:
        SystemExit: It cannot; the one line says why.
    """
    family = AF_INET6 if ":" in settings.host else AF_INET
    try:
        create_server((settings.host, settings.port), family=family).close()
    except OSError as error:
        raise SystemExit(f"error: {AddressUnavailable(settings, error)}") from None


class _Processes(BaseApplication):
    def __init__(self, factory: str | Factory, settings: ServerSettings) -> None:
        self._factory = factory
        self.server_settings = settings
        super().__init__()

    def load_config(self) -> None:
        settings = self.server_settings
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        options = {
            "bind": f"{host}:{settings.port}",
            "workers": settings.workers,
            "worker_class": Worker,
            "backlog": settings.backlog,
            "timeout": settings.worker_timeout_seconds,
            "graceful_timeout": math.ceil(settings.stop_seconds) + _KILL_MARGIN_SECONDS,
            "max_requests": settings.worker_requests,
            "max_requests_jitter": settings.worker_requests_jitter,
            "control_socket_disable": True,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return find_factory(self._factory) if isinstance(self._factory, str) else self._factory


def find_factory(name: str) -> Factory:
    """Import ``module:function``.

    Raises:
        ConfigurationError: There is no such module or function.
    """
    module_name, _, attribute = name.partition(":")
    if not module_name or not attribute:
        raise ConfigurationError(f"A factory is named 'module:function', not {name!r}.")
    factory = getattr(importlib.import_module(module_name), attribute, None)
    if not callable(factory):
        raise ConfigurationError(f"Module {module_name} has no function {attribute}.")
    return factory  # type: ignore[no-any-return]


async def _application(loaded: Any) -> web.Application:
    if isinstance(loaded, web.Application):
        return loaded
    made = loaded()
    if inspect.isawaitable(made):
        made = await made
    if not isinstance(made, web.Application):
        raise ConfigurationError(f"The factory returned {type(made).__name__} instead of a web.Application.")
    return made
