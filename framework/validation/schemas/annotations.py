"""From an annotation to a marshmallow field.

=====================================  ====================================================================
annotation                             field, and what JSON may say
=====================================  ====================================================================
``str``                                String: text
``int``                                Integer, strict: ``1``; neither ``1.0`` nor ``"1"`` nor ``true``
``float``                              Float: a number
``bool``                               Boolean: ``true`` or ``false``
``Decimal``                            Decimal: a number, or better a string; written as a string
``UUID``, ``date``, ``time``           the field of that name: a string as in RFC 9562 or ISO 8601
``datetime``                           AwareDateTime: ISO 8601 with an offset
``timedelta``                          TimeDelta: a number of seconds
``IPv4Address``, ``IPv6Network``, ...  IPv4, IPNetwork, ...: a string such as ``10.0.0.0/8``
``Path``, ``PurePath``                 FilePath: a string that is not empty
``bytes``                              Base64: a string (RFC 4648, 4)
``ZoneInfo``                           TimeZone: a name such as ``Europe/Paris``
an ``Enum``                            Enum, by value
``Literal["a", "b"]``                  one of these values, of exactly their types
``X | None``                           as X, or ``null``
``list``, ``tuple``, ``set``, ``dict``  List, Tuple, List, Dict of what stands in the brackets
a dataclass, a ``TypedDict``           Nested
``Any``, ``object``                    Raw
``Annotated[X, ...]``                  as X, with validators and options (a dict), or with a field instead
with ``__marshmallow_field__()``       the field that this class method of a class of yours returns
=====================================  ====================================================================

As text (query, path, headers, cookies, forms) the scalars convert from one plain spelling each, and an empty
value of an optional field that is not text counts as none.
"""

from __future__ import annotations

import copy
import inspect
import types
from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping, MutableSequence, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, is_dataclass
from enum import Enum
from functools import partial
from typing import Annotated, Any, Literal, NewType, Union, get_args, get_origin, is_typeddict

from marshmallow import Schema, fields, missing, validate

from framework.validation.codecs.codec import Make
from framework.validation.codecs.registry import FROM_JSON, FROM_TEXT
from framework.validation.conventions import PLACES, Conventions
from framework.validation.fields import Table
from framework.validation.limits import MaxItems, Only, TimeOfDay
from framework.validation.partial import Partial
from framework.validation.schemas.validators import ensure_fit, validators_from

_OPTIONS = frozenset(inspect.signature(fields.Field).parameters)
LISTS = (list, Sequence, MutableSequence, Collection, Iterable)
SETS = (set, frozenset, AbstractSet)
MAPPINGS = (dict, Mapping, MutableMapping)


class Unmapped(Exception):
    """A report that no field stands for an annotation, and why."""


@dataclass(frozen=True, slots=True)
class Reader:
    """The way from annotations to fields.

    Attributes:
        text: Whether the values arrive as text.
        nested: Gives the schema of a dataclass or TypedDict; called when it is first needed, so types may
            recur.
    """

    text: bool
    nested: Callable[[Any], Schema]

    def field(self, annotation: Any, options: Mapping[str, Any] | None = None) -> fields.Field[Any]:
        """Return a new field for an annotation.

        Raises:
            Unmapped: No field stands for it.
        """
        options = dict(options or {})
        annotation, extras = unwrap(annotation)
        validators = [*_listed(options.pop("validate", None))]
        for extra in extras:
            if isinstance(extra, Mapping):
                validators += _listed(extra.get("validate"))
                options |= {name: value for name, value in extra.items() if name != "validate"}
            elif isinstance(extra, MaxItems):
                options["metadata"] = {**options.get("metadata", {}), "max_items": extra.count}
            elif isinstance(extra, Conventions):
                raise Unmapped(PLACES)
            else:
                validators += validators_from(extra)
        return self._finish(self._made(annotation, extras, sort_options(options)), validators)

    def _made(self, annotation: Any, extras: Sequence[Any], options: dict[str, Any]) -> fields.Field[Any]:
        for extra in extras:
            if isinstance(extra, Schema) or _is_subclass(extra, Schema):
                return fields.Nested(self.nested(extra), **options)
            if isinstance(extra, fields.Field) or _is_subclass(extra, fields.Field):
                return _adopted(extra() if isinstance(extra, type) else extra, options)
        annotation, nullable = without_none(annotation)
        if nullable:
            inner = self.field(annotation, {"allow_none": True, **options})
            if self.text and not isinstance(inner, fields.String):
                inner.pre_load = [_empty_as_none, *inner.pre_load]
            return inner
        return self._plain(annotation, options)

    def _plain(self, annotation: Any, options: dict[str, Any]) -> fields.Field[Any]:
        make = (FROM_TEXT if self.text else FROM_JSON).get(annotation) if _hashable(annotation) else None
        if make is not None:
            return _make(make, options)
        origin = get_origin(annotation) or annotation
        if hasattr(origin, "__marshmallow_field__"):
            return _adopted(origin.__marshmallow_field__(), options)
        if origin is Literal:
            return self._literal(get_args(annotation), options)
        if is_dataclass(origin) or is_typeddict(origin) or origin is Partial:
            return fields.Nested(partial(self.nested, annotation), **options)
        if _is_subclass(origin, Enum):
            return self._enum(origin, options)
        return self._collection(origin, get_args(annotation), options)

    def _collection(self, origin: Any, args: tuple[Any, ...], options: dict[str, Any]) -> fields.Field[Any]:
        if origin in LISTS:
            return fields.List(self.field(args[0] if args else Any), **options)
        if origin in SETS:
            return self._set(origin, args, options)
        if origin is tuple and args and args[-1] is not Ellipsis:
            return fields.Tuple([self.field(each) for each in args if each != ()], **options)
        if origin is tuple:
            return _make(
                partial(fields.List, self.field(args[0] if args else Any), post_load=[tuple]), options
            )
        if origin in MAPPINGS:
            keys, values = args or (str, Any)
            return Table(keys=self.field(keys), values=self.field(values), **options)
        raise Unmapped("no field stands for this type; give one with Annotated[..., SomeField()]")

    def _set(self, origin: Any, args: tuple[Any, ...], options: dict[str, Any]) -> fields.Field[Any]:
        inner = self.field(args[0] if args else str)
        if isinstance(inner, fields.Nested | fields.List | fields.Mapping | fields.Raw):
            raise Unmapped("the items of a set must be hashable")
        make = frozenset if origin is frozenset else set
        return _make(partial(fields.List, inner, post_load=[make]), options)

    def _enum(self, enum: type[Enum], options: dict[str, Any]) -> fields.Field[Any]:
        kinds = {type(member.value) for member in enum}
        kind = kinds.pop() if len(kinds) == 1 else None
        by_value = self.field(kind) if kind in (str, int) else True
        return fields.Enum(enum, by_value=by_value, **options)

    def _literal(self, values: tuple[Any, ...], options: dict[str, Any]) -> fields.Field[Any]:
        choices = [each for each in values if each is not None]
        if None in values:
            options = {"allow_none": True, **options}
        kinds = {type(each) for each in choices}
        if kinds <= {str} or kinds <= {int}:
            return self._finish(self.field(kinds.pop(), options), [validate.OneOf(choices)])
        if self.text:
            raise Unmapped("as text, the values of a Literal must be all str or all int")
        text = ", ".join(str(each) for each in choices)
        guard = Only(tuple(kinds), f"Must be one of: {text}.")
        return _make(partial(fields.Raw, pre_load=[guard], validate=[validate.OneOf(choices)]), options)

    def _finish(self, field: fields.Field[Any], validators: list[Any]) -> fields.Field[Any]:
        ensure_fit(field, validators)
        # A new list: the old one may be shared with the field that a user gave.
        field.validators = [*field.validators, *validators]
        return field


def unwrap(annotation: Any) -> tuple[Any, list[Any]]:
    """Take ``Annotated``, ``NewType`` and aliases off; return the type and the extras, outermost last."""
    extras: list[Any] = []
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *found = get_args(annotation)
            extras = found + extras
        elif isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        else:
            return annotation, extras


def without_none(annotation: Any) -> tuple[Any, bool]:
    """Return an ``X | None`` as X, and whether it was one.

    Raises:
        Unmapped: It is a union of several types.
    """
    if get_origin(annotation) not in (Union, types.UnionType):
        return annotation, False
    kinds = [each for each in get_args(annotation) if each is not type(None)]
    if len(kinds) > 1:
        raise Unmapped("a union of several types has no field; give one with Annotated[..., SomeField()]")
    return kinds[0], True


def sort_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Put what is no option of a field into its ``metadata``."""
    known = {name: value for name, value in options.items() if name in _OPTIONS}
    rest = {name: value for name, value in options.items() if name not in _OPTIONS and isinstance(name, str)}
    return {**known, "metadata": {**known.get("metadata", {}), **rest}} if rest else known


def _make(make: Make, options: dict[str, Any]) -> fields.Field[Any]:
    """Make a field whose own guards come before those that the options name."""
    own = make.keywords if isinstance(make, partial) else {}
    merged: dict[str, Any] = {
        name: [*own.get(name, []), *_listed(options.get(name))]
        for name in ("pre_load", "post_load", "validate")
        if name in own or name in options
    }
    return make(**{**options, **merged})


def _adopted(field: fields.Field[Any], options: dict[str, Any]) -> fields.Field[Any]:
    """Copy a field that a user gave, and set what the annotation adds."""
    field = copy.copy(field)
    if field.load_default is not missing:
        options.pop("required", None)
    for name, value in options.items():
        setattr(field, name, value)
    if options.get("load_default", missing) is None:
        field.allow_none = True
    if isinstance(field, fields.DateTime) and field.format in (None, "iso", "iso8601"):
        field.pre_load = [*field.pre_load, TimeOfDay()]
    return field


def _empty_as_none(value: Any) -> Any:
    return None if value == "" else value


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return [value] if callable(value) else list(value)


def _hashable(value: Any) -> bool:
    return getattr(type(value), "__hash__", None) is not None


def _is_subclass(value: Any, parent: type) -> bool:
    return isinstance(value, type) and issubclass(value, parent)
