"""The typed keys through which an application and the server below it speak."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from framework.errors import Problem
from framework.server.settings import ServerSettings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Refuse = Callable[[web.BaseRequest, Problem], web.Response]
Prepare = Callable[[web.Request, web.StreamResponse], bool]

#: The settings that ``run``, ``serve`` and the worker use when they are given none.
SERVER_SETTINGS: Final = web.AppKey("framework.server.settings", ServerSettings)

#: What answers a request that passed the gate; aiohttp's own routing and middlewares when it is not set.
DISPATCH: Final[web.AppKey[Handler]] = web.AppKey("framework.server.dispatch")

#: What turns a refusal of the gate or the parser into a response; set it to put the service's stamps on it.
REFUSE: Final[web.AppKey[Refuse]] = web.AppKey("framework.server.refuse")

#: What stands in for the application's ``on_response_prepare`` at a brief answer; it returns False where only the
#: signal itself will do. It is not asked for requests that sub-applications answer.
PREPARE: Final[web.AppKey[Prepare]] = web.AppKey("framework.server.prepare")

#: What our server adds to ``on_startup`` behind all other receivers; these may still add middlewares and signals.
STARTED: Final[web.AppKey[Callable[[web.Application], Awaitable[None]]]] = web.AppKey(
    "framework.server.started"
)

#: Whether this request's handler is cancelled when its client goes away; without it the method decides.
CANCEL_ON_DISCONNECT: Final = web.RequestKey("framework.server.cancel_on_disconnect", bool)
