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
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, is_dataclass, replace
from enum import Enum, Flag
from functools import partial
from inspect import signature
from typing import (
    Any,
    Literal,
    Self,
    get_args,
    get_origin,
    get_type_hints,
)

from marshmallow import Schema, fields, missing

from framework.annotations import alias_value, is_alias, is_typeddict
from framework.validation.codecs.codec import Make
from framework.validation.codecs.registry import FROM_JSON, FROM_TEXT, LENIENTLY
from framework.validation.conventions import PLACES, Conventions
from framework.validation.fields import Flags, Members, Row, Table, key_text
from framework.validation.limits import MaxItems, Only, TimeOfDay
from framework.validation.partial import Partial
from framework.validation.schemas.attrs_fields import is_attrs
from framework.validation.schemas.foreign import foreign_field, is_mapped
from framework.validation.schemas.meanings import (
    LISTS,
    MAPPINGS,
    is_hashable,
    members_of,
    unwrap,
    without_none,
)
from framework.validation.schemas.options import sort_options
from framework.validation.schemas.type_fields import spelt
from framework.validation.schemas.validators import ensure_fit, validators_from
from framework.validation.unions import Choices
from framework.validation.unions import Union as Several

SETS = (set, frozenset, AbstractSet)
_MADE_MAPPINGS = (defaultdict, OrderedDict, Counter)


class Unmapped(Exception):
    """A report that no field stands for an annotation, and why."""


@dataclass(frozen=True, slots=True)
class Reader:
    """The way from annotations to fields.

    Attributes:
        text: Whether the values arrive as text.
        nested: Gives the schema of a type; called when it is first needed, so types may recur.
        owner: The class whose fields are read, which ``Self`` means.
        open: The `type` statements within which this place is.
        lenient: Whether values may be spelt otherwise than in their one plain way.
    """

    text: bool
    nested: Callable[[Any], Schema]
    owner: Any = None
    open: tuple[Any, ...] = ()
    lenient: bool = False

    def field(self, annotation: Any, options: Mapping[str, Any] | None = None) -> fields.Field[Any]:
        """Return a new field for an annotation.

        Raises:
            Unmapped: No field stands for it.
        """
        options = dict(options or {})
        if is_alias(annotation):
            if annotation in self.open:
                return fields.Nested(partial(self.nested, annotation), **{"allow_none": True, **options})
            return replace(self, open=(*self.open, annotation)).field(alias_value(annotation), options)
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
        if not nullable and members_of(annotation):
            return self._union(annotation, options)
        if nullable:
            inner = self.field(annotation, {"allow_none": True, **options})
            if self.text and not isinstance(inner, fields.String):
                inner.pre_load = [_empty_as_none, *inner.pre_load]
            return inner
        return self._plain(annotation, options)

    def _union(self, annotation: Any, options: dict[str, Any]) -> fields.Field[Any]:
        """Make the field of a union of several types, its members flat and each once."""
        members: list[Any] = []
        waiting = [*get_args(annotation)]
        while waiting:
            each = waiting.pop(0)
            bare = alias_value(each) if is_alias(each) and each not in self.open else each
            if members_of(bare):
                waiting = [*get_args(bare), *waiting]
            elif bare is type(None):
                options = {"allow_none": True, **options}
            elif bare not in members:
                members.append(bare)
        metadata = {**options.pop("metadata", {}), "annotation": str(annotation)}
        made = [self.field(each) for each in members]
        return Several(made, text=self.text, metadata=metadata, **options)

    def _plain(self, annotation: Any, options: dict[str, Any]) -> fields.Field[Any]:
        known = FROM_TEXT if self.text else LENIENTLY if self.lenient else FROM_JSON
        make = known.get(annotation) if _hashable(annotation) else None
        if make is not None:
            return _make(make, options)
        if annotation is Self and self.owner is not None:
            return fields.Nested(partial(self.nested, self.owner), **options)
        if annotation in (None, type(None)):
            return self._literal((None,), options)
        return self._of_class(annotation, get_origin(annotation) or annotation, options)

    def _of_class(self, annotation: Any, origin: Any, options: dict[str, Any]) -> fields.Field[Any]:
        if hasattr(origin, "__marshmallow_field__"):
            return _adopted(origin.__marshmallow_field__(), options)
        if origin is Literal:
            return self._literal(get_args(annotation), options)
        foreign = foreign_field(annotation)
        if foreign is not None:
            return foreign(annotation, **options)
        if (
            is_mapped(origin)
            or is_dataclass(origin)
            or is_typeddict(origin)
            or origin is Partial
            or is_attrs(origin)
        ):
            return fields.Nested(partial(self.nested, annotation), **options)
        if _is_subclass(origin, Enum):
            return self._enum(origin, options)
        if origin is tuple and hasattr(annotation, "__args__"):
            return self._tuple(get_args(annotation), options)
        return self._collection(origin, get_args(annotation), options)

    def _collection(self, origin: Any, args: tuple[Any, ...], options: dict[str, Any]) -> fields.Field[Any]:
        if origin in LISTS:
            return fields.List(self.field(args[0] if args else Any), **options)
        if origin is deque:
            return _make(
                partial(fields.List, self.field(args[0] if args else Any), post_load=[deque]), options
            )
        if _is_subclass(origin, tuple) and hasattr(origin, "_fields"):
            return self._named_tuple(origin, options)
        if origin in SETS:
            return self._set(origin, args, options)
        if origin is tuple:
            return self._tuple((Any, ...), options)
        if origin in MAPPINGS:
            return self._mapping(origin, *(args or (str, Any)), options=options)
        if origin in _MADE_MAPPINGS:
            keys, values = (*(args or (str,)), int)[:2] if origin is Counter else args or (str, Any)
            return self._mapping(origin, keys, values, options=options)
        raise Unmapped("no field stands for this type; give one with Annotated[..., SomeField()]")

    def _tuple(self, args: tuple[Any, ...], options: dict[str, Any]) -> fields.Field[Any]:
        if args[-1:] != (Ellipsis,):
            return fields.Tuple([self.field(each) for each in args if each != ()], **options)
        return _make(partial(fields.List, self.field(args[0]), post_load=[tuple]), options)

    def _mapping(self, origin: Any, keys: Any, values: Any, *, options: dict[str, Any]) -> fields.Field[Any]:
        # The keys of JSON are text, whatever the service makes of them.
        key = replace(self, text=True).field(keys)
        if not isinstance(key, fields.String) and isinstance(
            key, fields.Nested | fields.List | fields.Mapping
        ):
            raise Unmapped("the keys of an object are text; a scalar type can stand for them")
        if isinstance(key, Members) and any(isinstance(written, list | dict) for _, written in key.written):
            raise Unmapped(
                f"the keys of an object are text, which a member of {spelt(keys)} is not;"
                " take one whose values are text or numbers"
            )
        options = {"keys": key, "values": self.field(values), **options}
        if origin in MAPPINGS:
            return Table(**options)
        factory = get_origin(values) or values
        made: Any = partial(defaultdict, factory if isinstance(factory, type) else None)
        return _make(partial(Table, post_load=[made if origin is defaultdict else origin]), options)

    def _named_tuple(self, kind: Any, options: dict[str, Any]) -> fields.Field[Any]:
        hints = get_type_hints(kind, include_extras=True)
        named = {name: self.field(hints.get(name, Any)) for name in signature(kind).parameters}
        return Row(kind, named, **options)

    def _set(self, origin: Any, args: tuple[Any, ...], options: dict[str, Any]) -> fields.Field[Any]:
        inner = self.field(args[0] if args else str)
        if not is_hashable(args[0] if args else str):
            raise Unmapped("the items of a set must be hashable")
        make = frozenset if origin is frozenset else set
        return _make(partial(fields.List, inner, post_load=[make]), options)

    def _enum(self, enum: type[Enum], options: dict[str, Any]) -> fields.Field[Any]:
        kinds = {type(member.value) for member in enum}
        kind = next(iter(kinds)) if len(kinds) == 1 else None
        by_value = self.field(kind) if kind in (str, int) else True
        if by_value is True and (self.text or not kinds <= {str, int, float, bool}):
            return Members([*enum], text=self.text, **options)
        if issubclass(enum, Flag):
            return Flags(enum, by_value=by_value, **options)
        return fields.Enum(enum, by_value=by_value, **options)

    def _literal(self, values: tuple[Any, ...], options: dict[str, Any]) -> fields.Field[Any]:
        choices = [each for each in values if each is not None]
        if not choices:
            return fields.Raw(**{**options, "allow_none": True}, validate=[Choices([])])
        if all(isinstance(each, Enum) for each in choices) and len({type(each) for each in choices}) == 1:
            return self._finish(self.field(type(choices[0]), options), [Choices(choices)])
        if None in values:
            options = {"allow_none": True, **options}
        kinds = {type(each) for each in choices}
        if kinds <= {str} or kinds <= {int}:
            return self._finish(self.field(kinds.pop(), options), [Choices(choices)])
        if self.text:
            made = Members(choices, text=True, **options)
            if len({key_text(written) for _, written in made.written}) < len(choices):
                raise Unmapped("as text, two values of the Literal are the same")
            return made
        text = ", ".join(str(each) for each in choices)
        guard = Only(tuple(kinds), f"Must be one of: {text}.")
        return _make(partial(fields.Raw, pre_load=[guard], validate=[Choices(choices)]), options)

    def _finish(self, field: fields.Field[Any], validators: list[Any]) -> fields.Field[Any]:
        ensure_fit(field, validators)
        # A new list: the old one may be shared with the field that a user gave.
        field.validators = [*field.validators, *validators]
        return field


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
