"""A service of nothing but the kernel and its problem documents, for tests of the kernel."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from framework.app import ServiceSettings, create_app
from framework.batteries import problems
from framework.battery import Battery


def kernel_app(*routes: Any, batteries: tuple[Battery, ...] = ()) -> web.Application:
    return create_app(ServiceSettings(), routes=routes, batteries=[problems.battery(), *batteries])
