"""The app factory: the only code that assembles a service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from aiohttp import web

from framework import settings as settings_source
from framework.assembly import assemble
from framework.battery import Battery
from framework.bodies import FormLimits
from framework.routing import Routes
from framework.secret import Profile
from framework.server import SERVER_SETTINGS, ServerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """Hold the settings of the service and of each battery in its standard stack; derive your own from it."""

    profile: Profile = Profile.development
    name: str = "service"
    debug: bool = False
    server: ServerSettings = field(default_factory=ServerSettings)
    form: FormLimits = field(default_factory=FormLimits)


def standard(settings: ServiceSettings) -> list[Battery]:
    """Return the recommended batteries in their order, as a plain list to read, slice and add to."""
    return []


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
    stack = standard(settings) if batteries is None else batteries
    app = assemble(
        settings, routes, stack, max_body=settings.server.max_body_bytes, form_limits=settings.form
    )
    app[SERVER_SETTINGS] = settings.server
    return app
