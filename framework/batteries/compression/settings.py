"""The settings of compression."""

from __future__ import annotations

from dataclasses import dataclass

from framework.errors import ConfigurationError

_LEVELS = range(1, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompressionSettings:
    """How answers are compressed.

    Attributes:
        min_bytes: Shorter answers are left as they are: they fit into a packet or two.
        gzip_level: From 1, the fastest, to 9.
        brotli_level: Likewise.
        zstd_level: Likewise.
    """

    min_bytes: int = 1024
    gzip_level: int = 5
    brotli_level: int = 3
    zstd_level: int = 1

    def __post_init__(self) -> None:
        if self.min_bytes < 1:
            raise ConfigurationError(f"min_bytes is at least 1, and is {self.min_bytes}.")
        for name in ("gzip_level", "brotli_level", "zstd_level"):
            if getattr(self, name) not in _LEVELS:
                raise ConfigurationError(f"{name} is from 1 to 9, and is {getattr(self, name)}.")
