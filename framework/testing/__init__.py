"""A pytest plugin for services: put ``pytest_plugins = ["framework.testing"]`` into your ``conftest.py``."""

from framework.testing.callers import Answer, Api, Event
from framework.testing.clocks import Clock
from framework.testing.guard import leaving_nothing
from framework.testing.plugin import (
    Serve,
    api,
    client,
    clock,
    leaves_nothing,
    override,
    pytest_configure,
    serve,
    upstream,
    url,
)
from framework.testing.upstreams import Received, Upstream

__all__ = [
    "Answer",
    "Api",
    "Clock",
    "Event",
    "Received",
    "Serve",
    "Upstream",
    "api",
    "client",
    "clock",
    "leaves_nothing",
    "leaving_nothing",
    "override",
    "pytest_configure",
    "serve",
    "upstream",
    "url",
]
