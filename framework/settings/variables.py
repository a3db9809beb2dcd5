"""Read the text of one setting as the type that its record asks for."""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterable, Sequence
from dataclasses import is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin
from uuid import UUID

from marshmallow import ValidationError, fields

from framework.secrets import Secret

# What a source says: one text, or several where the source has lists of its own, as TOML does.
Raw = str | tuple[str, ...]

_FIELDS: Final[dict[Any, fields.Field[Any]]] = {
    str: fields.String(),
    int: fields.Integer(),
    float: fields.Float(),
    bool: fields.Boolean(),
    Decimal: fields.Decimal(),
    UUID: fields.UUID(),
    datetime: fields.DateTime(),
    date: fields.Date(),
    time: fields.Time(),
}
_UNITS: Final = re.compile(
    r"\s*"
    + "".join(
        rf"(?:(?P<{unit}>-?[0-9]+)\s*{sign}\s*)?"
        for unit, sign in (
            ("weeks", "w"),
            ("days", "d"),
            ("hours", "h"),
            ("minutes", "m"),
            ("seconds", "s"),
            ("milliseconds", "ms"),
            ("microseconds", "[µu]s"),
        )
    )
)
_COLLECTIONS: Final[dict[Any, Callable[[Iterable[Any]], Any]]] = {
    tuple: tuple,
    frozenset: frozenset,
    list: list,
    Sequence: tuple,
}


class UnreadableKind(TypeError):
    """No text can stand for a value of this type."""


def record_of(kind: Any) -> type[Any] | None:
    """Return the dataclass that ``kind`` is, or is with None; None for any other kind."""
    inner = _without_none(kind)
    return inner if isinstance(inner, type) and is_dataclass(inner) else None


def _without_none(kind: Any) -> Any:
    """Return ``X`` for ``X | None``, and any other kind as it is."""
    inner = [part for part in get_args(kind) if part is not types.NoneType]
    return inner[0] if _is_union(kind) and len(inner) == 1 else kind


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType)


def mentions(kind: Any, wanted: type[Any]) -> bool:
    """Tell whether ``wanted`` is this kind or stands anywhere in it."""
    return kind is wanted or any(mentions(part, wanted) for part in get_args(kind))


def takes_empty(kind: Any) -> bool:
    """Tell whether an empty text is a value of this kind, rather than no value."""
    if get_origin(kind) is Annotated:
        return takes_empty(get_args(kind)[0])
    return kind is str or get_origin(kind) in _COLLECTIONS or _is_union(kind)


def parse(kind: Any, raw: Raw) -> Any:
    """Return the value that ``raw`` spells.

    Raises:
        ValidationError: It spells none; the message never quotes it.
        UnreadableKind: ``kind`` cannot be spelled.
    """
    origin = get_origin(kind)
    if origin is Annotated:
        return _checked(kind, raw)
    if _is_union(kind):
        return _optional(kind, raw)
    if origin in _COLLECTIONS:
        return _collection(kind, raw)
    if not isinstance(raw, str):
        raise ValidationError("Wants one value, not a list.")
    if origin is Literal:
        return _choice({str(value): value for value in get_args(kind)}, raw)
    return _scalar(kind, raw)


def _optional(kind: Any, raw: Raw) -> Any:
    inner = _without_none(kind)
    if inner is kind:
        raise UnreadableKind(f"{kind} is one of several types")
    return parse(inner, raw) if raw else None


def _checked(kind: Any, raw: Raw) -> Any:
    inner, *checks = get_args(kind)
    value = parse(inner, raw)
    for check in checks:
        if callable(check):
            check(value)
    return value


def _collection(kind: Any, raw: Raw) -> Any:
    element, *rest = get_args(kind)
    if get_origin(kind) is tuple and rest != [...]:
        raise UnreadableKind(f"{kind} has a fixed length")
    parts = [part.strip() for part in raw.split(",")] if isinstance(raw, str) else raw
    values: list[Any] = []
    faults: list[str] = []
    for number, part in enumerate((part for part in parts if part), start=1):
        try:
            values.append(parse(element, part))
        except ValidationError as error:
            faults.extend(f"Item {number}: {message}" for message in messages(error))
    if faults:
        raise ValidationError(faults)
    return _COLLECTIONS[get_origin(kind)](values)


def _scalar(kind: Any, text: str) -> Any:
    if kind is Secret:
        return Secret(text)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _choice({_spelling(member): member for member in kind}, text)
    if kind is Path:
        return Path(text)
    if kind is timedelta:
        return _duration(text)
    if kind not in _FIELDS:
        raise UnreadableKind(f"{kind} cannot be spelled")
    return _FIELDS[kind].deserialize(text)


def _duration(text: str) -> timedelta:
    """Read seconds, or amounts with their units, the largest first: ``1h 30m``."""
    found = _UNITS.fullmatch(text)
    if found is not None and found.lastgroup is not None:
        amounts = {unit: int(amount) for unit, amount in found.groupdict().items() if amount is not None}
        try:
            return timedelta(**amounts)
        except OverflowError:
            raise ValidationError("Not a valid period of time.") from None
    duration: timedelta = fields.TimeDelta().deserialize(text)
    return duration


def _spelling(member: Enum) -> str:
    return member.value if isinstance(member.value, str) else member.name


def _choice(choices: dict[str, Any], text: str) -> Any:
    if text not in choices:
        raise ValidationError(f"Must be one of: {', '.join(choices)}.")
    return choices[text]


def messages(error: ValidationError) -> list[str]:
    """Return what a validation error says, without the place that it says it of."""
    said = error.messages
    return [str(message) for message in (said if isinstance(said, list) else said.values())]
