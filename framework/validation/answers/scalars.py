"""Values that hold no others."""

from __future__ import annotations

import datetime
import decimal
import math
from dataclasses import dataclass
from enum import Enum
from typing import Any

from framework.validation.answers.misfit import Misfit, described
from framework.validation.limits import LARGEST_INTEGER, SMALLEST_INTEGER

# What a class takes of its kind in Python, and not in a declaration: true is no number, a moment is no date.
_OTHERS: dict[Any, tuple[type, ...]] = {int: (bool,), float: (bool,), datetime.date: (datetime.datetime,)}


@dataclass(frozen=True, slots=True)
class Scalar:
    """A declared type whose values hold no others.

    Attributes:
        kind: Its class.
        declared: The type as its author wrote it.
        choices: The only values, if it is a Literal.
    """

    kind: Any
    declared: str
    choices: tuple[Any, ...] = ()

    def checked(self, value: Any) -> Any:
        """Return a value that is of the type.

        Raises:
            Misfit: It is not.
        """
        if self.choices:
            if not any(type(each) is type(value) and each == value for each in self.choices):
                raise Misfit(self.declared, f"{described(value)} that is none of these")
            return value
        if not isinstance(self.kind, type):
            return value
        kinds = (int, float) if self.kind is float else self.kind
        if not isinstance(value, kinds) or isinstance(value, _OTHERS.get(self.kind, ())):
            raise Misfit(self.declared, described(value))
        return of_json(value, self.declared)


def of_json(value: Any, declared: str = "Any") -> Any:
    """Return a value that JSON can say.

    Raises:
        Misfit: It is no number, an integer beyond 64 bits, or half a character.
    """
    if isinstance(value, Enum):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        raise Misfit(declared, f"{value!r}, which is no number in JSON,")
    if isinstance(value, decimal.Decimal) and not value.is_finite():
        raise Misfit(declared, f"{value!r}, which is no number in JSON,")
    if isinstance(value, int) and not SMALLEST_INTEGER <= value <= LARGEST_INTEGER:
        raise Misfit(declared, "an integer beyond 64 bits")
    if isinstance(value, str) and not _is_whole(value):
        raise Misfit(declared, "a text with half a character (a lone surrogate)")
    return value


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
