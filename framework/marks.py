"""The marks that several batteries read: who may call an endpoint, and who is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from framework.endpoint import Mark


@dataclass(frozen=True, slots=True)
class Public(Mark):
    """Promise that anybody may call the endpoint."""


@dataclass(frozen=True, slots=True)
class Requires(Mark):
    """Promise that only callers with every one of these scopes reach the handler; without any, every known caller."""

    battery: ClassVar[str | None] = "auth"
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Quiet(Mark):
    """Promise that an answer is no news unless it is an error: the access log keeps it for level DEBUG."""


@dataclass(frozen=True, slots=True)
class Undocumented(Mark):
    """Promise nothing to clients: the OpenAPI document leaves the endpoint out."""


public = Public()
"""Let anybody call the endpoint: ``@public``."""

quiet = Quiet()
"""Keep an endpoint that is called all the time out of the access log: ``@quiet``."""

undocumented = Undocumented()
"""Leave an endpoint out of the OpenAPI document: ``@undocumented``."""


def requires(*scopes: str) -> Requires:
    """Let only known callers with all of these scopes (RFC 6749, 3.3) in: ``@requires("posts:write")``."""
    return Requires(frozenset(scopes))
