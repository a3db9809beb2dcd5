"""The digest: several services are asked at once, and nobody waits for the slowest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app_example.settings import DigestSettings
from framework import RouteTableDef, deadline, public
from framework.batteries.client import HttpClient

routes = RouteTableDef(prefix="/api", tags=["digest"])


@dataclass(frozen=True, slots=True)
class Entry:
    """What one service answered."""

    url: str
    value: Any


@dataclass(frozen=True, slots=True)
class Failure:
    """A service that did not answer, and why."""

    url: str
    reason: str


@dataclass(frozen=True, slots=True)
class Digest:
    """What arrived in time, and what did not."""

    entries: list[Entry]
    failures: list[Failure]


@routes.get("/digest")
@deadline(seconds=10)
@public
async def show_digest(client: HttpClient, settings: DigestSettings) -> Digest:
    """Ask every configured service at once."""
    outcomes = await client.fetch_all(settings.urls, timeout_seconds=settings.timeout.total_seconds())
    return Digest(
        entries=[Entry(outcome.url, outcome.value) for outcome in outcomes if not outcome.failure],
        failures=[Failure(outcome.url, outcome.failure) for outcome in outcomes if outcome.failure],
    )
