"""Keys: how clients write them, whose they are, and what they were used for."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from framework.errors import BadRequest

HEADER = "Idempotency-Key"
MAX_LENGTH = 255
# A string (RFC 9651, 3.3.3), or what most clients send: the same without quotes and spaces.
PATTERN = rf'^(?:[!#-+\--:<-\[\]-~]{{1,{MAX_LENGTH}}}|"(?:[ !#-\[\]-~]|\\["\\]){{1,{MAX_LENGTH}}}")$'

_KEY = re.compile(PATTERN[:-1] + r"\Z")
_ESCAPED = re.compile(r'\\(["\\])')


def key_from(lines: Sequence[str]) -> str:
    """Return the key that the header's lines hold; in quotes it is the same as without.

    Raises:
        BadRequest: There are several, or it is none.
    """
    text = lines[0].strip(" \t")
    if len(lines) > 1 or not _KEY.match(text):
        raise BadRequest(
            f"{HEADER} must be one text of 1 to {MAX_LENGTH} printable ASCII characters, in double quotes or "
            "without spaces, commas and semicolons."
        )
    return _ESCAPED.sub(r"\1", text[1:-1]) if text.startswith('"') else text


def digest(*parts: str | bytes) -> str:
    """Return a short text that stands for these parts, and for no others."""
    made = hashlib.sha256()
    for part in parts:
        data = part.encode(errors="surrogatepass") if isinstance(part, str) else part
        made.update(len(data).to_bytes(8, "big") + data)
    return made.hexdigest()
