"""The parts of a representation that a request asks for (RFC 9110, 14)."""

from __future__ import annotations

import re
from typing import Final

#: Who asks for more ranges gets the whole: many small ones cost more than they save (RFC 9110, 17.15).
MOST_RANGES: Final = 8

_RANGES: Final = re.compile(r"bytes=([0-9, \t-]{1,400})", re.IGNORECASE)
_RANGE: Final = re.compile(r"([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18})")

Span = tuple[int, int]


def several_ranges(value: str, size: int) -> list[Span] | None:
    """Return first and last byte of each range in a ``Range`` header that names several.

    Those that overlap or touch are one, those that are not there are left out, and the order is that of the bytes. None
    for one that is not well-formed, names a single range, or more than `MOST_RANGES`: it does not count here.

    Args:
        size: The length of all, in bytes.
    """
    match = _RANGES.fullmatch(value.strip())
    named = [] if match is None else [each.strip(" \t") for each in match[1].split(",")]
    named = [each for each in named if each]
    if not 1 < len(named) <= MOST_RANGES:
        return None
    spans = []
    for each in named:
        span = _span(each, size)
        if span is None:
            return None
        if span[0] <= span[1]:
            spans.append(span)
    return _merged(spans)


def _span(text: str, size: int) -> Span | None:
    """Return first and last byte, the last before the first when there are none; None if it is no range."""
    match = _RANGE.fullmatch(text)
    if match is None:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        return max(0, size - int(suffix)), size - 1
    if last and int(last) < int(first):
        return None
    return int(first), min(int(last), size - 1) if last else size - 1


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged
