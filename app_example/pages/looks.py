"""What pages add to their templates: moments as people say them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import jinja2

_UNITS = (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1)))
_LONG_AGO = timedelta(days=7)


def ago(moment: datetime, now: datetime) -> str:
    """Tell how long ago a moment was, and from a week on its date."""
    passed = max(now - moment, timedelta())
    if passed >= _LONG_AGO:
        return moment.strftime("%d %B %Y").lstrip("0")
    for name, unit in _UNITS:
        count = passed // unit
        if count:
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return "just now"


def furnish(environment: jinja2.Environment) -> None:
    """Give templates the filter ``ago``."""
    environment.filters["ago"] = lambda moment: ago(moment, datetime.now(UTC))
