"""The content codings that can be made here (RFC 9110, 8.4.1)."""

from __future__ import annotations

import gzip
import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

from framework.batteries.compression.settings import CompressionSettings

Compress = Callable[[bytes], bytes]


def codings(settings: CompressionSettings) -> Mapping[str, Compress]:
    """Return what compresses, by the name of the coding, the one to be preferred first.

    ``gzip`` is always there; ``br`` and ``zstd`` where their libraries are.
    """
    found: dict[str, Compress] = {}
    zstandard, brotli = _zstandard(), _module("brotli")
    if zstandard is not None:
        found["zstd"] = lambda body: zstandard(body, settings.zstd_level)
    if brotli is not None:
        found["br"] = lambda body: brotli.compress(body, quality=settings.brotli_level)
    found["gzip"] = lambda body: gzip.compress(body, settings.gzip_level, mtime=0)
    return found


def _zstandard() -> Callable[[bytes, int], bytes] | None:
    if sys.version_info >= (3, 14):
        own = _module("compression.zstd")
        return None if own is None else own.compress
    library = _module("zstandard")
    return None if library is None else library.compress


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
