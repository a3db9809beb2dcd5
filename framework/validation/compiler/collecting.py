"""Garbage collection put off while a large document is read."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

LARGE_BYTES = 65_536


def without_collector(load_json: Callable[[bytes], Any], document: bytes) -> Any:
    """Read a document without the collector of reference cycles, if it is large.

    PERF: a document of many small lists makes the collector go through all that is there again and again, which takes
        up to ten times as long as reading it. There are no cycles in JSON.
    """
    if len(document) <= LARGE_BYTES or not gc.isenabled():
        return load_json(document)
    gc.disable()
    try:
        return load_json(document)
    finally:
        gc.enable()
