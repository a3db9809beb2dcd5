"""JSON values as YAML 1.2: blocks, with texts in double quotes unless they are plain words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

# Words that no version of YAML takes for anything but a text; "on", "No" and "1e3" are some that are left out.
_WORD = re.compile(r"[A-Za-z_$/][A-Za-z0-9_$/.-]*(?: [A-Za-z0-9_/.-]+)*")
_RESERVED = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
# JSON leaves these as they are, and YAML does not print them (YAML 1.2, 5.1).
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def encode(value: Any) -> bytes:
    """Return values as a YAML document."""
    return ("\n".join(_lines(value)) + "\n").encode()


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, member in value.items():
            yield from _entry(f"{_text(str(key))}:", member)
    elif isinstance(value, list) and value:
        for item in value:
            first, *rest = _lines(item)
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)
    else:
        yield _scalar(value)


def _entry(head: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict | list) and value:
        yield head
        yield from (f"  {line}" for line in _lines(value))
    else:
        yield f"{head} {_scalar(value)}"


def _scalar(value: Any) -> str:
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(text: str) -> str:
    if _WORD.fullmatch(text) and text.lower() not in _RESERVED:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)
