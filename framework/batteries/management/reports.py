"""What any service can tell of itself: routes, settings, loggers, tasks, versions."""

from __future__ import annotations

import asyncio
import importlib.metadata
import logging
import os
import platform
import re
import resource
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from aiohttp import web

from framework.context import ENDPOINTS, SETTINGS
from framework.progress import PROGRESS
from framework.server.guarantees import missing_guarantees
from framework.settings.effective import effective

_DISTRIBUTION = "aiohttp-batteries"
_DEEPEST = 32
ROOT = "root"


def routes_of(app: web.Application) -> list[dict[str, Any]]:
    """Return every endpoint: method, path, handler and marks."""
    endpoints = app[ENDPOINTS]
    return [
        {
            "method": endpoint.method,
            "path": endpoint.path,
            "handler": endpoint.origin,
            "marks": [repr(mark) for mark in endpoint.marks],
        }
        for endpoint in sorted(endpoints, key=lambda endpoint: (endpoint.path, endpoint.method))
    ]


def settings_of(app: web.Application) -> dict[str, dict[str, str]]:
    """Return every setting with its value, masked where it is a secret, and its origin."""
    return {each.variable: {"value": each.value, "origin": each.origin} for each in effective(app[SETTINGS])}


def load(app: web.Application, seconds: float) -> dict[str, Any]:
    """Return what a worker does just now, and for how long it has been there.

    Args:
        seconds: Since it was started.
    """
    return {
        "service": getattr(app[SETTINGS], "name", ""),
        "pid": os.getpid(),
        "uptime_seconds": round(seconds, 1),
        "in_progress": len(app[PROGRESS].requests),
        "streams": len(app[PROGRESS].streams),
        "tasks": len(asyncio.all_tasks()),
        "peak_memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def loggers() -> dict[str, dict[str, str | None]]:
    """Return the level of every logger: its own, if it has one, and the one that counts."""
    known = logging.getLogger().manager.loggerDict
    found = {ROOT: logging.getLogger()}
    found |= {name: each for name, each in sorted(known.items()) if isinstance(each, logging.Logger)}
    return {
        name: {
            "level": logging.getLevelName(each.level).lower() if each.level else None,
            "effective": logging.getLevelName(each.getEffectiveLevel()).lower(),
        }
        for name, each in found.items()
    }


def set_level(name: str, level: Any) -> None:
    """Set the level of a logger; None to take that of the logger above it.

    Raises:
        ValueError: There is no such level, or the root logger was to have none.
    """
    levels = logging.getLevelNamesMapping()
    if level is not None and (not isinstance(level, str) or level.upper() not in levels):
        known = ", ".join(each.lower() for each in levels)
        raise ValueError(f"level must be one of {known} or null, and is {level!r}.")
    if level is None and name == ROOT:
        raise ValueError("The root logger needs a level: there is none above it.")
    logger = logging.getLogger(None if name == ROOT else name)
    logger.setLevel(logging.NOTSET if level is None else levels[level.upper()])


def tasks() -> list[dict[str, Any]]:
    """Return the tasks of the event loop, and where each of them waits, from the outermost call to the innermost."""
    return [
        {"name": task.get_name(), "stack": list(_stack(task.get_coro()))}
        for task in sorted(asyncio.all_tasks(), key=asyncio.Task.get_name)
    ]


def _stack(coroutine: Any) -> Iterator[str]:
    for _ in range(_DEEPEST):
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "ag_frame", None)
        if frame is None:
            return
        yield f"{frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_qualname}"
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "ag_await", None)


def versions() -> dict[str, Any]:
    """Return what this process runs on: Python, the packages with the floors that are asked of them, and what lacks."""
    return {
        "python": platform.python_version(),
        "platform": f"{sys.platform} {platform.machine()}",
        "pid": os.getpid(),
        "packages": dict(_packages()),
        "missing_guarantees": sorted(missing_guarantees()),
    }


def _packages() -> Iterator[tuple[str, Mapping[str, str]]]:
    yield _DISTRIBUTION, {"version": importlib.metadata.version(_DISTRIBUTION), "wanted": ""}
    for wanted in importlib.metadata.requires(_DISTRIBUTION) or ():
        text, _, marker = wanted.partition(";")
        found = re.match(r"([\w.-]+)(?:\[[^\]]*\])?(.*)", text.strip())
        if found is None or "extra ==" in marker:
            continue
        try:
            version = importlib.metadata.version(found[1])
        except importlib.metadata.PackageNotFoundError:
            version = ""
        yield found[1], {"version": version, "wanted": found[2].strip()}
