"""marshmallow's nested messages as a flat list of faults, each with a JSON pointer (RFC 6901)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from marshmallow import ValidationError
from marshmallow.exceptions import SCHEMA

from framework.problem import Fault
from framework.validation.limits import FAULTS

_LONGEST_SEGMENT = 200


def faults(error: ValidationError, location: str) -> list[Fault]:
    """Return the faults of a document, at most 50 and then one that says that there are more.

    Args:
        error: What ``load`` raised.
        location: What the document is called, such as ``body``.
    """
    found = [
        Fault(location, pointer, detail)
        for pointer, detail in itertools.islice(_flatten(error.messages, ""), FAULTS + 1)
    ]
    if len(found) > FAULTS:
        found[FAULTS] = Fault(location, "", f"More values are not valid; these are the first {FAULTS}.")
    return found


def _flatten(messages: Any, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            yield from _flatten(inner, pointer if key == SCHEMA else f"{pointer}/{segment(key)}")
    elif isinstance(messages, list | tuple):
        for inner in messages:
            yield from _flatten(inner, pointer)
    else:
        yield pointer, str(messages)


def segment(key: object) -> str:
    """Return a key as a part of a JSON pointer (RFC 6901), cut where it is very long."""
    text = str(key).encode(errors="replace").decode()
    # An unknown field's name is the sender's: it must not swell what it is told.
    cut = text if len(text) <= _LONGEST_SEGMENT else text[:_LONGEST_SEGMENT] + "…"
    return cut.replace("~", "~0").replace("/", "~1")
