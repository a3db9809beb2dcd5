"""Hand-written schemas as the conventions have them: values are taken only as what they are."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from marshmallow import Schema, ValidationError, class_registry, fields
from marshmallow.exceptions import RegistryError
from marshmallow.utils import is_aware

from framework.adapters.marshmallow import nest, part_from
from framework.validation.codecs.moments import NOT_A_SPAN
from framework.validation.codecs.numbers import NOT_A_NUMBER, PLAIN_DECIMAL, PLAIN_INTEGER, PLAIN_NUMBER
from framework.validation.conventions import Conventions, dropping_unknown, is_strict
from framework.validation.limits import Only, Spelling, inner_fields

_STRICT = Conventions(strict=True)
_WITH_OFFSETS = (None, "iso", "iso8601", "rfc", "rfc822")


@functools.cache
def following(schema: Schema, text: bool, held: Conventions | None) -> Schema:
    """Return a hand-written schema as the conventions have it; the same one every time."""
    found = strictly(schema, text) if is_strict(type(schema), held) else schema
    return dropping_unknown(found) if held is not None and held.excludes else found


def strictly(schema: Schema, text: bool) -> Schema:
    """Return a copy of a schema, and of what it nests, that takes values only as what they are.

    Args:
        schema: It stays as it is.
        text: Whether the values arrive as text, which then has to be in its one plain spelling.
    """
    if hasattr(schema, "__strictly__"):
        return schema
    made = copy.copy(schema)
    made.__class__ = _strict_class(type(schema), text)
    part_from(made)
    return made


@functools.cache
def _strict_class(base: type[Schema], text: bool) -> type[Schema]:
    """Return a class of schemas whose fields become strict when they are bound."""
    if hasattr(base, "__strictly__") or not is_strict(base, _STRICT):
        return base

    def on_bind_field(self: Schema, field_name: str, field_obj: fields.Field[Any]) -> None:
        base.on_bind_field(self, field_name, field_obj)
        _make_strict(field_obj, text)

    # NOTE: not in the registry, for a class that is nested by its name is the one that was written.
    meta = type("Meta", (base.Meta,), {"register": False})
    attributes = {"on_bind_field": on_bind_field, "Meta": meta, "__strictly__": True}
    return type(base.__name__, (base,), {**attributes, "__module__": base.__module__})


def _make_strict(field: fields.Field[Any], text: bool) -> None:
    for inner in inner_fields(field):
        _make_strict(inner, text)
    if isinstance(field, fields.Nested):
        nest(field, _strict_nested(field.nested, text))
    elif isinstance(field, fields.DateTime) and not isinstance(field, _OTHER_MOMENTS):
        if field.format in _WITH_OFFSETS and ensure_aware not in field.validators:
            field.validators = [*field.validators, ensure_aware]
    else:
        _guard(field, text)


_OTHER_MOMENTS = (fields.NaiveDateTime, fields.AwareDateTime, fields.Date, fields.Time)


def _guard(field: fields.Field[Any], text: bool) -> None:
    """Put in front of a field what lets just the values of its type pass."""
    if isinstance(field, fields.Integer) and not text:
        field.strict = True
    guards = _FROM_TEXT if text else _FROM_JSON
    guard = next((guard for kind, guard in guards if isinstance(field, kind)), None)
    if guard is not None and guard not in field.pre_load:
        # A new list: copies of a field share the old one with the class that declares it.
        field.pre_load = [*field.pre_load, guard]


_EXACT = Spelling(PLAIN_DECIMAL, NOT_A_NUMBER)
_FROM_JSON: tuple[tuple[type, Any], ...] = (
    (fields.Decimal, _EXACT),
    (fields.Float, Only((int, float), NOT_A_NUMBER)),
    (fields.Boolean, Only((bool,), "Not a valid boolean.")),
    (fields.TimeDelta, Only((int, float, timedelta), NOT_A_SPAN)),
)
_FROM_TEXT: tuple[tuple[type, Any], ...] = (
    (fields.Decimal, _EXACT),
    (fields.Integer, Spelling(PLAIN_INTEGER, "Not a valid integer.")),
    (fields.Float, Spelling(PLAIN_NUMBER, NOT_A_NUMBER)),
    (fields.TimeDelta, Spelling(PLAIN_NUMBER, NOT_A_SPAN)),
)


def ensure_aware(value: Any) -> None:
    """Refuse a datetime without an offset.

    Raises:
        marshmallow.ValidationError: It has none.
    """
    if value is not None and not is_aware(value):
        raise ValidationError("Not a valid aware datetime.")


def _strict_nested(nested: Any, text: bool) -> Any:
    """Return what a field is to nest in the place of what it nests."""
    if isinstance(nested, str):
        try:
            nested = class_registry.get_class(nested, all=False)
        except RegistryError:  # "self", or a class that will be told of when it is looked for
            return nested
    if isinstance(nested, dict):
        nested = Schema.from_dict(nested)
    if isinstance(nested, type) and issubclass(nested, Schema):
        return _strict_class(nested, text)
    if isinstance(nested, Schema):
        return strictly(nested, text) if is_strict(type(nested), _STRICT) else nested
    return nested if isinstance(nested, _Later) else _Later(nested, text)


@dataclass(frozen=True, slots=True)
class _Later:
    """What a field nests, made strict when it is first needed; equal where it makes the same."""

    make: Callable[[], Any]
    text: bool

    def __call__(self) -> Any:
        return _strict_nested(self.make(), self.text)
