"""An application as a server of ours sees it that knows nothing else of it."""

from __future__ import annotations

from aiohttp import web

from framework.server import error_responses
from framework.server.service import Service


def stock_service(app: web.Application) -> Service:
    """Return an application as aiohttp would serve it; call it when it has started."""
    return Service(
        handler=app._handle,
        refuse=error_responses.respond,
        release=_hold_nothing,
        prepare=None if app.on_response_prepare else _add_nothing,
        max_body=app._client_max_size,
        max_fields=app._client_max_fields,
    )


def _hold_nothing(request: web.Request) -> None:
    """Stand in for what a request holds."""


def _add_nothing(request: web.Request, response: web.StreamResponse) -> None:
    """Stand in for a signal that nobody receives."""
