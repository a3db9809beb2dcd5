"""What a service tells those who operate it: reports by name, brought by batteries and shown by whoever can."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

Report = Callable[[], Awaitable[Any]]
Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Inspection:
    """The reports of a service.

    Attributes:
        reports: What each worker tells of itself, as JSON can say it.
        whole: What is told of all workers together, as responses.
    """

    reports: dict[str, Report] = field(default_factory=dict)
    whole: dict[str, Respond] = field(default_factory=dict)


_INSPECTION: Final = web.AppKey("framework.inspection", Inspection)


def inspection_of(app: web.Application) -> Inspection:
    """Return an application's reports, to add to in a battery's ``setup``."""
    if _INSPECTION not in app:
        app[_INSPECTION] = Inspection()
    return app[_INSPECTION]
