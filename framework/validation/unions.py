"""A field of values of several types, told apart by what they look like."""

from __future__ import annotations

import copy
import datetime as dt
import decimal
import uuid
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from functools import cached_property
from typing import Any

from marshmallow import EXCLUDE, ValidationError, fields, validate

from framework.validation.fields import Base64, FilePath, Spelt

_NUMBER: tuple[type, ...] = (int, float)
_KINDS: tuple[tuple[type, tuple[type, ...]], ...] = (
    (fields.Mapping, (dict,)),
    (fields.List, (list,)),
    (fields.Tuple, (list,)),
    (fields.Decimal, (str, int, float)),
    (fields.TimeDelta, (str, int, float)),
    (fields.Float, _NUMBER),
    (fields.Integer, (int,)),
    (fields.Boolean, (bool,)),
    (fields.String, (str,)),
    (fields.DateTime, (str,)),
    (fields.Time, (str,)),
    (fields.IP, (str,)),
    (fields.IPInterface, (str,)),
    (Spelt, (str,)),
)
_ANY = (str, int, float, bool, list, dict)
_CLASSES: tuple[tuple[type, tuple[type, ...]], ...] = (
    (fields.UUID, (uuid.UUID,)),
    (fields.String, (str,)),
    (fields.Integer, (int,)),
    (fields.Float, (float, int)),
    (fields.Boolean, (bool,)),
    (fields.Decimal, (decimal.Decimal,)),
    (fields.Date, (dt.date,)),
    (fields.DateTime, (dt.datetime,)),
    (fields.Time, (dt.time,)),
    (fields.TimeDelta, (dt.timedelta,)),
    (fields.Tuple, (tuple, list)),
    (fields.Mapping, (Mapping,)),
)


class Choices(validate.OneOf):
    """The values of a `Literal`."""


class Union(fields.Field[Any]):
    """A value of one of several types.

    JSON tells text, numbers, truth, lists and objects apart. Objects are told apart by a field that is a `Literal` in
    each of the types, or else by the fields that they must have. What is left is tried, text in any form last.

    Attributes:
        members: The fields of the types.
        text: Whether all values arrive as text.
    """

    default_error_messages = {"invalid": "Not a valid value of any of its types."}  # noqa: RUF012 - marshmallow's way

    def __init__(self, members: Sequence[fields.Field[Any]], *, text: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.members = sorted(members, key=_rank)
        self.text = text

    @property
    def multiple(self) -> bool:
        """Whether a query may hold several values of its name."""
        return any(isinstance(each, fields.List) for each in self.members)

    def _bind_to_schema(self, field_name: str, parent: Any) -> None:
        super()._bind_to_schema(field_name, parent)
        self.members = [copy.deepcopy(each) for each in self.members]
        for each in self.members:
            each._bind_to_schema(field_name, self)
        for name in ("objects", "tag", "ambiguity"):  # they may speak of the members that were copied
            vars(self).pop(name, None)

    @cached_property
    def objects(self) -> list[fields.Nested]:
        """The members that are objects with fields of their own."""
        return [
            each for each in self.members if isinstance(each, fields.Nested) and kinds_of(each) == (dict,)
        ]

    @cached_property
    def tag(self) -> tuple[str, dict[Any, fields.Nested]]:
        """The key of the field that tells objects apart, and the member for each of its values; else an empty key."""
        if len(self.objects) > 1:
            for key in _keys(self.objects[0]):
                table: dict[Any, fields.Nested] = {}
                found = [_tags(each, key) for each in self.objects]
                for each, values in zip(self.objects, found, strict=True):
                    table |= dict.fromkeys(values, each)
                if all(found) and len(table) == sum(map(len, found)):
                    return key, table
        return "", {}

    @cached_property
    def ambiguity(self) -> str:
        """Why values cannot be told apart when they are read; empty if they can."""
        objects = self.objects
        if objects and any(isinstance(each, fields.Mapping) for each in self.members):
            return "an object with fields cannot be told from a dict; write a type for the other objects too"
        plain = [each for each in self.members if type(each) is fields.String and not each.validators]
        if plain and any(isinstance(each, FilePath | Base64) for each in self.members):
            return "any text would be both; leave one of them out"
        if self.tag[0] or len(objects) < 2:
            return ""
        for number, one in enumerate(objects):
            for other in objects[:number]:
                if _required(one) <= {*_keys(other)} and _required(other) <= {*_keys(one)}:
                    return (
                        f"{_name(other)} and {_name(one)} cannot be told apart; give both a field of different values,"
                        " such as kind: Literal['a'], or a required field that the other one has not"
                    )
        return ""

    def candidates(self, value: Any) -> Sequence[fields.Field[Any]]:
        """Return the members that may read a value, in the order in which they are tried.

        Raises:
            marshmallow.ValidationError: It is an object of none of the types.
        """
        if isinstance(value, dict) and len(self.objects) > 1:
            return [self._object(value)]
        kind: type = float if isinstance(value, float) else type(value)
        if self.text:
            return [each for each in self.members if (kind is list) is isinstance(each, fields.List)]
        return [each for each in self.members if kind in kinds_of(each)]

    def _object(self, value: Mapping[Any, Any]) -> fields.Field[Any]:
        key, table = self.tag
        if not key:
            keys = {*value}
            return max(self.objects, key=lambda each: _likeness(each, keys))
        if key not in value:
            raise ValidationError({key: ["Missing data for required field."]})
        sent = value[key]
        if type(sent) not in (str, int) or sent not in table:
            raise ValidationError({key: [f"Must be one of: {', '.join(map(str, table))}."]})
        return table[sent]

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if self.text and isinstance(value, list) and len(value) == 1:
            try:
                return self._tried(value[0], attr, data, kwargs)
            except ValidationError:
                pass
        return self._tried(value, attr, data, kwargs)

    def _tried(self, value: Any, attr: str | None, data: Any, kwargs: Any) -> Any:
        found = self.candidates(value)
        if len(found) == 1:
            return found[0].deserialize(value, attr, data, **kwargs)
        for each in found:
            try:
                return each.deserialize(value, attr, data, **kwargs)
            except ValidationError:
                continue
        raise self.make_error("invalid")

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else self.writer(value)._serialize(value, attr, obj, **kwargs)

    def writer(self, value: Any) -> fields.Field[Any]:
        """Return the member that writes a value.

        Raises:
            TypeError: The value is of none of the types.
        """
        for exact in (True, False):
            for each in self.members:
                if suits(each, value, exact=exact):
                    return each
        raise TypeError(f"a value of type {type(value).__qualname__} is none of the declared types")


def kinds_of(field: fields.Field[Any]) -> tuple[type, ...]:
    """Return the types that JSON has for the values of a field."""
    for choices in field.validators:
        if isinstance(choices, Choices):
            return tuple({type(each.value if isinstance(each, Enum) else each) for each in choices.choices})
    if isinstance(field, fields.Nested):
        if hasattr(field.schema, "value"):
            return kinds_of(field.schema.value)
        return (list,) if field.many or field.schema.many else (dict,)
    if isinstance(field, fields.Enum):
        kinds = {list if isinstance(each.value, tuple) else type(each.value) for each in field.enum}
        return tuple(kinds & {*_ANY}) or (str,)
    if isinstance(field, Union):
        return tuple({kind for each in field.members for kind in kinds_of(each)})
    return next((kinds for kind, kinds in _KINDS if isinstance(field, kind)), _ANY)


def by_class(members: Sequence[fields.Field[Any]]) -> dict[type, fields.Field[Any]]:
    """Return the members that are dataclasses or hold no others, by the class whose own instances they write."""
    found: dict[type, fields.Field[Any]] = {}
    for each in members:
        if isinstance(each, fields.Nested):
            kind = getattr(each.schema, "target", None) if kinds_of(each) == (dict,) else None
        else:
            kind = next(iter(_classes(each)), None)
        if kind is not None and kind not in (tuple, Mapping):
            found.setdefault(kind, each)
    return found


def suits(field: fields.Field[Any], value: Any, *, exact: bool) -> bool:
    """Tell whether a field writes such a value.

    Args:
        exact: Whether instances of derived classes are another one's.
    """
    if value is None:
        return field.allow_none
    for choices in field.validators:
        if isinstance(choices, Choices):
            return any(type(each) is type(value) and each == value for each in choices.choices)
    if isinstance(field, fields.Nested):
        return _suits_schema(field, value, exact)
    if isinstance(field, fields.List):
        made = next((each for each in field.post_load if isinstance(each, type)), list)
        return _is(value, (made,), exact) and all(suits(field.inner, each, exact=exact) for each in value)
    if isinstance(field, Union):
        return any(suits(each, value, exact=exact) for each in field.members)
    classes = _classes(field)
    return _is(value, classes, exact) if classes else not exact


def _classes(field: fields.Field[Any]) -> tuple[type, ...]:
    """Return the classes of the values of a field that holds no others; none where that is not known."""
    if isinstance(field, fields.Enum):
        return (field.enum,)
    if isinstance(field, Spelt):
        return (field.kind,)
    if isinstance(field, fields.IP | fields.IPInterface):
        kind = field.DESERIALIZATION_CLASS
        return () if kind is None else (kind,)
    return next((classes for kind, classes in _CLASSES if isinstance(field, kind)), ())


def _is(value: Any, classes: tuple[type, ...], exact: bool) -> bool:
    if exact:
        return type(value) in classes or (classes == (Mapping,) and type(value) is dict)
    return isinstance(value, classes) and not (isinstance(value, bool) and bool not in classes)


def _suits_schema(field: fields.Nested, value: Any, exact: bool) -> bool:
    schema = field.schema
    if hasattr(schema, "value"):
        return suits(schema.value, value, exact=exact)
    target = getattr(schema, "target", None)
    if target is not None:
        return type(value) is target if exact else isinstance(value, target)
    if not isinstance(value, Mapping):
        return False
    required = {name for name, each in schema.fields.items() if each.required}
    if not required <= {*value} or (exact and not {*value} <= {*schema.fields}):
        return False
    return all(
        value[name] in choices.choices
        for name, each in schema.fields.items()
        if name in value
        for choices in each.validators
        if isinstance(choices, Choices)
    )


def _rank(field: fields.Field[Any]) -> int:
    if type(field) is fields.Raw:
        return 3
    if type(field) is fields.String:
        return 2 if not any(isinstance(each, Choices) for each in field.validators) else 0
    return 1 if isinstance(field, fields.Float | fields.Boolean) else 0


def _keys(field: fields.Nested) -> Iterable[str]:
    return [each.data_key or name for name, each in field.schema.load_fields.items()]


def _required(field: fields.Nested) -> set[str]:
    return {each.data_key or name for name, each in field.schema.load_fields.items() if each.required}


def _likeness(field: fields.Nested, keys: set[Any]) -> tuple[bool, int, int]:
    required = _required(field)
    known = {*_keys(field)}
    fits = required <= keys and (keys <= known or (field.unknown or field.schema.unknown) == EXCLUDE)
    return fits, len(required & keys) - len(required - keys), len(keys & known) - len(keys - known)


def _tags(field: fields.Nested, key: str) -> list[Any]:
    for name, each in field.schema.load_fields.items():
        if (each.data_key or name) == key:
            return [
                choice.value if isinstance(choice, Enum) else choice
                for validator in each.validators
                if isinstance(validator, Choices)
                for choice in validator.choices
            ]
    return []


def _name(field: fields.Nested) -> str:
    return type(field.schema).__name__
