"""The app factory: the only code that puts a service together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web
from aiohttp_session import Session

from framework import settings as settings_source
from framework.annotations import strip
from framework.batteries import (
    auth,
    caching,
    client,
    cors,
    csrf,
    deadlines,
    deprecation,
    health,
    logs,
    management,
    openapi,
    overload,
    problems,
    proxies,
    ratelimits,
    security,
    sessions,
    sockets,
    templates,
)
from framework.batteries.auth import AuthSettings
from framework.batteries.client import ClientSettings
from framework.batteries.cors import CorsSettings
from framework.batteries.csrf import CsrfSettings
from framework.batteries.deadlines import DeadlineSettings
from framework.batteries.health import HealthSettings
from framework.batteries.logs import LogsSettings
from framework.batteries.management import ManagementSettings
from framework.batteries.openapi import OpenAPISettings
from framework.batteries.overload import OverloadSettings
from framework.batteries.problems import ProblemsSettings
from framework.batteries.proxies import ProxySettings
from framework.batteries.ratelimits import RateLimitSettings
from framework.batteries.security import SecuritySettings
from framework.batteries.sessions import SessionSettings
from framework.batteries.sockets import SocketSettings
from framework.batteries.templates import TemplateSettings
from framework.battery import Battery
from framework.context import CURSORS, ENDPOINTS
from framework.dispatch.assembly import assemble
from framework.forms import FormLimits
from framework.paging import Cursors
from framework.principal import Principal
from framework.routing import Routes
from framework.secrets import Profile, Secret, derived_key, ensure_keys, keys_given_or_generated
from framework.server import SERVER_SETTINGS, ServerSettings
from framework.server.guarantees import ensure_accepted
from framework.settings import PREFIX, Faults
from framework.validation.conventions import DEFAULT, Conventions

_PAGES = "framework.batteries.database.pages.Pages"

_BATTERIES: Mapping[Any, str] = {
    "session": "sessions",
    Session: "sessions",
    "principal": "auth",
    Principal: "auth",
    auth.Tokens: "auth",
    auth.Passwords: "auth",
    client.HttpClient: "client",
    _PAGES: "database",
    sockets.Rooms: "sockets",
    ratelimits.Limiter: "ratelimits",
    "sqlalchemy.ext.asyncio.session.AsyncSession": "database",  # importing it is for those who have a database
}
"""Which of our batteries brings what, for messages to those who lack one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """The settings of a service and of each battery in its standard stack; derive your own from it.

    In development missing keys are generated, and cookies work over plain HTTP. `create_app` warns of missing and weak
    keys of the batteries in the list, and refuses them in production.

    Attributes:
        profile: ``development`` or ``production``.
        debug: Show tracebacks to clients; ``framework dev`` sets it, and production refuses it.
        name: The service's name in logs, tokens and documents.
        variables_prefix: What stands before every variable's name; the loader fills it in.
        json: How fields are called in JSON, forms and queries, and what becomes of unknown ones.

    Raises:
        ConfigurationError: With everything that is wrong.
    """

    profile: Profile = Profile.development
    debug: bool = False
    name: str = "service"
    server: ServerSettings = field(default_factory=ServerSettings)
    form: FormLimits = field(default_factory=FormLimits)
    variables_prefix: str = field(default="", metadata=PREFIX)
    json: Conventions = DEFAULT
    proxies: ProxySettings = field(default_factory=ProxySettings)
    logs: LogsSettings = field(default_factory=LogsSettings)
    security: SecuritySettings = field(default_factory=SecuritySettings)
    cors: CorsSettings = field(default_factory=CorsSettings)
    deadlines: DeadlineSettings = field(default_factory=DeadlineSettings)
    overload: OverloadSettings = field(default_factory=OverloadSettings)
    sessions: SessionSettings = field(default_factory=SessionSettings)
    csrf: CsrfSettings = field(default_factory=CsrfSettings)
    auth: AuthSettings = field(default_factory=AuthSettings)
    ratelimits: RateLimitSettings = field(default_factory=RateLimitSettings)
    templates: TemplateSettings = field(default_factory=TemplateSettings)
    health: HealthSettings = field(default_factory=HealthSettings)
    openapi: OpenAPISettings = field(default_factory=OpenAPISettings)
    client: ClientSettings = field(default_factory=ClientSettings)
    sockets: SocketSettings = field(default_factory=SocketSettings)
    management: ManagementSettings = field(default_factory=ManagementSettings)

    @property
    def problems(self) -> ProblemsSettings:
        """How much errors tell: nobody is shown a traceback unless `debug` is set, as ``framework dev`` does."""
        profile = self.profile if self.debug else Profile.production
        return ProblemsSettings(profile=profile, debug=self.debug, folders=self.templates.folders)

    def __post_init__(self) -> None:
        faults = Faults()
        if self.debug and self.profile is Profile.production:
            faults.add("DEBUG", "{variable} shows tracebacks to clients; unset it in production.")
        faults.refuse()
        for name in ("sessions", "auth"):
            record = getattr(self, name)
            keys = keys_given_or_generated(record.keys, profile=self.profile, variable=f"{name.upper()}_KEYS")
            self._set(name, replace(record, keys=keys))
        if self.profile is Profile.development and self.sessions.secure is None:
            self._set("sessions", replace(self.sessions, secure=False))

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


def standard(settings: ServiceSettings) -> list[Battery]:
    """Return the recommended batteries in their order, as a plain list to read, slice and add to."""
    managed = [] if settings.management.port is None else [management.battery(settings.management)]
    return [
        *managed,
        proxies.battery(settings.proxies),
        logs.battery(settings.logs),
        problems.battery(settings.problems),
        security.battery(settings.security),
        cors.battery(settings.cors),
        deadlines.battery(settings.deadlines),
        overload.battery(settings.overload, expensive=[auth.Passwords]),
        sessions.battery(settings.sessions),
        csrf.battery(trusting(settings.csrf, settings.cors.origins)),
        auth.battery(settings.auth, profile=settings.profile),
        ratelimits.battery(settings.ratelimits, passwords=[auth.Passwords]),
        caching.battery(),
        deprecation.battery(),
        templates.battery(settings.templates),
        health.battery(settings.health),
        openapi.battery(
            replace(settings.openapi, session_cookie=settings.sessions.cookie_name), profile=settings.profile
        ),
        client.battery(settings.client),
        sockets.battery(settings.sockets),
    ]


def trusting(settings: CsrfSettings, origins: tuple[str, ...]) -> CsrfSettings:
    """Trust the origins whose scripts may read our answers to send, too; anybody, if all may, without cookies."""
    named = tuple(origin for origin in origins if origin != "*")
    return replace(
        settings,
        trusted_origins=(*settings.trusted_origins, *named),
        open_to_scripts=settings.open_to_scripts or "*" in origins,
    )


def create_app(
    settings: ServiceSettings | None = None, *, routes: Routes, batteries: Sequence[Battery] | None = None
) -> web.Application:
    """Make a service out of routes and batteries.

    Args:
        settings: Those of the environment when None.
        routes: Route tables, ours or aiohttp's.
        batteries: In their order; ``standard(settings)`` when None.

    Raises:
        ConfigurationError: A setting, battery, endpoint or mark does not fit; the message says where and what to do.
    """
    settings = settings_source.load(ServiceSettings) if settings is None else settings
    if settings.profile is Profile.production:
        ensure_accepted(settings.server)
    stack = standard(settings) if batteries is None else batteries
    _ensure_keys(settings, stack)
    app = assemble(
        settings,
        routes,
        stack,
        max_body=settings.server.max_body_bytes,
        form_limits=settings.form,
        conventions=settings.json,
        elsewhere=_BATTERIES,
    )
    app[SERVER_SETTINGS] = settings.server
    app[CURSORS] = Cursors([derived_key(key, info="cursors") for key in _cursor_keys(settings, app)])
    return app


def _ensure_keys(settings: ServiceSettings, batteries: Sequence[Battery]) -> None:
    faults = Faults()
    for battery in batteries:
        for variable, keys in battery.keys.items():
            with faults.gathered():
                ensure_keys(keys, profile=settings.profile, variable=variable)
    faults.refuse(settings.variables_prefix)


def _cursor_keys(settings: ServiceSettings, app: web.Application) -> tuple[Secret, ...]:
    """Return what signs the cursors of pages; who has no pages needs no key for them."""
    keys = settings.sessions.keys
    kinds = {strip(each.annotation).kind for endpoint in app[ENDPOINTS] for each in endpoint.parameters}
    if any(f"{kind.__module__}.{kind.__qualname__}" == _PAGES for kind in kinds if isinstance(kind, type)):
        variable = f"{settings.variables_prefix}SESSIONS_KEYS"
        ensure_keys(keys, profile=settings.profile, variable=variable)
    return keys
