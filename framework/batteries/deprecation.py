"""Deprecation: clients are told in each answer that an endpoint will go (RFC 9745), and when (RFC 8594)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from typing import Any

from aiohttp import hdrs, web

from framework.battery import Battery, Handler, Middleware
from framework.endpoint import Endpoint, calling_line
from framework.errors import ConfigurationError, ServiceError
from framework.marks import Deprecated

_DEPRECATION, _SUNSET = "Deprecation", "Sunset"


def deprecated(*, since: date, sunset: date | None = None, link: str = "") -> Deprecated:
    """Tell clients that an endpoint, or a table with ``marks=[deprecated(...)]``, will go: ``@deprecated(since=...)``.

    Args:
        since: From when on nobody should begin to use it; a date counts from its first moment in UTC.
        sunset: When it will not answer any more.
        link: Where it is told what to use instead: a path or URL.

    Raises:
        ConfigurationError: One is no date or time with a zone, or it ends before it is deprecated.
    """
    begins, ends = _moment("since", since), None if sunset is None else _moment("sunset", sunset)
    if ends is not None and ends < begins:
        raise ConfigurationError(
            f"{calling_line()}: @deprecated ends on {sunset}, before {since}, when it begins."
        )
    if not (link.isprintable() and link.isascii()) or set(link) & set(' <>"'):
        raise ConfigurationError(
            f"{calling_line()}: @deprecated takes a path or URL as link, and got {link!r}."
        )
    # RFC 9745, 2.1: a date of structured fields, which are seconds; RFC 8594, 3: a date of HTTP.
    told = {_DEPRECATION: f"@{int(begins.timestamp())}"}
    if ends is not None:
        told[_SUNSET] = format_datetime(ends, usegmt=True)
    if link:
        told[hdrs.LINK] = f'<{link}>; rel="deprecation"'
    return Deprecated(tuple(told.items()))


def _moment(name: str, value: Any) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(), UTC)
    raise ConfigurationError(
        f"{calling_line()}: @deprecated takes {name} as a date or a datetime with a zone, and got {value!r}; "
        f"write {name}=date(2026, 1, 31)."
    )


def battery() -> Battery:
    """Return the battery that heeds ``@deprecated``."""
    return Battery(name="deprecation", after=frozenset({"logs", "problems"}), plan=_plan)


def _plan(endpoint: Endpoint) -> Middleware | None:
    mark = endpoint.find(Deprecated)
    return None if mark is None else _telling(dict(mark.told))


def _telling(told: Mapping[str, str]) -> Middleware:
    async def tell(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await handler(request)
        except (ServiceError, web.HTTPException) as error:
            for name, value in told.items():
                error.headers.setdefault(name, value)
            raise
        if not response.prepared:
            for name, value in told.items():
                response.headers.add(name, value)
        return response

    return tell
