"""The typed keys under which an application and a request keep their state."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any

import svcs
from aiohttp import web
from multidict import MultiDict, istr

from framework.adapters.aiohttp.requests import app_of, state_of
from framework.adapters.aiohttp.requests import find as find
from framework.battery import Battery
from framework.endpoint import Endpoint
from framework.forms import FormData, FormLimits
from framework.paging import Cursors
from framework.principal import Principal

# Keys in a session.

SESSION_SUBJECT = "sub"
"""Who is signed in: the subject of the `Principal`."""

SESSION_SCOPES = "scope"
"""What they may do: scopes with spaces between (RFC 6749, 3.3)."""

SESSION_GENERATION = "gen"
"""The generation of the `Principal`; 0 if it is not there."""

SESSION_CSRF = "_csrf"
"""The secret that the session's tokens against cross-site request forgery are made of."""

SESSION_FLASHES = "_flashes"
"""What the next page is to say, as pairs of category and message."""

# Keys of an application.

SETTINGS: web.AppKey[Any] = web.AppKey("settings", object)
"""The settings that the application was made with."""

BATTERIES: web.AppKey[Sequence[Battery]] = web.AppKey("batteries", Sequence[Battery])
"""The batteries, in order."""

ENDPOINTS: web.AppKey[Sequence[Endpoint]] = web.AppKey("endpoints", Sequence[Endpoint])
"""Every endpoint, those of batteries included."""

FORM_LIMITS: web.AppKey[FormLimits] = web.AppKey("form_limits", FormLimits)
"""The bounds of each form."""

REGISTRY: web.AppKey[svcs.Registry] = web.AppKey("registry", svcs.Registry)
"""Where services are registered by their type."""

CURSORS: web.AppKey[Cursors] = web.AppKey("cursors", Cursors)
"""What signs the cursors of pages."""

CHALLENGES: web.AppKey[str] = web.AppKey("challenges", str)
"""The ``WWW-Authenticate`` of a 401 that names none: every scheme by which callers can be known (RFC 9110, 11.6.1)."""

SECURITY_SCHEMES: web.AppKey[Mapping[str, Mapping[str, Any]]] = web.AppKey("security_schemes")
"""How callers can be known, as OpenAPI writes it, by name; any of them will do."""

GUARD_SOCKET: web.AppKey[Callable[[web.Request, web.WebSocketResponse], None]] = web.AppKey("guard_socket")
"""``(request, socket) -> None``: limits a WebSocket; raises unless the page that asks for it may have one."""

CREDENTIAL_COOKIES: web.AppKey[frozenset[str]] = web.AppKey("credential_cookies", frozenset)
"""The cookies, besides that of sessions, by which a browser says who calls, whoever made it send them."""

CSRF_TOKEN: web.AppKey[Callable[[MutableMapping[str, Any]], str]] = web.AppKey("csrf_token")
"""``(session) -> token``: what a form must bring with it."""

REQUEST_ID_HEADER = istr("X-Request-ID")
"""The header in which a request's id comes in, goes out, and goes along to other services."""

# Keys of a request.

ENDPOINT: web.RequestKey[Endpoint] = web.RequestKey("endpoint", Endpoint)
"""The endpoint that answers; one with ``matched`` false when no route does."""

REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)
"""The request's id, the client's if it sent a usable one."""

PRINCIPAL: web.RequestKey[Principal] = web.RequestKey("principal", Principal)
"""Who calls; absent for an anonymous request."""

DEADLINE: web.RequestKey[float] = web.RequestKey("deadline", float)
"""When the request's time is up, on the clock of the event loop."""


class RequestContainer(svcs.Container):
    """A request's services; a factory that takes the container learns from `request_of` whose they are."""

    request: web.Request


CONTAINER: web.RequestKey[RequestContainer] = web.RequestKey("container", RequestContainer)
"""The request's services; absent until one is asked for."""

FORM: web.RequestKey[FormData] = web.RequestKey("form", MultiDict)
"""The form, once it is read; its files live until the handler has returned."""

SOCKET: web.RequestKey[web.WebSocketResponse] = web.RequestKey("socket", web.WebSocketResponse)
"""The WebSocket that the request has become, or is about to become; absent for all others."""

NONCE: web.RequestKey[str] = web.RequestKey("nonce", str)
"""What marks a page's own scripts and styles; absent unless the page has asked `nonce` for it."""

CSRF_CHECK: web.RequestKey[Callable[[str | None], None]] = web.RequestKey("csrf_check")
"""``(token) -> None``: set when the form's own token decides; raises if it is wrong or missing."""

CSRF_FIELD = "csrf_token"
"""The form field for the token against cross-site request forgery; a handler never sees it."""


def services(request: web.Request) -> svcs.Container:
    """Return the request's container of services, made at the first call and closed behind the response."""
    kept = state_of(request)
    container: RequestContainer | None = kept.get(CONTAINER)
    if container is None:
        container = kept[CONTAINER] = RequestContainer(app_of(request)[REGISTRY])
        container.request = request
    return container


def request_of(container: svcs.Container) -> web.Request | None:
    """Return the request whose services these are; None outside of requests, such as in a background task."""
    return container.request if isinstance(container, RequestContainer) else None


def nonce(request: web.Request) -> str:
    """Return the request's nonce for its own scripts and styles (CSP 3, 8.1), made at the first call."""
    value = request.get(NONCE)
    if value is None:
        value = request[NONCE] = secrets.token_urlsafe(16)
    return value
