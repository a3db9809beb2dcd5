"""Values that hold others: objects, mappings and lists."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from inspect import isawaitable
from typing import Any, NamedTuple

from marshmallow import Schema, missing

from framework.adapters.marshmallow import reads_an_attribute
from framework.validation.answers.misfit import Misfit, described
from framework.validation.compiler import support
from framework.validation.compiler.compiled import compile
from framework.validation.schemas.types import of_type

Write = Callable[[Any], Any]
_PLAIN = (str, bytes, bytearray, int, float, list, tuple, set, frozenset, type)


class Node(NamedTuple):
    """What writes the values of a declared type.

    Attributes:
        write: Returns plain data, or raises `Misfit`.
        alone: Whether the schema of an object around it need not be asked how the value is written.
    """

    write: Write
    alone: bool = True


class Object:
    """A dataclass or TypedDict: its instances, and objects and mappings that have what it requires.

    Args:
        children: ``() -> nodes by field``; called when the first value comes, for a type may hold itself.
    """

    def __init__(
        self,
        origin: Any,
        declared: str,
        schema: Schema,
        required: Sequence[str],
        children: Callable[[], Mapping[str, Node]],
    ) -> None:
        self._origin, self._declared, self._schema = origin, declared, schema
        self._class: Any = origin
        self._required, self._make_children = required, children
        self._read = partial(attribute_of, schema)

    @cached_property
    def _children(self) -> Mapping[str, Node]:
        return self._make_children()

    def write(self, value: Any) -> Any:
        """Write an object, each field by its own type."""
        if not (dataclasses.is_dataclass(self._origin) and isinstance(value, self._class)):
            ensure_object(value, self._declared, self._schema, self._required)
        own: dict[str, Any] = {}
        for name, field in self._schema.dump_fields.items():
            node = self._children.get(name)
            given = self._read(value, field.attribute or name, missing)
            if node is None or given is missing or (given is None and field.allow_none):
                continue
            key = field.data_key or name
            try:
                made = node.write(given)
            except Misfit as error:
                raise error.within(key) from None
            if node.alone:
                own[key] = made
        return own | dict(self._rest(value, own))

    def _rest(self, value: Any, own: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yield what the schema's own fields write."""
        for name, field in self._schema.dump_fields.items():
            key = field.data_key or name
            if key not in own:
                written = field.serialize(name, value, accessor=self._read)
                if written is not missing:
                    yield key, written


class Written:
    """A schema that somebody wrote: objects that have what it requires, and anything of it."""

    def __init__(self, schema: Schema, declared: str) -> None:
        self._schema, self._declared = schema, declared
        asks = not support.writes_plainly(schema) and not support.dump_hooks(schema)
        self._required = [
            name
            for name, field in schema.dump_fields.items()
            if asks and field.required and not schema.partial and reads_an_attribute(field)
        ]
        self._keys = frozenset(field.attribute or name for name, field in schema.dump_fields.items())
        self._asks = asks and all(reads_an_attribute(each) for each in schema.dump_fields.values())

    def write(self, value: Any) -> Any:
        """Write an object, or as many as there are."""
        if self._schema.many:
            return items(self._declared, Node(self._one), is_listed).write(value)
        return self._one(value)

    @property
    def has_optional_fields_only(self) -> bool:
        """Whether an object of another kind could be written as one without fields."""
        return not self._required

    def ensure_all(self, value: Any) -> None:
        """Refuse what is no such object, or not as many as there should be.

        Raises:
            Misfit: It is none.
        """
        if not self._schema.many:
            self.ensure(value)
        elif isinstance(value, list | tuple):
            _each(value, lambda _: Node(self.ensure))

    def ensure(self, value: Any) -> None:
        """Refuse what is no such object.

        Raises:
            Misfit: It is none.
        """
        if type(value) is dict and not self._required and not self._keys.isdisjoint(value):
            return
        schema = self._schema if self._asks else None
        ensure_object(value, self._declared, schema, self._required)

    def _one(self, value: Any) -> Any:
        self.ensure(value)
        return compile(self._schema).dump(value, many=False)


def attribute_of(schema: Schema, value: Any, name: str, default: Any) -> Any:
    """Return what an object calls so; where the schema was made from a type a dict has items, and no methods."""
    if isinstance(value, dict) and of_type(schema):
        return value.get(name, default)
    return schema.get_attribute(value, name, default)


def ensure_object(value: Any, declared: str, schema: Schema | None, required: Sequence[str]) -> None:
    """Refuse what cannot be meant as an object of a schema.

    Raises:
        Misfit: It has no fields, lacks some that are required, or has none that it should have.
    """
    is_tuple = isinstance(value, tuple) and hasattr(value, "_fields")
    if value is None or callable(value) or isawaitable(value) or (isinstance(value, _PLAIN) and not is_tuple):
        raise Misfit(declared, described(value))
    if schema is None:
        return
    names = {name: field.attribute or name for name, field in schema.dump_fields.items()}
    there = {
        name: attribute_of(schema, value, attribute, missing) is not missing
        for name, attribute in names.items()
    }
    lacking = sorted(name for name in required if not there.get(name, True))
    if lacking:
        raise Misfit(declared, f"{described(value)} without {', '.join(lacking)}")
    if there and not any(there.values()) and not (isinstance(value, Mapping) and not value):
        raise Misfit(declared, f"{described(value)} with none of its fields")


def or_none(node: Node) -> Node:
    """Return the node of a type that may be None as well."""
    return Node(lambda value: None if value is None else node.write(value), node.alone)


def mapping(declared: str, keys: Node, values: Node) -> Node:
    """Return the node of mappings."""

    def write(value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise Misfit(declared, described(value))
        made = {}
        for key, each in value.items():
            try:
                made[keys.write(key)] = values.write(each)
            except Misfit as error:
                raise error.within(key) from None
        return made

    return Node(write)


def items(declared: str, item: Node, fits: Callable[[Any], bool]) -> Node:
    """Return the node of lists and the like."""

    def write(value: Any) -> Any:
        if not fits(value):
            raise Misfit(declared, described(value))
        return _each(value, lambda position: item)

    return Node(write)


def row(declared: str, parts: Sequence[Node]) -> Node:
    """Return the node of tuples of so many parts."""

    def write(value: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise Misfit(declared, described(value))
        if len(value) != len(parts):
            raise Misfit(declared, f"{len(value)} items")
        return _each(value, parts.__getitem__)

    return Node(write)


def _each(value: Iterable[Any], node: Callable[[int], Node]) -> list[Any]:
    made = []
    for position, each in enumerate(value):
        try:
            made.append(node(position).write(each))
        except Misfit as error:
            raise error.within(position) from None
    return made


def is_listed(value: Any) -> bool:
    """Tell whether a value becomes a JSON array."""
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | bytearray | Mapping)


def is_set(value: Any) -> bool:
    """Tell whether a value is a set."""
    return isinstance(value, set | frozenset)
