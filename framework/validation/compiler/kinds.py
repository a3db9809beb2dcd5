"""Whether an object does what its class, or a class that it comes from, is known to do."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TypeVar

V = TypeVar("V")

# A subclass of a known class may say these without changing what the class does.
_HARMLESS = frozenset(
    (
        *("__module__", "__qualname__", "__doc__", "__init__", "__orig_bases__", "__parameters__"),
        *("__abstractmethods__", "_abc_impl", "__static_attributes__", "__firstlineno__"),
        *("default_error_messages", "error", "default_message"),
    )
)


def known(value: object, table: Mapping[type, V]) -> V | None:
    """Return what a table says of a value's class, if the class does what the table's class does.

    A subclass that only sets arguments or messages counts as the class it comes from.
    """
    for parent in type(value).__mro__:
        if parent in table:
            return table[parent] if _methods(parent).isdisjoint(getattr(value, "__dict__", ())) else None
        if not _HARMLESS.issuperset(vars(parent)):
            return None
    return None


@cache
def _methods(kind: type) -> frozenset[str]:
    """Name the methods of a class; an instance that has one of its own is not known."""
    return frozenset(name for name in dir(kind) if callable(getattr(kind, name, None)))
