"""Limits that keep one request from costing more than it should, and guards on the kind of a raw value.

Both are callables in the place of a field's ``pre_load``: marshmallow runs them on the raw value before the
field reads it, so a refusal stands beside the request's other faults. ``None`` passes: whether it may stand
is the field's to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from framework.validation.unions import Union

ITEMS = 1_000
TEXT_BEFORE_PATTERN = 10_000
FAULTS = 50


@dataclass(frozen=True, slots=True)
class MaxItems:
    """Another length for a list than the usual 1,000: ``Annotated[list[Row], MaxItems(5_000)]``."""

    count: int


@dataclass(frozen=True, slots=True)
class AtMost:
    """A guard against a collection of more items, before any of them is looked at."""

    items: int

    def __call__(self, value: Any) -> Any:
        if isinstance(value, list | tuple | Mapping) and len(value) > self.items:
            raise ValidationError(f"Longer than maximum length {self.items}.")
        return value


@dataclass(frozen=True, slots=True)
class StorableText:
    """A guard against text with NUL, which PostgreSQL cannot store, and text too long for a pattern."""

    length: int | None = None

    def __call__(self, value: Any) -> Any:
        if isinstance(value, str):
            if "\0" in value:
                raise ValidationError("Null characters are not allowed.")
            if self.length is not None and len(value) > self.length:
                raise ValidationError(f"Longer than maximum length {self.length}.")
        return value


@dataclass(frozen=True, slots=True)
class Only:
    """A guard that lets values of exactly these types pass: JSON's ``true`` is no number, nor is ``"1"``."""

    types: tuple[type, ...]
    message: str

    def __call__(self, value: Any) -> Any:
        if value is None or type(value) in self.types:
            return value
        if isinstance(value, float) and float in self.types:  # one that keeps its digits
            return float(value)
        raise ValidationError(self.message)


@dataclass(frozen=True, slots=True)
class Spelling:
    """A guard for text in its one plain spelling: Python would also read ``1_000``, ``" 1"`` and ``"١"``."""

    pattern: re.Pattern[str]
    message: str

    def __call__(self, value: Any) -> Any:
        if isinstance(value, str) and not self.pattern.fullmatch(value):
            raise ValidationError(self.message)
        return value


@dataclass(frozen=True, slots=True)
class TimeOfDay:
    """A guard against a bare date, which Python reads as midnight; in the field's words, empty text is no time."""

    def __call__(self, value: Any) -> Any:
        return "" if isinstance(value, str) and len(value) <= len("2024-02-29") else value


@dataclass(frozen=True, slots=True)
class WithColons:
    """A guard against a time without a colon, in the field's words: Python takes ``20240229`` for one."""

    def __call__(self, value: Any) -> Any:
        return "" if isinstance(value, str) and value[2:3] != ":" else value


@dataclass(frozen=True, slots=True)
class Zulu:
    """A reader of ``z`` as ``Z``, as RFC 3339 (5.6) allows and Python does not."""

    def __call__(self, value: Any) -> Any:
        return f"{value[:-1]}Z" if isinstance(value, str) and value.endswith("z") else value


@dataclass(frozen=True, slots=True)
class Span:
    """A reader of a span as ISO 8601 writes it (``PT1M30S``) as its seconds; months and years have no length.

    Attributes:
        text: Whether the seconds are to be text.
    """

    text: bool = False

    def __call__(self, value: Any) -> Any:
        found = _SPAN.fullmatch(value) if isinstance(value, str) else None
        if found is None or not any(found.groups()):
            return value
        weeks, days, hours, minutes, seconds = (float(each or 0) for each in found.groups())
        whole = ((weeks * 7 + days) * 24 + hours) * 3600 + minutes * 60 + seconds
        return repr(whole) if self.text else whole


@dataclass(frozen=True, slots=True)
class ModestNumber:
    """A guard against text of a number with a huge exponent.

    Dumping writes a Decimal in full: ``1e999999999`` would ask for a gigabyte of zeros.
    """

    message: str

    def __call__(self, value: Any) -> Any:
        if isinstance(value, str) and not MODEST_NUMBER.fullmatch(value):
            raise ValidationError(self.message)
        return value


@dataclass(frozen=True, slots=True)
class In64Bits:
    """A guard against integers that neither a database nor another service's JSON can hold, in whatever spelling."""

    message: str

    def __call__(self, value: Any) -> Any:
        try:
            number = int(value) if isinstance(value, int | float | str) else 0
        except (ValueError, OverflowError):  # the field says what is wrong with it
            return value
        if not SMALLEST_INTEGER <= number <= LARGEST_INTEGER:
            raise ValidationError(self.message)
        return value


@dataclass(frozen=True, slots=True)
class HexDigits:
    """A guard against a UUID that only Python reads: signs, blanks, underscores, other scripts, ``0x``."""

    message: str

    def __call__(self, value: Any) -> Any:
        if isinstance(value, str) and not _UUID.fullmatch(value):
            raise ValidationError(self.message)
        return value


SMALLEST_INTEGER = -(2**63)
LARGEST_INTEGER = 2**64 - 1
_SPAN = re.compile(
    r"P(?!$)(?:([0-9]{1,6})W)?(?:([0-9]{1,6})D)?(?:T(?=[0-9])(?:([0-9]{1,6})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,9}(?:\.[0-9]{1,6})?)S)?)?"
)
_UUID = re.compile(r"(?:urn:)?(?:uuid:)?\{?[0-9a-fA-F-]{32,63}\}?")
MODEST_NUMBER = re.compile(r"[^eE]{0,1000}([eE][+-]?[0-9]{1,3})?", re.DOTALL)
_PATTERN_VALIDATORS = (validate.Regexp, validate.Email, validate.URL)


def limit(field: fields.Field[Any]) -> None:
    """Put the limits in front of a field and of the fields within it, once."""
    guard = _limit_for(field)
    if guard is not None and guard not in field.pre_load:
        # A new list: copies of a field share the old one with the class that declares it.
        # What may be spelt at all comes before how large it may be.
        field.pre_load = [*field.pre_load, guard] if isinstance(guard, In64Bits) else [guard, *field.pre_load]
    for inner in inner_fields(field):
        limit(inner)


def inner_fields(field: fields.Field[Any]) -> list[fields.Field[Any]]:
    """Return the fields that a list, tuple or mapping field is made of."""
    if isinstance(field, fields.List):
        return [field.inner]
    if isinstance(field, fields.Tuple):
        return list(field.tuple_fields)
    if isinstance(field, Union):
        return list(field.members)
    if isinstance(field, fields.Mapping):
        return [inner for inner in (field.key_field, field.value_field) if inner is not None]
    return []


def most_items(validators: list[Any]) -> int:
    """Return how many items a list may have: what a ``Length`` says, or else the usual limit."""
    stated = [
        most
        for each in validators
        if isinstance(each, validate.Length)
        for most in (each.max if each.equal is None else each.equal,)
        if most is not None
    ]
    return max(stated, default=ITEMS)


def most_of(schema: Schema) -> int:
    """Return how many objects a document of many may hold."""
    most: int = getattr(schema, "max_items", ITEMS)
    return most


def _limit_for(field: fields.Field[Any]) -> Callable[[Any], Any] | None:
    if isinstance(field, fields.List | fields.Mapping) or (
        isinstance(field, fields.Nested) and _is_many(field)
    ):
        marked = field.metadata.get("max_items")
        return AtMost(marked if isinstance(marked, int) else most_items(field.validators))
    if isinstance(field, fields.String):
        patterned = any(isinstance(each, _PATTERN_VALIDATORS) for each in flat(field.validators))
        return StorableText(TEXT_BEFORE_PATTERN if patterned else None)
    for kind, guard, message in _GUARDS:
        if isinstance(field, kind):
            return guard(str(field.error_messages[message]))
    return None


_GUARDS: tuple[tuple[type, Callable[[str], Callable[[Any], Any]], str], ...] = (
    (fields.Decimal, ModestNumber, "invalid"),
    (fields.Integer, In64Bits, "too_large"),
    (fields.UUID, HexDigits, "invalid_uuid"),
)


def _is_many(field: fields.Nested) -> bool:
    return bool(field.many or field.schema.many)


def flat(validators: list[Any]) -> list[Any]:
    """Return validators with those that an ``And`` is made of in its place."""
    found: list[Any] = []
    for each in validators:
        found.extend(flat(list(each.validators)) if isinstance(each, validate.And) else [each])
    return found
