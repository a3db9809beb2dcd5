"""How long an answer can be had again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from framework.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencySettings:
    """The time that answers are kept.

    Attributes:
        lifetime: How long a repeated request gets the first one's answer.
    """

    lifetime: timedelta = timedelta(hours=24)

    def __post_init__(self) -> None:
        if self.lifetime < timedelta(seconds=1):
            raise ConfigurationError(f"lifetime must be at least one second and is {self.lifetime}.")
