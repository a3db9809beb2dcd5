"""The wiring of the management port."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from framework.batteries.management import reports
from framework.batteries.management.dashboard import DASHBOARD
from framework.batteries.management.exchanges import Exchanges, Listener
from framework.batteries.management.pages import Pages, siblings_of
from framework.batteries.management.pulse import Pulse
from framework.batteries.management.settings import ManagementSettings
from framework.battery import Battery
from framework.endpoint import Endpoint
from framework.errors import ConfigurationError
from framework.inspection import Report, inspection_of
from framework.server import ServerSettings, serve

_log = logging.getLogger("framework.management")

_STOP_SECONDS = 1.0


def battery(settings: ManagementSettings) -> Battery:
    """Return the battery that tells of the service on a port of its own, if the settings name one."""
    if settings.port is None:
        return Battery(name="management")
    pulse, listener = Pulse(), Listener()
    exchanges = Exchanges(settings.exchanges, pulse.note)
    started = time.monotonic()

    async def tell(_: web.Application) -> None:
        _log.info("Dashboard on %s%s", _address(settings), DASHBOARD)

    def setup(app: web.Application, _: Sequence[Endpoint]) -> None:
        inspection_of(app).reports.update(
            routes=_report(lambda: reports.routes_of(app)),
            settings=_report(lambda: reports.settings_of(app)),
            loggers=_report(reports.loggers),
            tasks=_report(reports.tasks),
            versions=_report(reports.versions),
            exchanges=exchanges.report,
            load=_report(lambda: reports.load(app, time.monotonic() - started)),
            pulse=pulse.report,
        )
        # NOTE: not where the port is opened: logs are set up behind this battery.
        app.on_startup.append(tell)

    @asynccontextmanager
    async def lifespan(app: web.Application) -> AsyncIterator[None]:
        siblings = siblings_of(app)
        pages = Pages(inspection_of(app), siblings)
        limits = ServerSettings(stop_seconds=_STOP_SECONDS, drain_seconds=0)
        logging.getLogger().addHandler(listener)
        try:
            with _listening(settings, shared=siblings is not None) as door:
                async with serve(pages.application(settings), limits, sockets=[door]):
                    yield
        finally:
            logging.getLogger().removeHandler(listener)

    return Battery(
        name="management",
        before={"logs", "problems", "metrics"},
        plan=exchanges.plan,
        setup=setup,
        lifespan=lifespan,
    )


def _address(settings: ManagementSettings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"


def _report(tell: Callable[[], Any]) -> Report:
    async def report() -> Any:
        return tell()

    return report


def _listening(settings: ManagementSettings, *, shared: bool) -> socket.socket:
    """Return a socket on the management port; workers share it.

    Raises:
        ConfigurationError: It cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    address = (settings.host, settings.port or 0)
    try:
        return socket.create_server(address, family=family, reuse_port=shared)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ConfigurationError(
            f"The management address {settings.host}, port {settings.port}, cannot be listened on: {reason}. "
            "Set MANAGEMENT_HOST and MANAGEMENT_PORT to one that is free."
        ) from error
