"""The wiring of the OpenAPI document."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from aiohttp import hdrs, web

from framework import validation
from framework.adapters.aiohttp.responses import JSONResponse
from framework.batteries.openapi import checking, docs, yaml
from framework.batteries.openapi.channels import describe_channels
from framework.batteries.openapi.document import SESSION, About, describe
from framework.batteries.openapi.problems import Told, errors_of
from framework.batteries.openapi.schemas import JSONSchema
from framework.battery import Battery
from framework.context import BATTERIES, SECURITY_SCHEMES
from framework.endpoint import Endpoint
from framework.error_handling import ERROR_HANDLING
from framework.errors import ConfigurationError
from framework.marks import public, quiet, undocumented
from framework.routing import RouteTableDef
from framework.secrets import Profile

_YAML = "application/yaml"  # RFC 9512


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAPISettings:
    """The head of the document, and the paths where it is found.

    Attributes:
        title: The service's name.
        version: The version of its interface.
        description: What it is for, in Markdown.
        servers: Its addresses, if they are not where the document is.
        tags: What the groups of operations are, by their names.
        path: Where the document is, as JSON.
        yaml_path: Where it is as YAML; nowhere when empty.
        sockets_path: Where the AsyncAPI document of the WebSockets is; nowhere when empty.
        docs: Whether there is a docs page; in development alone when None.
        docs_path: Where that is.
        session_cookie: The name of the session's cookie.
    """

    title: str = "Service"
    version: str = "1.0.0"
    description: str = ""
    servers: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    path: str = "/openapi.json"
    yaml_path: str = "/openapi.yaml"
    sockets_path: str = "/asyncapi.json"
    docs: bool | None = None
    docs_path: str = "/docs"
    session_cookie: str = "__Host-session"

    def __post_init__(self) -> None:
        if not (self.title and self.version):
            raise ConfigurationError("An OpenAPI document needs a title and a version.")
        for path in (self.path, self.docs_path, self.yaml_path, self.sockets_path):
            if not path.startswith("/") and (path or not self.path or not self.docs_path):
                raise ConfigurationError(f"The path {path!r} of the OpenAPI document must start with '/'.")


def schemes(app: web.Application, session_cookie: str) -> dict[str, JSONSchema]:
    """Return the ways in which a caller can be known, by the batteries that are there."""
    found = {name: dict(described) for name, described in app.get(SECURITY_SCHEMES, {}).items()}
    if found and any(battery.name == "sessions" for battery in app[BATTERIES]):
        found[SESSION] = {"type": "apiKey", "in": "cookie", "name": session_cookie}
    return found


class _Document(NamedTuple):
    body: bytes
    tag: str

    @classmethod
    def of(cls, body: bytes) -> _Document:
        return cls(body, hashlib.sha256(body).hexdigest()[:32])


_DOCUMENT: web.AppKey[_Document] = web.AppKey("framework.openapi.document", _Document)
_SOCKETS: web.AppKey[_Document] = web.AppKey("framework.openapi.sockets", _Document)
_YAML_DOCUMENT: web.AppKey[_Document] = web.AppKey("framework.openapi.yaml", _Document)


def document_of(app: web.Application) -> bytes:
    """Return the service's document, as JSON.

    Raises:
        KeyError: The application lacks this battery.
    """
    return app[_DOCUMENT].body


def battery(settings: OpenAPISettings | None = None, *, profile: Profile = Profile.production) -> Battery:
    """Return the battery that makes the document at start-up and hands it to anybody.

    Args:
        settings: The head of the document.
        profile: In development handlers are held to what they declare, and there is a docs page.

    Raises:
        ConfigurationError: The docs page is wanted, and the package that ships it is not installed.
    """
    settings = settings or OpenAPISettings()

    def setup(app: web.Application, endpoints: Sequence[Endpoint]) -> None:
        told = _told(app)
        about = _about(app, settings, told)
        document = describe(endpoints, about)
        app[_SOCKETS] = _Document.of(validation.encode(describe_channels(endpoints, about)))
        app[_DOCUMENT] = _Document.of(validation.encode(document))
        if settings.yaml_path:
            app[_YAML_DOCUMENT] = _Document.of(yaml.encode(document))
        app[checking.DECLARED] = {
            endpoint: checking.declared_by(endpoint, errors_of(endpoint, told))
            for endpoint in endpoints
            if checking.plan(endpoint) is not None
        }

    return Battery(
        name="openapi",
        after=frozenset({"problems", "auth"}),
        routes=[*_routes(settings), *_docs(settings, profile)],
        plan=checking.plan if profile is Profile.development else None,
        setup=setup,
    )


def _routes(settings: OpenAPISettings) -> RouteTableDef:
    routes = RouteTableDef()

    @routes.get(settings.path)
    @quiet
    @undocumented
    @public
    async def openapi(request: web.Request) -> web.Response:
        """Describe this service."""
        return _answer(request, request.app[_DOCUMENT], "application/json")

    if settings.yaml_path:

        @routes.get(settings.yaml_path)
        @quiet
        @undocumented
        @public
        async def openapi_yaml(request: web.Request) -> web.Response:
            """Describe this service, as YAML."""
            return _answer(request, request.app[_YAML_DOCUMENT], _YAML)

    if settings.sockets_path:

        @routes.get(settings.sockets_path)
        @quiet
        @undocumented
        @public
        async def asyncapi(request: web.Request) -> web.Response:
            """Describe the WebSockets of this service."""
            return _answer(request, request.app[_SOCKETS], "application/json")

    return routes


def _docs(settings: OpenAPISettings, profile: Profile) -> RouteTableDef:
    """Return the routes of the docs page; in development a service without its package goes without it."""
    in_development = profile is Profile.development and docs.is_installed()
    if not (in_development if settings.docs is None else settings.docs):
        return RouteTableDef()
    return docs.routes(settings.docs_path, settings.path, settings.title, settings.servers)


def _answer(request: web.Request, document: _Document, media_type: str) -> web.Response:
    headers = {str(hdrs.ETAG): f'"{document.tag}"', str(hdrs.CACHE_CONTROL): "no-cache"}
    if any(tag.value in {document.tag, "*"} for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return JSONResponse(document.body, headers=headers, media_type=media_type)


def _told(app: web.Application) -> list[Told]:
    return [battery.problems for battery in app[BATTERIES] if battery.problems is not None]


def _about(app: web.Application, settings: OpenAPISettings, told: Sequence[Told]) -> About:
    return About(
        title=settings.title,
        version=settings.version,
        description=settings.description,
        schemes=schemes(app, settings.session_cookie),
        servers=settings.servers,
        tags=settings.tags,
        errors=app[ERROR_HANDLING].renderer,
        told=told,
    )
