"""JSON in and out: strict when reading, marshmallow's spelling when writing.

Reading refuses what a service cannot keep apart or store: text that is not UTF-8, lone surrogates, ``NaN``
and ``Infinity``, integers beyond 64 bits (a JSON library would round them silently) and documents nested
deeper than 64 levels. One UTF-8 byte order mark in front is ignored, as RFC 8259 (8.1) allows; any other
encoding is refused, whatever the ``Content-Type`` says. Of a key that stands twice in one object the last
value counts, as in RFC 8259 (4).
"""

from __future__ import annotations

import codecs
import datetime
import decimal
import gc
import json
import math
import re
from collections.abc import Mapping
from typing import Any

import orjson
from marshmallow import missing

from framework.validation.limits import LARGEST_INTEGER, SMALLEST_INTEGER


class MalformedJSON(ValueError):
    """Text that is not JSON, or a document beyond the limits; the message names line and column."""


DEPTH = 64
_SMALL = 65_536  # bytes

# PERF: bytes.translate and find run at memory speed; a pattern over every document would cost more than decoding
# it.
_DIGITS_TO_ZERO = bytes(0x30 if 0x30 <= code <= 0x39 else 0 for code in range(256))
_DIGITS_AND_POINT_TO_ZERO = bytes(
    0x30 if 0x30 <= code <= 0x39 or code == ord(".") else 0 for code in range(256)
)
_LONG_NUMBER = b"0" * 19
_LONG_FRACTION = b"0" * 17
# Text, which is passed over, or an integer of many digits.
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|(?<![0-9.eE+-])-?[0-9]{19,}(?![0-9]*[.eE])', re.DOTALL)
BACKSLASH = ord("\\")
ESCAPED_NUL = b"\\u0000"
#: Dates and times are written by `plain`: orjson 3.13 writes a time of 10,000 to 99,999 microseconds without its zero,
#: and none with an offset. Dataclasses have schemas, which say what of them is for others.
SPELT_HERE = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
_NOT_UTF_8 = ("str is not valid UTF-8", "invalid unicode code point")


class ExactFloat(float):
    """A number whose digits a float cannot hold; as text it is what the document says."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text


def may_be_exact(document: bytes) -> bool:
    """Tell whether a document may have numbers of more digits than a float keeps (15, IEEE 754)."""
    return document.translate(_DIGITS_AND_POINT_TO_ZERO).find(_LONG_FRACTION) >= 0


def decode_exactly(document: bytes) -> Any:
    """Read a JSON document as `decode` does, and keep the digits of numbers that have too many.

    Raises:
        MalformedJSON: As `decode` does.
    """
    value = decode(document)
    if not may_be_exact(document):
        return value
    return json.loads(document.removeprefix(codecs.BOM_UTF8), parse_float=_exact_float)


def _exact_float(text: str) -> float:
    number = float(text)
    return number if decimal.Decimal(repr(number)) == decimal.Decimal(text) else ExactFloat(text)


def decode(document: bytes) -> Any:
    """Read a JSON document.

    Raises:
        MalformedJSON: The document is not JSON, or is beyond the limits above; the detail names line and
            column.
    """
    return checked(document, parse(document))


def checked(document: bytes, value: Any) -> Any:
    """Return what a document was read as, if it is within the limits; read it now if it was not.

    Args:
        value: What it was read as without the checks, or ``missing``.

    Raises:
        MalformedJSON: As `decode` does.
    """
    if value is missing:
        return decode(document)
    refuse_long_integers(document)
    if not (may_be_deep(document) and _is_too_deep(value)):
        return value
    # PERF: what frames of a traceback hold lives until the response is out, and the garbage collector walks over it.
    del value
    raise MalformedJSON(f"The document is nested deeper than {DEPTH} levels.")


def parse(document: bytes) -> Any:
    """Read a JSON document without the checks that need a second look at it.

    Raises:
        MalformedJSON: The document is not JSON.
    """
    document = document.removeprefix(codecs.BOM_UTF8)
    try:
        return orjson.loads(document) if len(document) <= _SMALL else _load_large(document)
    except orjson.JSONDecodeError as error:
        raise MalformedJSON(_explanation(document, error)) from error


def _load_large(document: bytes) -> Any:
    """Decode without the garbage collector, which would walk again and again over all that was made so far.

    PERF: of a megabyte of nested lists that is six parts in seven of the time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return orjson.loads(document)
    finally:
        if was_enabled:
            gc.enable()


def refuse_long_integers(document: bytes) -> None:
    """Refuse integers beyond 64 bits, which the parser below has already rounded to a float.

    Raises:
        MalformedJSON: There is one; the detail names line and column.
    """
    if document.translate(_DIGITS_TO_ZERO).find(_LONG_NUMBER) < 0:
        return
    for token in _TOKENS.finditer(document):
        digits = token.group()
        if digits[:1] != b'"' and not SMALLEST_INTEGER <= int(digits) <= LARGEST_INTEGER:
            raise MalformedJSON(f"The integer at {_place(document, token.start())} does not fit in 64 bits.")


def may_be_deep(document: bytes) -> bool:
    """Tell whether there are brackets enough for a document deeper than the limit."""
    return document.count(b"[") + document.count(b"{") > DEPTH


def _is_too_deep(value: Any) -> bool:
    """Tell whether a document is nested deeper than the limit."""
    level = [value]
    for depth in range(DEPTH + 1):
        # PERF: an empty one holds nothing, and only at the last level does it count itself.
        level = [
            each for each in level if (type(each) is dict or type(each) is list) and (each or depth == DEPTH)
        ]
        if not level:
            return False
        if depth < DEPTH:
            level = [item for each in level for item in (each.values() if type(each) is dict else each)]
    return True


def encode(value: Any) -> bytes:
    """Write plain data as JSON: dates and times in ISO 8601, a Decimal as a string, an Enum as its value.

    Raises:
        TypeError: The value holds something that JSON cannot say, or an object that only its schema can write.
    """
    try:
        return encode_plainly(value)
    except orjson.JSONEncodeError:
        # Keys that are not text are rare, and asking for them costs everywhere else.
        return encode_plainly(value, orjson.OPT_NON_STR_KEYS | SPELT_HERE)


def encode_plainly(value: Any, options: int = SPELT_HERE) -> bytes:
    """Write plain data as JSON, as `encode` does, whose keys are all text.

    Raises:
        TypeError: The value holds something that JSON cannot say.
    """
    document = orjson.dumps(value, plain, options)
    # PERF: what is no number becomes null, and one word is found much faster than a number that is none.
    if b"null" in document:
        refuse_no_numbers(value)
    return document


def refuse_no_numbers(value: Any) -> None:
    """Refuse NaN and infinities, which the writer above turns into null.

    Raises:
        TypeError: There is one.
    """
    waiting = [value]
    for each in waiting:  # grows while it is walked
        if isinstance(each, float) and not math.isfinite(each):
            raise TypeError(f"{each!r} cannot be written as JSON")
        if isinstance(each, Mapping | list | tuple | set | frozenset):
            for items in (each, each.values()) if isinstance(each, Mapping) else (each,):
                # PERF: most hold nothing that has to be looked at, which a set of their types tells fastest.
                if not _HARMLESS.issuperset(map(type, items)):
                    waiting.extend([item for item in items if type(item) not in _HARMLESS])


_HARMLESS = frozenset((str, int, bool, type(None)))


def plain(value: Any) -> Any:
    """Turn what orjson does not know into what it does, as marshmallow's fields would."""
    if isinstance(value, decimal.Decimal) and value.is_finite():
        return format(value, "f")
    if isinstance(value, ExactFloat):
        return float(value)
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return list(value)
    raise TypeError(f"{type(value).__qualname__} cannot be written as JSON")


def _explanation(document: bytes, error: orjson.JSONDecodeError) -> str:
    if not document.strip():
        return "The document is empty; send JSON."
    if str(error).startswith(_NOT_UTF_8) or b"\x00" in document[:4]:
        return "The document is not UTF-8 text; send JSON in UTF-8 (RFC 8259, 8.1)."
    return f"The document is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."


def _place(document: bytes, position: int) -> str:
    line = document.count(b"\n", 0, position) + 1
    start = document.rfind(b"\n", 0, position) + 1
    return f"line {line}, column {len(document[start:position].decode()) + 1}"
