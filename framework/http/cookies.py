"""The ``Cookie`` header, read in one pass."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_ESCAPED = re.compile(r"\\(?:([0-3][0-7][0-7])|(.))", re.DOTALL)


def parse_cookies(lines: Iterable[str]) -> dict[str, str]:
    """Return the cookies of all ``Cookie`` lines by their names, exactly as they were sent (RFC 6265, 4.2.1).

    Of a name that was sent several times the first counts: browsers send the cookie of the longest path first, and the
    others may have been planted by another host of the domain. What is no pair is passed over.
    """
    found: dict[str, str] = {}
    for name, value in _pairs(lines):
        if name not in found:
            found[name] = _unquoted(value)
    return found


def cookie_values(lines: Iterable[str], name: str) -> list[str]:
    """Return the values of all cookies of exactly this name, in the order in which they were sent."""
    return [_unquoted(value) for found, value in _pairs(lines) if found == name]


def _pairs(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    # NOTE: only space and tab go. str.strip() would drop spaces of Unicode too, which browsers let a page put in front
    # of a name, and so make a cookie with the prefix __Host- of one that any page may set.
    for line in lines:
        for pair in line.split(";"):
            name, equals, value = pair.strip(" \t").partition("=")
            if equals and name:
                yield name.rstrip(" \t"), value.lstrip(" \t")


def _unquoted(value: str) -> str:
    """Return a value without its quotes, and with what ``http.cookies`` escapes in them."""
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    inner = value[1:-1]
    return _ESCAPED.sub(_character, inner) if "\\" in inner else inner


def _character(match: re.Match[str]) -> str:
    return chr(int(match[1], 8)) if match[1] else match[2]
