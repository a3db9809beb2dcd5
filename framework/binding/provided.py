"""Values that batteries bring to handlers and to services."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from aiohttp import web

from framework.adapters.aiohttp.requests import find
from framework.endpoint import Provide

REQUIRED: Any = object()
"""Stands for no fallback: there must be a value."""


def is_synchronous(provide: Provide) -> bool:
    """Tell whether the value is there at once; a lambda and an object may return something to wait for."""
    make = provide.make
    if isinstance(make, web.RequestKey):
        return True
    return inspect.isfunction(make) and not inspect.iscoroutinefunction(make) and make.__name__ != "<lambda>"


def taker(provide: Provide, fallback: Any = REQUIRED) -> Callable[[web.Request], Any]:
    """Return what takes the value from a request; it is asynchronous unless `is_synchronous` says otherwise.

    Args:
        fallback: What stands in for a value that a request does not have.
    """
    made = provide.make
    make = _kept(made) if isinstance(made, web.RequestKey) else made
    needs_none = provide.absent is None if fallback is REQUIRED else fallback is None
    missing = instead(provide, fallback)
    if is_synchronous(provide):
        return make if needs_none else _at_once(make, missing)
    if needs_none and inspect.iscoroutinefunction(make):
        return make  # PERF: one coroutine less for each session
    return _later(make, missing)


def instead(provide: Provide, fallback: Any = REQUIRED) -> Callable[[], Any]:
    """Return what gives a value in the place of one that a request does not have, or raises the error for that."""
    absent = provide.absent
    if fallback is not REQUIRED:
        return lambda: fallback
    if absent is None:
        return lambda: None

    def refuse() -> Any:
        raise absent()

    return refuse


def _kept(key: web.RequestKey[Any]) -> Callable[[web.Request], Any]:
    return lambda request: find(request, key)


def _at_once(make: Callable[[web.Request], Any], missing: Callable[[], Any]) -> Callable[[web.Request], Any]:
    def take(request: web.Request) -> Any:
        value = make(request)
        return missing() if value is None else value

    return take


def _later(make: Callable[[web.Request], Any], missing: Callable[[], Any]) -> Callable[[web.Request], Any]:
    async def take(request: web.Request) -> Any:
        value = make(request)
        if inspect.isawaitable(value):
            value = await value
        return missing() if value is None else value

    return take
