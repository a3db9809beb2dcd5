"""Attributes that are made when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class made_once:  # noqa: N801 - stands where a value would
    """An attribute that is made when it is first asked for, and is an ordinary one of its instance from then on.

    PERF: unlike ``functools.cached_property`` it takes no lock on Python 3.11, and unlike ``__getattr__`` it leaves a
    class the interpreter's short cut to its instances' attributes.
    """

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        made = self._make(instance)
        setattr(instance, self._name, made)
        return made
