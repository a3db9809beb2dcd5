"""Whether a request comes from a browser that wants a page (RFC 9110, 12.5.1)."""

from __future__ import annotations

_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_LONGEST_ACCEPT = 1_000


def prefers_html(accept: str) -> bool:
    """Tell whether an ``Accept`` header names HTML, and ranks it no lower than JSON.

    ``*/*`` alone, which most programs send, is no wish for a page.
    """
    if "html" not in accept:
        return False
    page = data = 0.0
    for part in accept[:_LONGEST_ACCEPT].split(","):
        media_type, _, parameters = part.strip().partition(";")
        name = media_type.strip().lower()
        if name in _PAGES:
            page = max(page, _quality(parameters))
        elif name == "application/json" or name.endswith("+json"):
            data = max(data, _quality(parameters))
    return page > 0 and page >= data


def _quality(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
