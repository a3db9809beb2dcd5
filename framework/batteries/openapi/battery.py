"""The wiring of the OpenAPI document."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from aiohttp import hdrs, web

from framework import validation
from framework.adapters.aiohttp.responses import JSONResponse
from framework.batteries.openapi.document import SESSION, About, describe
from framework.batteries.openapi.schemas import JSONSchema
from framework.battery import Battery
from framework.context import BATTERIES, SECURITY_SCHEMES
from framework.endpoint import Endpoint
from framework.error_handling import ERROR_HANDLING
from framework.errors import ConfigurationError
from framework.marks import public, undocumented
from framework.routing import RouteTableDef


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAPISettings:
    """The head of the document, and the path where it is found.

    Attributes:
        title: The service's name.
        version: The version of its interface.
        description: What it is for, in Markdown.
        servers: Its addresses, if they are not where the document is.
        path: Where the document is.
        pages: Describe the endpoints that answer with pages too.
        session_cookie: The name of the session's cookie.
    """

    title: str = "Service"
    version: str = "1.0.0"
    description: str = ""
    servers: tuple[str, ...] = ()
    path: str = "/openapi.json"
    pages: bool = False
    session_cookie: str = "__Host-session"

    def __post_init__(self) -> None:
        if not (self.title and self.version):
            raise ConfigurationError("An OpenAPI document needs a title and a version.")
        if not self.path.startswith("/"):
            raise ConfigurationError(f"The path {self.path!r} of the OpenAPI document must start with '/'.")


def schemes(app: web.Application, session_cookie: str) -> dict[str, JSONSchema]:
    """Return the ways in which a caller can be known, by the batteries that are there."""
    found = {name: dict(described) for name, described in app.get(SECURITY_SCHEMES, {}).items()}
    if found and any(battery.name == "sessions" for battery in app[BATTERIES]):
        found[SESSION] = {"type": "apiKey", "in": "cookie", "name": session_cookie}
    return found


class _Document(NamedTuple):
    body: bytes
    tag: str


_DOCUMENT: web.AppKey[_Document] = web.AppKey("framework.openapi.document", _Document)


def document_of(app: web.Application) -> bytes:
    """Return the service's document, as JSON.

    Raises:
        KeyError: The application lacks this battery.
    """
    return app[_DOCUMENT].body


def battery(settings: OpenAPISettings | None = None) -> Battery:
    """Return the battery that makes the document at start-up and hands it to anybody."""
    settings = settings or OpenAPISettings()
    routes = RouteTableDef()

    @routes.get(settings.path)
    @undocumented
    @public
    async def openapi(request: web.Request) -> web.Response:
        """Describe this service."""
        document = request.app[_DOCUMENT]
        headers = {hdrs.ETAG: f'"{document.tag}"', hdrs.CACHE_CONTROL: "no-cache"}
        if any(tag.value in {document.tag, "*"} for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return JSONResponse(document.body, headers={str(name): value for name, value in headers.items()})

    def setup(app: web.Application, endpoints: Sequence[Endpoint]) -> None:
        about = About(
            title=settings.title,
            version=settings.version,
            description=settings.description,
            schemes=schemes(app, settings.session_cookie),
            servers=settings.servers,
            pages=settings.pages,
            errors=app[ERROR_HANDLING].renderer,
        )
        body = validation.encode(describe(endpoints, about))
        app[_DOCUMENT] = _Document(body, hashlib.sha256(body).hexdigest()[:32])

    return Battery(name="openapi", after=frozenset({"problems", "auth"}), routes=routes, setup=setup)
