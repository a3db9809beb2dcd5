"""A declared type as functions that look into a value and make plain data of it.

They run where an answer is not plainly what was declared, and so may take their time: they say where it is not.
"""

from __future__ import annotations

import dataclasses
import functools
import types
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, Literal, Self, TypeVar, Union, get_args, get_origin

from marshmallow import Schema, fields

from framework.annotations import is_alias, is_typeddict, strip
from framework.errors import ConfigurationError
from framework.validation.answers.misfit import Misfit, described, spelt
from framework.validation.answers.scalars import Scalar, of_json
from framework.validation.answers.shapes import (
    Node,
    Object,
    Written,
    is_listed,
    is_set,
    items,
    mapping,
    or_none,
    row,
)
from framework.validation.answers.unions import closest
from framework.validation.conventions import Conventions
from framework.validation.partial import Partial
from framework.validation.schemas import field_of, schema_of
from framework.validation.schemas.annotations import SETS
from framework.validation.schemas.foreign import is_mapped
from framework.validation.schemas.meanings import LISTS, MAPPINGS, unwrap
from framework.validation.schemas.type_fields import dataclass_fields, typeddict_fields


@dataclasses.dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes of types.

    Attributes:
        conventions: How fields are called outside, unless a type says it itself.
        unknown: What becomes of a value in `Any` that JSON cannot say; None refuses it.
        owner: The class whose fields are written, which ``Self`` means.
    """

    conventions: Conventions | None
    unknown: Callable[[Any], Any] | None = None
    owner: Any = None
    _named: dict[Any, Node | None] = dataclasses.field(default_factory=dict, compare=False, repr=False)

    def of(self, annotation: Any) -> Node:
        """Return the node of a type.

        Raises:
            ConfigurationError: Values of the type cannot be written as JSON.
        """
        return self._of_alias(annotation) if is_alias(annotation) else self._of(annotation)

    def _of_alias(self, alias: Any) -> Node:
        """Return the node of what a `type` statement names, which may hold itself."""
        if alias in self._named:
            return self._named[alias] or Node(lambda value: self.of(alias).write(value))
        self._named[alias] = None  # until it is made
        try:
            self._named[alias] = node = self._of(alias)
        except ConfigurationError:
            del self._named[alias]
            raise
        return node

    def _of(self, annotation: Any) -> Node:
        kind, optional, extras = strip(annotation)
        bare, further = unwrap(kind)
        if any(_is_written(each) for each in (bare, *extras, *further)):
            inner = self._written(annotation)
        else:
            inner = self._node(annotation, bare)
        return or_none(inner) if optional else inner

    def _node(self, annotation: Any, kind: Any) -> Node:
        origin = get_origin(kind) or kind
        if kind in (Any, object) or isinstance(kind, TypeVar):
            return Node(self.anything)
        if origin in (Union, types.UnionType):
            return self._union(kind, get_args(kind))
        if kind is Self and self.owner is not None:
            return self.of(self.owner)
        if is_mapped(origin):
            return Node(Written(self._schema(kind), spelt(kind)).write)
        if is_typeddict(origin) or (isinstance(origin, type) and dataclasses.is_dataclass(origin)):
            return self._object(kind, origin)
        if origin is Partial:
            return Node(Written(self._schema(kind), spelt(kind)).write)
        return self._collection(kind, origin, get_args(kind)) or self._scalar(annotation, kind, origin)

    def _schema(self, annotation: Any) -> Schema:
        return schema_of(annotation, conventions=self.conventions)

    def _written(self, annotation: Any) -> Node:
        """Return the node of a schema, or field, that somebody wrote: it says itself what it takes."""
        _, extras = unwrap(annotation)
        if any(_is(each, fields.Field) for each in extras):
            field = self._field(annotation)
            return Node(lambda value: field._serialize(value, None, None), alone=False)
        return Node(Written(self._schema(annotation), spelt(annotation)).write)

    def _object(self, kind: Any, origin: Any) -> Node:
        listed: list[tuple[str, Any]]
        if is_typeddict(origin):
            named = typeddict_fields(kind)
            listed = [(name, annotation) for name, annotation, _ in named]
            required = [name for name, _, needed in named if needed]
        else:
            pairs = dataclass_fields(kind)
            listed = [(field.name, annotation) for field, annotation in pairs]
            required = [field.name for field, _ in pairs if _has_no_default(field)]
        nodes = dataclasses.replace(self, owner=kind)
        make = functools.cache(lambda: {name: nodes.of(annotation) for name, annotation in listed})
        return Node(Object(origin, spelt(kind), self._schema(kind), required, make).write)

    def _union(self, kind: Any, members: Sequence[Any]) -> Node:
        members = [each for each in members if each is not types.NoneType]
        nodes = [self.of(each) for each in members]

        def write(value: Any) -> Any:
            nearest: Misfit | None = None
            for index, is_near in closest(members, value):
                try:
                    return nodes[index].write(value)
                except Misfit as error:
                    nearest = nearest or (error if is_near else None)
            raise nearest or Misfit(spelt(kind), described(value))

        return Node(write)

    def _collection(self, kind: Any, origin: Any, args: tuple[Any, ...]) -> Node | None:
        if origin is tuple and hasattr(kind, "__args__") and args[-1:] != (Ellipsis,):
            return row(spelt(kind), [self.of(each) for each in args if each != ()])
        if origin in MAPPINGS:
            keys, values = args or (Any, Any)
            return mapping(spelt(kind), Node(self._key) if keys is Any else self.of(keys), self.of(values))
        if origin in SETS or origin in LISTS or origin is tuple:
            fits = is_set if origin in SETS else is_listed
            return items(spelt(kind), self.of(args[0] if args else Any), fits)
        return None

    def _scalar(self, annotation: Any, kind: Any, origin: Any) -> Node:
        scalar = Scalar(origin, spelt(kind), get_args(kind) if origin is Literal else ())
        field = self._field(annotation)
        return Node(lambda value: field._serialize(scalar.checked(value), None, None), alone=False)

    def _field(self, annotation: Any) -> fields.Field[Any]:
        return field_of(annotation, conventions=self.conventions)

    def anything(self, value: Any) -> Any:
        """Write a value of which nothing was said: objects by the schemas of their own classes.

        Raises:
            Misfit: JSON cannot say it.
        """
        try:
            return self._anything(value, type(value))
        except Misfit:
            if self.unknown is None:
                raise
            return self.unknown(value)

    def _anything(self, value: Any, kind: Any) -> Any:
        if value is None or (isinstance(value, str | int | float) and not isinstance(value, Enum)):
            return of_json(value)
        if isinstance(value, Mapping):
            return mapping("Any", Node(self._key), Node(self.anything)).write(value)
        if isinstance(value, list | tuple | set | frozenset):
            return items("Any", Node(self.anything), is_listed).write(value)
        node = None if isinstance(value, type) or kind is object else _of_class(self, kind)
        if node is None:
            raise Misfit("Any", f"{described(value)} (it cannot be written as JSON)")
        return node.write(value)

    def _key(self, value: Any) -> Any:
        return str(value) if isinstance(value, Mapping | tuple | list) else self.anything(value)


@functools.lru_cache(maxsize=1024)
def _of_class(nodes: Nodes, kind: Any) -> Node | None:
    try:
        return nodes.of(kind)
    except ConfigurationError:
        return None


def _has_no_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _is_written(extra: Any) -> bool:
    return _is(extra, Schema) or _is(extra, fields.Field)


def _is(extra: Any, kind: type) -> bool:
    return isinstance(extra, kind) or (isinstance(extra, type) and issubclass(extra, kind))
