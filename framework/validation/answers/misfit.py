"""What is told of a value that is not what was declared."""

from __future__ import annotations

import types
from typing import Any, get_args

from framework.validation.faults import segment


class Misfit(TypeError):
    """A value that is not what was declared, or that JSON cannot say.

    Attributes:
        declared: The type that was declared, as its author wrote it.
        found: What was found in its place.
        pointer: Where, as a JSON pointer into the document that it would have become (RFC 6901).
    """

    def __init__(self, declared: str, found: str) -> None:
        super().__init__(declared, found)
        self.declared = declared
        self.found = found
        self.pointer = ""

    def within(self, key: object) -> Misfit:
        """Return the misfit as it is seen from the object or list that holds it under a key."""
        self.pointer = f"/{segment(key)}{self.pointer}"
        return self

    def __str__(self) -> str:
        return f"at '{self.pointer}' '{self.declared}' is declared and {self.found} was found"


def described(value: Any) -> str:
    """Return what a value is, without telling what may be secret of it."""
    if value is None:
        return "None"
    if isinstance(value, types.CoroutineType):
        value.close()  # or Python would warn of it, at some other place
        return "a coroutine (is an 'await' missing?)"
    if isinstance(value, tuple) and value and not hasattr(value, "_fields"):
        kinds = ", ".join(type(each).__name__ for each in value)
        return f"a tuple ({kinds}) (a status goes into Result(value, 201))"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return f"a value of type {type(value).__name__}"


def described_without(value: Any, lacking: list[str]) -> str:
    """Return what a value is that lacks these fields."""
    return f"{described(value)} without {', '.join(lacking)}"


def spelt(annotation: Any) -> str:
    """Return a type as its author may have written it."""
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__qualname__.rpartition(".")[2] or annotation.__qualname__
    return str(annotation).replace("typing.", "")
