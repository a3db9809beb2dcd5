"""Messages for the next page that is shown, such as «Saved.» behind a redirect."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, NamedTuple

from framework.context import SESSION_FLASHES

_MOST = 10


class Flash(NamedTuple):
    """A message and what kind it is: ``info``, ``success`` or ``error``, or a word of the service's own."""

    category: str
    message: str


def flash(session: MutableMapping[str, Any], message: str, category: str = "info") -> None:
    """Let the next page say something; when pages are long in coming the oldest messages go."""
    session[SESSION_FLASHES] = [*session.get(SESSION_FLASHES, ()), [category, message]][-_MOST:]


def taken_flashes(session: MutableMapping[str, Any]) -> list[Flash]:
    """Take the messages out of the session."""
    if SESSION_FLASHES not in session:
        return []
    return [Flash(*pair) for pair in session.pop(SESSION_FLASHES)]
