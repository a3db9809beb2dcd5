"""Values that batteries bring to handlers and to services."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from aiohttp import web

from framework.endpoint import Provide

REQUIRED: Any = object()
"""Stands for no fallback: there must be a value."""


def is_synchronous(provide: Provide) -> bool:
    """Tell whether the value is there at once; a lambda and an object may return something to wait for."""
    make = provide.make
    return inspect.isfunction(make) and not inspect.iscoroutinefunction(make) and make.__name__ != "<lambda>"


def taker(provide: Provide, fallback: Any = REQUIRED) -> Callable[[web.Request], Any]:
    """Return what takes the value from a request; it is asynchronous unless `is_synchronous` says otherwise.

    Args:
        fallback: What stands in for a value that a request does not have.
    """
    make, absent = provide.make, provide.absent
    if fallback is REQUIRED:
        missing = absent
    elif fallback is None:
        missing = None
    else:
        missing = _returning(fallback)
    if is_synchronous(provide):
        return make if missing is None else _at_once(make, missing, raises=fallback is REQUIRED)
    if missing is None and inspect.iscoroutinefunction(make):
        return make  # PERF: one coroutine less for each session
    return _later(make, missing, raises=fallback is REQUIRED)


def _returning(value: Any) -> Callable[[], Any]:
    return lambda: value


def _at_once(
    make: Callable[[web.Request], Any], missing: Callable[[], Any], *, raises: bool
) -> Callable[[web.Request], Any]:
    def take(request: web.Request) -> Any:
        value = make(request)
        if value is not None:
            return value
        if raises:
            raise missing()
        return missing()

    return take


def _later(
    make: Callable[[web.Request], Any], missing: Callable[[], Any] | None, *, raises: bool
) -> Callable[[web.Request], Any]:
    async def take(request: web.Request) -> Any:
        value = make(request)
        if inspect.isawaitable(value):
            value = await value
        if value is not None or missing is None:
            return value
        if raises:
            raise missing()
        return missing()

    return take
