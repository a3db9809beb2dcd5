"""What a PATCH sends: just some of the fields of a type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Partial(Mapping[str, Any], Generic[T]):
    """Just the fields of ``T`` that were sent, by their Python names.

    Every value is valid as the field's annotation says; a nested object is itself a ``Partial``, while the
    items of a list are complete, because a list replaces the old one (RFC 7396).
    """

    __slots__ = ("_sent",)

    def __init__(self, sent: Mapping[str, Any] | None = None) -> None:
        self._sent = dict(sent or {})

    def __getitem__(self, name: str) -> Any:
        return self._sent[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sent)

    def __len__(self) -> int:
        return len(self._sent)

    def __repr__(self) -> str:
        return f"Partial({self._sent!r})"

    def apply(self, target: Any) -> None:
        """Set the sent fields on an object or in a dict, and those of nested objects on theirs."""
        for name, value in self._sent.items():
            current = target.get(name) if isinstance(target, Mapping) else getattr(target, name, None)
            if isinstance(value, Partial) and current is not None:
                value.apply(current)
            elif isinstance(target, MutableMapping):
                target[name] = value
            else:
                setattr(target, name, value)
