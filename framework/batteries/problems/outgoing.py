"""What a handler's response must be before it is sent."""

from __future__ import annotations

from aiohttp import web

from framework.adapters.aiohttp.responses import is_spent
from framework.batteries.problems.judging import is_sendable
from framework.batteries.problems.redirects import ensure_target

_REDIRECTS = range(300, 400)


def ensure_fit(request: web.Request, response: web.StreamResponse) -> None:
    """Check what aiohttp would only find out while it sends, and then tell nobody.

    Raises:
        BadRequest: It is a redirect to another host that the request has named.
        TypeError: It is none: nobody makes responses of what the handlers of a plain sub-application return.
        ValueError: The response cannot be sent.
    """
    if not isinstance(response, web.StreamResponse):
        raise TypeError(
            f"{request.match_info.handler!r} returned {response!r}; aiohttp calls it, so that it must return a "
            "web.Response: return one, or make its application by create_app(...)."
        )
    if response.status in _REDIRECTS:
        ensure_target(request, response)
    if not is_sendable(response.headers):
        raise ValueError("A response header holds control characters.")
    if is_spent(request, response):
        raise ValueError("The response was sent to another request: make a new one for each.")
