"""Header values with parameters, such as ``Content-Disposition``, read in one pass (RFC 9110, 5.6.6)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote_to_bytes

#: More parameters than anybody sends.
PARAMETERS: Final = 16

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - the token of RFC 9110, 5.6.2
_KIND = re.compile(rf"[ \t]*({_TOKEN}(?:/{_TOKEN})?)[ \t]*")
# Some clients write filenames without quotes, spaces and all; others leave a backslash of Windows in quotes.
_PARAMETER = re.compile(
    rf';[ \t]*(?:({_TOKEN})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^";]*))[ \t]*)?', re.DOTALL
)
_ESCAPED = re.compile(r'\\(["\\])')
_EXTENDED_CHARSETS = frozenset({"utf-8", "iso-8859-1"})


def parse_parameters(value: str) -> tuple[str, Mapping[str, str]]:
    """Return a value in lower case and its parameters, an extended one (``filename*``, RFC 8187) under its plain name.

    Raises:
        ValueError: It is not well-formed, has a parameter twice, or has more of them than anybody sends.
    """
    kind = _KIND.match(value)
    if kind is None:
        raise ValueError("A header value with parameters begins with a token.")
    plain: dict[str, str] = {}
    extended: dict[str, str] = {}
    position = kind.end()
    for _ in range(PARAMETERS + 1):
        if position == len(value):
            return kind[1].lower(), {**plain, **extended}
        position = _take(value, position, plain, extended)
    raise ValueError(f"There are more than {PARAMETERS} parameters.")


def _take(value: str, position: int, plain: dict[str, str], extended: dict[str, str]) -> int:
    """Read one parameter, and return where the next one begins."""
    match = _PARAMETER.match(value, position)
    if match is None:
        raise ValueError("Parameters are written '; name=value'.")
    if match[1] is not None:
        name = match[1].lower()
        target = extended if name.endswith("*") else plain
        name = name.removesuffix("*")
        if name in target:
            raise ValueError("A parameter is there twice.")
        text = match[3].strip(" \t") if match[2] is None else _ESCAPED.sub(r"\1", match[2])
        target[name] = _extended(text) if target is extended else text
    return match.end()


def _extended(text: str) -> str:
    """Return what ``UTF-8''%c3%a4`` stands for (RFC 8187, 3.2.1)."""
    charset, has_language, rest = text.partition("'")
    _, has_text, encoded = rest.partition("'")
    if not (has_language and has_text) or charset.lower() not in _EXTENDED_CHARSETS:
        raise ValueError("An extended parameter is written UTF-8''text, percent-encoded (RFC 8187).")
    return unquote_to_bytes(encoded).decode(charset)
