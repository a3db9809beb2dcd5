"""marshmallow's nested messages as a flat list of faults, each with a JSON pointer (RFC 6901)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from marshmallow import ValidationError
from marshmallow.exceptions import SCHEMA

from framework.errors import Fault
from framework.validation.limits import FAULTS

_LONGEST_SEGMENT = 200


def faults(error: ValidationError, location: str) -> list[Fault]:
    """Return the faults of a part of the request, at most 50 and then one that says how many more there are.

    Args:
        error: What ``load`` raised.
        location: The part of the request, such as ``body``.
    """
    found: list[Fault] = []
    more = 0
    for pointer, detail in _flatten(error.messages, ""):
        if len(found) < FAULTS:
            found.append(Fault(location, pointer, detail))
        else:
            more += 1
    if more:
        found.append(Fault(location, "", f"{more} more values are not valid."))
    return found


def _flatten(messages: Any, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            yield from _flatten(inner, pointer if key == SCHEMA else f"{pointer}/{_segment(key)}")
    elif isinstance(messages, list | tuple):
        for inner in messages:
            yield from _flatten(inner, pointer)
    else:
        yield pointer, str(messages)


def _segment(key: object) -> str:
    text = str(key).replace("~", "~0").replace("/", "~1")
    # An unknown field's name is the client's: it must not swell the answer.
    return text if len(text) <= _LONGEST_SEGMENT else text[:_LONGEST_SEGMENT] + "…"
