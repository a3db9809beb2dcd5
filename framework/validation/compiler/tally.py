"""How many faults of a document are looked for, and what is known of where they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from framework.validation.limits import FAULTS


class Tally:
    """The faults of one document that may yet be found.

    Attributes:
        left: How many. Reading stops when there are none left: their number is a limit on work.
        suspects: The ids of the objects and lists that a generated function was reading when it gave up: reading them
            with one again would be in vain.
    """

    __slots__ = ("left", "suspects")

    def __init__(self, error: BaseException | None = None) -> None:
        # One more than is told, so that it can be said that there are more.
        self.left = FAULTS + 1
        self.suspects: set[int] = set()
        if error is not None:
            self.suspect(error)

    @property
    def is_spent(self) -> bool:
        return self.left <= 0

    def note(self, messages: Any) -> None:
        """Count the faults that marshmallow's messages speak of."""
        self.left -= _count(messages)

    def suspect(self, error: BaseException) -> None:
        """Take note of what was being read when a generated function gave up.

        PERF: what stands around a fault is then read by generated functions, each part of it twice at most, however
            deep the fault stands.
        """
        trace = error.__traceback__
        while trace is not None:
            for value in trace.tb_frame.f_locals.values():
                if type(value) is dict or type(value) is list:
                    self.suspects.add(id(value))
            trace = trace.tb_next


def _count(messages: Any) -> int:
    if isinstance(messages, Mapping):
        return sum(map(_count, messages.values()))
    if isinstance(messages, list | tuple):
        return sum(map(_count, messages))
    return 1
