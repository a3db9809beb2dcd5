"""Rates: so many requests in any span of so many seconds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from framework.errors import ConfigurationError

_RATE = re.compile(r"\s*(\d{1,9})\s*(?:/|per)\s*(\d{1,6})?\s*([a-z]+)\s*", re.IGNORECASE)
_UNITS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
_SHORT = {"s": "second", "sec": "second", "m": "minute", "min": "minute", "h": "hour", "d": "day"}
_LONGEST_SECONDS = 366 * 86_400


@dataclass(frozen=True, slots=True)
class Rate:
    """A number of requests, and the span in seconds in which there may be no more."""

    amount: int
    seconds: int

    def __str__(self) -> str:
        unit = next(name for name, size in reversed(_UNITS.items()) if self.seconds % size == 0)
        count = self.seconds // _UNITS[unit]
        return f"{self.amount}/{unit}" if count == 1 else f"{self.amount}/{count} {unit}s"


@lru_cache(maxsize=256)
def rate_from(text: str) -> Rate:
    """Read a rate such as ``10/minute``, ``100 per hour`` or ``5/30 seconds``.

    Raises:
        ConfigurationError: It is none.
    """
    found = _RATE.fullmatch(text)
    unit = "" if found is None else found[3].lower()
    unit = _SHORT.get(unit, unit.removesuffix("s"))
    if found is None or unit not in _UNITS:
        raise ConfigurationError(
            f"{text[:100]!r} is no rate: write a number and a span, as in 10/minute, 5/30 seconds or 100/hour; for two "
            "rates write @limit twice."
        )
    rate = Rate(int(found[1]), int(found[2] or 1) * _UNITS[unit])
    if not rate.amount or not 0 < rate.seconds <= _LONGEST_SECONDS:
        raise ConfigurationError(
            f"{text!r} is no rate: both numbers are above 0, and the span is at most a year."
        )
    return rate
