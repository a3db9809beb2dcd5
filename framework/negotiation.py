"""What a client would rather have, by its ``Accept`` header."""

from __future__ import annotations

from collections.abc import Iterable

HTML = ("text/html", "text/*", "*/*")
JSON = ("application/json", "application/*", "*/*")
PROBLEM_JSON = ("application/problem+json", "application/*", "*/*")


def prefers_html(accept: str) -> bool:
    """Say whether a client would rather have a page than JSON: a browser would, ``*/*`` does not say so."""
    if "text/" not in accept:
        return False
    weights = dict(_weights(accept.split(",")))
    return _weight(weights, HTML) > max(_weight(weights, JSON), _weight(weights, PROBLEM_JSON))


def _weight(weights: dict[str, float], ranges: Iterable[str]) -> float:
    """Return the weight of the most specific range that is there (RFC 9110, 12.5.1)."""
    return next((weights[name] for name in ranges if name in weights), 0.0)


def _weights(members: Iterable[str]) -> Iterable[tuple[str, float]]:
    for member in members:
        name, *parameters = (part.strip().lower() for part in member.split(";"))
        quality = next((value[2:] for value in parameters if value.startswith("q=")), "1")
        try:
            # A weight that is none counts as not acceptable; so does `nan`, which compares with nothing.
            yield name, min(1.0, float(quality)) if quality[:1] in "01" else 0.0
        except ValueError:
            yield name, 0.0
