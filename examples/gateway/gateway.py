"""A gateway that aggregates three services."""

from dataclasses import asdict, dataclass, field
from typing import Any

from aiohttp import web

from framework import (
    BadGateway,
    RouteTableDef,
    ServiceSettings,
    create_app,
    deadline,
    provide,
    public,
    raises,
    standard,
)
from framework.batteries.client import HttpClient

routes = RouteTableDef(tags=["dashboard"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstreams:
    """Where the three services are."""

    accounts: str = "http://127.0.0.1:8101"
    orders: str = "http://127.0.0.1:8102"
    news: str = "http://127.0.0.1:8103"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ServiceSettings):
    """The framework's settings and ours."""

    gateway: Upstreams = field(default_factory=Upstreams)


@dataclass
class Dashboard:
    """What the services said, and which of them did not."""

    accounts: Any = None
    orders: Any = None
    news: Any = None
    missing: dict[str, str] = field(default_factory=dict)


@routes.get("/dashboard/{customer}")
@deadline(seconds=2)
@raises(BadGateway)
@public
async def show_dashboard(customer: int, client: HttpClient, upstreams: Upstreams) -> Dashboard:
    """Ask all three at once."""
    places = asdict(upstreams)
    outcomes = await client.fetch_all(
        [f"{place}/customers/{customer}" for place in places.values()], timeout_seconds=1
    )
    found = dict(zip(places, outcomes, strict=True))
    missing = {name: outcome.failure for name, outcome in found.items() if outcome.failure}
    if len(missing) == len(places):
        raise BadGateway("None of the services answers.")
    return Dashboard(**{name: outcome.value for name, outcome in found.items()}, missing=missing)


def build(settings: Settings) -> web.Application:
    """Make the service."""
    batteries = [*standard(settings), provide({Upstreams: settings.gateway})]
    return create_app(settings, routes=[routes], batteries=batteries)
