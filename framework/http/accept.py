"""What a client would rather have: a page or data, and in which coding (RFC 9110, 12.5)."""

from __future__ import annotations

from collections.abc import Sequence

_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_LONGEST_ACCEPT = 1_000


def prefers_html(accept: str) -> bool:
    """Tell whether an ``Accept`` header names HTML, and ranks it no lower than JSON.

    ``*/*`` alone, which most programs send, is no wish for a page.
    """
    if "html" not in accept:
        return False
    page = data = 0.0
    for part in _parts(accept):
        media_type, _, parameters = part.strip().partition(";")
        name = media_type.strip().lower()
        if name in _PAGES:
            page = max(page, _quality(parameters))
        elif name == "application/json" or name.endswith("+json"):
            data = max(data, _quality(parameters))
    return page > 0 and page >= data


def accepted_coding(accept: str, available: Sequence[str]) -> str | None:
    """Return the content coding that an ``Accept-Encoding`` header ranks highest; None for the content as it is.

    Args:
        available: The codings that there are; of two with the same rank the former.
    """
    ranks: dict[str, float] = {}
    for part in _parts(accept):
        coding, _, parameters = part.partition(";")
        name = coding.strip().lower()
        # RFC 9110, 8.4.1.3: they are the same.
        ranks.setdefault("gzip" if name == "x-gzip" else name, _quality(parameters))
    rest = ranks.get("*", 0.0)
    best = max(available, key=lambda coding: ranks.get(coding, rest), default=None)
    if best is None:
        return None
    rank = ranks.get(best, rest)
    return best if rank > 0 and rank >= ranks.get("identity", 0.0) else None


def _parts(accept: str) -> list[str]:
    """Return the members of a header, as many as are worth reading, none of them cut."""
    text = accept if len(accept) <= _LONGEST_ACCEPT else accept[:_LONGEST_ACCEPT].rpartition(",")[0]
    return text.split(",")


def _quality(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
