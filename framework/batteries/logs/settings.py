"""The settings of the logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from framework.errors import ConfigurationError

Level = Literal["debug", "info", "warning", "error", "critical"]
Format = Literal["auto", "json", "ecs", "console"]

_SMALLEST_BUFFER = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class LogsSettings:
    """The settings of the logs.

    Attributes:
        level: The least important records that are kept.
        format: ``json`` for programs, ``ecs`` for those that know the Elastic Common Schema, ``console`` for people;
            ``auto`` is for people when stderr is a terminal, and ``json`` otherwise.
        access: Whether each request gets a line.
        quiet_one_in: Of so many probes that went well one gets a line; with 0 none does, unless the level is debug.
        redacted: Words that make a field a secret when its name holds one, besides the usual ones.
        buffer_bytes: How much waits for a slow reader of stderr; what comes on top is dropped and counted.
    """

    level: Level = "info"
    format: Format = "auto"
    access: bool = True
    quiet_one_in: int = 0
    redacted: tuple[str, ...] = ()
    buffer_bytes: int = 4 * 1024 * 1024

    def __post_init__(self) -> None:
        if self.level not in get_args(Level):
            raise ConfigurationError(f"The log level {self.level!r} is none of {', '.join(get_args(Level))}.")
        if self.format not in get_args(Format):
            raise ConfigurationError(
                f"The log format {self.format!r} is none of {', '.join(get_args(Format))}."
            )
        if self.quiet_one_in < 0:
            raise ConfigurationError(f"quiet_one_in must be 0 or more, and is {self.quiet_one_in}.")
        if not all(self.redacted):
            raise ConfigurationError("An empty word among 'redacted' would make every log field a secret.")
        if self.buffer_bytes < _SMALLEST_BUFFER:
            raise ConfigurationError(f"The log buffer must be at least {_SMALLEST_BUFFER} bytes.")
