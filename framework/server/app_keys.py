"""The typed keys through which an application and the server below it speak."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from framework.server.settings import ServerSettings

#: The settings that ``run``, ``serve`` and the worker use when they are given none.
SERVER_SETTINGS: Final = web.AppKey("framework.server.settings", ServerSettings)

#: Whether this request's handler is cancelled when its client goes away; without it the method decides.
CANCEL_ON_DISCONNECT: Final = web.RequestKey("framework.server.cancel_on_disconnect", bool)
