"""Every setting of a record and of the records in it, as somebody who is to set them would look it up."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, is_dataclass
from datetime import timedelta
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from framework.secrets import Secret
from framework.settings.loading import Setting, settings_of
from framework.settings.variables import mentions, record_of

_UNITS: Mapping[str, str] = {"_seconds": "seconds", "_bytes": "bytes", "_kib": "KiB"}
_ENTRY = re.compile(r"^    ([\w, ]+): (.*(?:\n        .*)*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Listed:
    """One setting.

    Attributes:
        variable: The name of its variable.
        kind: The type of its value, as a person would write it.
        default: The default as text; empty when there is none.
        unit: What a number counts; empty for what is no amount.
        means: What its record's docstring says of it.
    """

    variable: str
    kind: str
    default: str
    unit: str
    means: str


def listed(cls: type[Any], prefix: str = "") -> Iterator[Listed]:
    """Yield every setting of a record, those of the records in it included.

    Args:
        cls: A frozen dataclass, such as a service's settings.
        prefix: What stands before each variable.
    """
    yield from _listed(cls, prefix, MISSING)


def _listed(cls: type[Any], prefix: str, parent: Any) -> Iterator[Listed]:
    meanings = _meanings(cls)
    for setting in settings_of(cls, prefix):
        default = setting.default() if parent in (MISSING, None) else getattr(parent, setting.name)
        record = record_of(setting.kind)
        if record is not None:
            yield from _listed(record, f"{setting.variable}_", default)
            continue
        means = meanings.get(setting.name, "")
        yield Listed(setting.variable, _kind(setting.kind), text_of(default), _unit(setting), means)


def _meanings(cls: type[Any]) -> Mapping[str, str]:
    """Return what the docstrings of a record and of its bases say under ``Attributes:``."""
    found: dict[str, str] = {}
    for each in reversed([each for each in cls.__mro__ if is_dataclass(each)]):
        _, _, attributes = inspect.cleandoc(each.__doc__ or "").partition("Attributes:\n")
        for names, means in _ENTRY.findall(attributes.partition("\n\n")[0]):
            found |= dict.fromkeys(re.split(r", *", names), " ".join(means.split()))
    return found


def _unit(setting: Setting) -> str:
    if mentions(setting.kind, timedelta):
        return "seconds, or as 1h 30m"
    return next((unit for ending, unit in _UNITS.items() if setting.name.endswith(ending)), "")


def _kind(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " | ".join(str(value) for value in get_args(kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " | ".join(str(member.value) for member in kind)
    if isinstance(kind, type) and not get_args(kind):
        return kind.__name__
    parts = [_kind(each) for each in get_args(kind) if each not in (type(None), ...)]
    return (
        ", ".join([*parts[:1], "..."])
        if get_origin(kind) in (tuple, frozenset, list)
        else " ".join(parts[:1])
    )


def text_of(default: Any) -> str:
    """Return a setting's value as a person would write it; a secret as ``***``."""
    if default is MISSING or default is None:
        return ""
    if isinstance(default, timedelta):
        return f"{default.total_seconds():g}"
    if isinstance(default, Secret):
        return "***"
    if isinstance(default, tuple | list | frozenset | set):
        return ",".join(
            sorted(map(text_of, default)) if isinstance(default, frozenset | set) else map(text_of, default)
        )
    if isinstance(default, Enum):
        return str(default.value)
    return str(default).lower() if isinstance(default, bool) else str(default)
