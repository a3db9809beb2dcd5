"""What may stand in a log: values made plain, short and free of secrets and control characters."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import fields, is_dataclass
from datetime import date, time
from itertools import islice
from typing import Any

FIELD_BYTES = 2 * 1024
TRACEBACK_BYTES = 16 * 1024
REDACTED = "***"

_TRACEBACKS = frozenset({"exception", "stack"})
_ITEMS = 50
_DEPTH = 4
_LARGEST_INTEGER = 2**63

_SECRETS = (
    "passw",
    "passphrase",
    "secret",
    "token",
    "authorization",
    "cookie",
    "api[_-]?key",
    "private[_-]?key",
    "credential",
    "session[_-]?id",
    "csrf",
)

# C0, DEL and C1, the line and paragraph separators, what turns the direction of text, and halves of characters.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_UNSAFE_IN_TRACEBACK = re.compile(_UNSAFE.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))


class Cleaner:
    """The rules by which the fields of a record become fit for a log.

    Values become plain JSON values of at most 2 KiB of text, 50 items and 4 levels; those under a name that speaks
    of a secret become ``***``.

    Args:
        redacted: Further words that speak of one.
    """

    def __init__(self, redacted: Iterable[str] = ()) -> None:
        words = re.compile("|".join([*_SECRETS, *map(re.escape, redacted)]), re.IGNORECASE)
        # PERF: a service has a few dozen names for its fields, and asks for them with every record.
        self._is_secret = functools.lru_cache(maxsize=1024)(lambda name: words.search(name) is not None)

    def __call__(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return the record as it may be logged."""
        traces = {name: tail(record[name]) for name in _TRACEBACKS if name in record}
        return (
            self._mapping(((name, value) for name, value in record.items() if name not in traces), _DEPTH)
            | traces
        )

    def _mapping(self, items: Iterable[tuple[object, Any]], depth: int) -> dict[str, Any]:
        pairs = ((shortened(str(name)), value) for name, value in islice(items, _ITEMS))
        return {
            name: REDACTED if self._is_secret(name) else self._plain(value, depth) for name, value in pairs
        }

    def _plain(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return shortened(value)
        if value is None or isinstance(value, bool | float | date | time):
            return value
        if isinstance(value, int):
            return value if -_LARGEST_INTEGER <= value < _LARGEST_INTEGER else shortened(str(value))
        return self._structured(value, depth - 1) if depth else "…"

    def _structured(self, value: Any, depth: int) -> Any:
        if isinstance(value, Mapping):
            return self._mapping(value.items(), depth)
        if is_dataclass(value) and not isinstance(value, type):
            return self._mapping(((each.name, getattr(value, each.name)) for each in fields(value)), depth)
        if isinstance(value, list | tuple | Set):
            return [self._plain(item, depth) for item in islice(value, _ITEMS)]
        return shortened(_shown(value))


def _shown(value: object) -> str:
    try:
        return value.decode(errors="backslashreplace") if isinstance(value, bytes) else repr(value)
    except Exception as error:  # noqa: BLE001 - a repr is anybody's code, and a log line must not fail for it
        return f"<{type(value).__name__}, whose repr raises {type(error).__name__}>"


def shortened(text: str, limit: int = FIELD_BYTES) -> str:
    """Return a text that is UTF-8 and within a limit in bytes, its beginning if need be."""
    if len(text) <= limit and text.isascii():
        return text
    data = text[: limit + 1].encode(errors="backslashreplace")
    if len(data) <= limit:
        return data.decode()
    return f"{data[:limit].decode(errors='ignore')}… ({len(text)} characters)"


def tail(trace: object) -> str:
    """Return a traceback that is UTF-8 and within 16 KiB; it is at its end that it says what happened."""
    data = str(trace).encode(errors="backslashreplace")
    if len(data) <= TRACEBACK_BYTES:
        return data.decode()
    return f"…{data[-TRACEBACK_BYTES:].decode(errors='ignore')}"


def escaped(text: str) -> str:
    """Return a text without characters that would break a line or steer a terminal."""
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(_code, text)


def escaped_traceback(text: str) -> str:
    """Return a text that may have several lines, without characters that would steer a terminal."""
    return _UNSAFE_IN_TRACEBACK.sub(_code, text)


def escaped_json(line: bytes) -> bytes:
    """Return a JSON document in which every character is escaped that some reader takes for the end of a line."""
    if line.isascii() and b"\x7f" not in line:
        return line
    return _UNSAFE_IN_JSON.sub(_code, line.decode()).encode()


def _code(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
