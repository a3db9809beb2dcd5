"""Where the files are that travel with the package: its page templates and the example service."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def shipped(name: str) -> Path:
    """Return the folder ``templates`` or ``app_example``: inside the package in a wheel, beside it in a checkout.

    Raises:
        FileNotFoundError: There is nothing of that name in either place.
    """
    places = (_PACKAGE / "_shipped" / name, _PACKAGE.parent / name)
    for place in places:
        if place.exists():
            return place
    raise FileNotFoundError(f"'{name}' is in none of {', '.join(map(str, places))}.")
