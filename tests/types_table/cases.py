"""The kinds of types that people annotate with, each with values that it must take and values that it must refuse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

IMPORTS = """
import collections, dataclasses, datetime as dt, decimal, enum, ipaddress, pathlib, re, typing, uuid, zoneinfo
from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping, MutableSequence, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import KW_ONLY, InitVar, dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag, IntEnum, StrEnum
from functools import cached_property
from ipaddress import *
from pathlib import Path, PurePosixPath
from typing import *
from uuid import UUID
from zoneinfo import ZoneInfo

import annotated_types as at
from marshmallow.validate import Email, Length, OneOf, Range, Regexp, URL

from framework.validation import MaxItems, Partial
try:
    from framework.validation import Computed
except ImportError: Computed = None

U = TypeVar("U")
V = TypeVar("V")
"""

RECORD = "@dataclass\nclass T:\n    a: int\n    b: str = 'x'\n"
FULL = {"a": 1, "b": "y"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """An annotation and its values.

    Attributes:
        name: What the table calls it.
        setup: What has to stand in the module before a handler can say it.
        annotation: As it is written.
        good: What a client sends, as JSON, by the expression of the value that it becomes.
        bad: What a client must not send.
        out: What an answer says, by the expression of the value, where that is not what a client sends.
        text: What stands in a query, form, header or cookie, by the expression of the value; None where no text can
            stand for it.
        bad_text: Text that is refused.
        since: The first Python that can say it.
        refused: Whether it is refused when the service is built, wherever it stands.
        answers: Whether it is for answers alone.
    """

    name: str
    setup: str = ""
    annotation: str = "T"
    good: Mapping[str, Any] = field(default_factory=dict)
    bad: Sequence[Any] = ()
    out: Mapping[str, Any] = field(default_factory=dict)
    text: Mapping[str, str | list[str]] | None = None
    bad_text: Sequence[str] = ()
    since: tuple[int, int] = (3, 11)
    refused: bool = False
    answers: bool = False


def case(name: str, annotation: str, good: Mapping[str, Any], bad: Sequence[Any], **more: Any) -> Case:
    return Case(name=name, annotation=annotation, good=good, bad=bad, **more)


def record(name: str, setup: str, good: Mapping[str, Any], bad: Sequence[Any], **more: Any) -> Case:
    return Case(name=name, setup=setup, annotation=more.pop("annotation", "T"), good=good, bad=bad, **more)


def refused(name: str, annotation: str, setup: str = "") -> Case:
    return Case(name=name, setup=setup, annotation=annotation, refused=True)
