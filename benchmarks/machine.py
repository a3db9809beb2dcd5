"""What a reader must know about where figures come from."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

from benchmarks.environment import PEERS


def machine() -> dict[str, Any]:
    """Return date, Python, system and processor."""
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown"
    )


def versions() -> dict[str, dict[str, str]]:
    """Return the packages that the service runs with, and those of the peers."""
    peers = [str(path) for path in PEERS.glob("lib/python*/site-packages")]
    return {
        "service": {found.name: found.version for found in importlib.metadata.distributions()},
        "peers": {found.name: found.version for found in importlib.metadata.distributions(path=peers)},
    }
