"""Which calls are made again when they fail, and when."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from aiohttp import hdrs

# RFC 9110, 9.2.2: made twice, they have the effect of once.
_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
_PASSING: Final = frozenset({429, 502, 503, 504})
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0


def may_be_repeated(method: str, headers: Mapping[str, str], data: Any) -> bool:
    """Tell whether a request may be sent twice: its effect is that of once, and its body is still there."""
    is_safe = method.upper() in _IDEMPOTENT or "Idempotency-Key" in headers
    return is_safe and (data is None or isinstance(data, bytes | str))


def is_passing(status: int) -> bool:
    """Tell whether a status may be another one in a moment."""
    return status in _PASSING


def pause_before(attempt: int, headers: Mapping[str, str]) -> float:
    """Return how many seconds to wait before another attempt: what ``Retry-After`` says, or longer each time.

    Args:
        attempt: How many there have been.
        headers: Those of the response, if there was one.
    """
    asked = _retry_after(headers.get(hdrs.RETRY_AFTER, ""))
    if asked is not None:
        return asked
    # Spread, so that those who failed together do not come back together.
    return random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt))  # noqa: S311 - no secret


def _retry_after(text: str) -> float | None:
    """Return the seconds that a header says (RFC 9110, 10.2.3), or None if it says none."""
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
