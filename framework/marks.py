"""The marks that several batteries read: who may call an endpoint."""

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


public = Public()
"""Let anybody call the endpoint: ``@public``."""


def requires(*scopes: str) -> Requires:
    """Let only known callers with all of these scopes (RFC 6749, 3.3) in: ``@requires("posts:write")``."""
    return Requires(frozenset(scopes))
