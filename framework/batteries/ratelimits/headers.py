"""The headers that tell a client where it stands (draft-ietf-httpapi-ratelimit-headers-10, with RFC 9651's syntax)."""

from __future__ import annotations

from collections.abc import Iterable

from framework.batteries.ratelimits.limiter import Standing
from framework.batteries.ratelimits.rates import Rate


def policy_header(limits: Iterable[tuple[str, Rate]]) -> str:
    """Return the value of ``RateLimit-Policy``: each limit's quota, and its span in seconds."""
    return ", ".join(f"{_text(name)};q={rate.amount};w={rate.seconds}" for name, rate in limits)


def standing_header(standings: Iterable[Standing]) -> str:
    """Return the value of ``RateLimit``: what remains of each limit, and the seconds until there is more."""
    return ", ".join(
        f"{_text(each.policy)};r={each.taken.remaining};t={each.taken.reset_seconds}" for each in standings
    )


def _text(value: str) -> str:
    """Return a text as a string of structured fields (RFC 9651, 3.3.3)."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
