"""The reading of a document that is not valid: marshmallow's messages, and an end to the work when there are enough.

What generated functions decline is read here once more, field by field. Scalars and fields of a user's own are
marshmallow's to read. Of the fields that hold others only the loop is ours, so that it can stop: each is a copy of the
field with another ``_deserialize``, which marshmallow documents as the method to replace, and marshmallow runs
everything around that. What is beside a fault is read by generated functions.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from marshmallow import INCLUDE, RAISE, Schema, ValidationError, fields, missing
from marshmallow.exceptions import SCHEMA
from marshmallow.utils import is_collection, is_sequence_but_not_string, set_value

from framework.adapters.marshmallow import Options, Store, load_with
from framework.validation.compiler import support
from framework.validation.compiler.bounded_fields import BOUNDED, Read
from framework.validation.compiler.codegen import Fallback
from framework.validation.compiler.kinds import known
from framework.validation.compiler.load import Mode, data_key
from framework.validation.compiler.loaders import field_loader, loader
from framework.validation.compiler.tally import Tally
from framework.validation.schemas.classes import ValueSchema

Quick = Callable[[Any], Any]


class Member(NamedTuple):
    """A field of an object: where its value stands, where it goes, and what reads it."""

    name: str
    key: str
    target: str
    read: Read


class Bounded:
    """The reader of a schema that stops when there are faults enough.

    Args:
        schema: The schema.
        known: The readers of all schemas that are nested together; one that nests itself is found here.
    """

    def __init__(self, schema: Schema, known: dict[int, Bounded] | None = None) -> None:
        self._schema = schema
        self._known = {} if known is None else known
        self._known[id(schema)] = self
        self._quick: dict[Mode, Quick] = {}

    def load(self, data: Any, tally: Tally, options: Options) -> Any:
        """Do what ``Schema.load`` does.

        Raises:
            marshmallow.ValidationError: The data is not valid; the messages are the first that marshmallow would give.
        """
        schema = self._schema
        if self._is_other:
            return schema.load(data, **options._asdict())
        if isinstance(schema, ValueSchema):
            return self.reader(schema.value)(data, tally=tally)
        options = Options(
            schema.many if options.many is None else bool(options.many),
            schema.partial if options.partial is None else options.partial,
            options.unknown or schema.unknown,
        )
        return load_with(schema, data, self._read, tally, options)

    def _quickly(self, data: Any, tally: Tally, options: Options) -> Any:
        """Read the fields of an object with a generated function.

        Raises:
            Fallback: It declines, or did so before.
        """
        if id(data) in tally.suspects or not isinstance(options.partial, bool | None):
            raise Fallback
        mode = Mode(options.unknown or RAISE, options.partial, construct=False)
        if mode not in self._quick:
            self._quick[mode] = loader(self._schema, mode).build()
        try:
            return self._quick[mode](data)
        except Exception as error:
            tally.suspect(error)
            raise Fallback from error

    def _read(self, data: Any, store: Store, tally: Tally, options: Options) -> Any:
        """Read the fields of an object, or of each of many."""
        if not options.many:
            return self._object(data, store, tally, options, None)
        if not is_sequence_but_not_string(data):
            self._refuse(data, store, tally, None)
            return []
        found = []
        for index, each in enumerate(data):
            place = index if self._schema.opts.index_errors else None
            found.append(self._object(each, store, tally, options, place))
            if tally.is_spent:
                break
        return found

    def _object(self, data: Any, store: Store, tally: Tally, options: Options, index: int | None) -> Any:
        try:
            return self._quickly(data, tally, options)
        except Fallback:
            pass
        made = self._schema.dict_class()
        if type(data) is not dict and not isinstance(data, Mapping):
            self._refuse(data, store, tally, index)
            return made
        for member in self._members:
            raw = data.get(member.key, missing)
            if raw is missing and _may_miss(member.name, options.partial):
                continue
            try:
                value = member.read(
                    raw, member.key, data, tally=tally, **_options_of(member.name, options.partial)
                )
            except ValidationError as error:
                _keep(store, error.messages, member.key, index)
                value = error.valid_data or missing
            if value is not missing:
                set_value(made, member.target, value)
            if tally.is_spent:
                return made
        self._read_others(data, made, store, tally, (options.unknown, index))
        return made

    def _read_others(
        self, data: Any, made: Any, store: Store, tally: Tally, place: tuple[str | None, int | None]
    ) -> None:
        """Do with unknown fields what is to be done with them."""
        unknown, index = place
        if unknown not in (INCLUDE, RAISE):
            return
        for key in set(data) - self._keys:
            if unknown == INCLUDE:
                made[key] = data[key]
                continue
            _keep(store, [self._schema.error_messages["unknown"]], key, index)
            tally.left -= 1
            if tally.is_spent:
                return

    def _refuse(self, data: Any, store: Store, tally: Tally, index: int | None) -> None:
        store.store_error([self._schema.error_messages["type"]], index=index)
        tally.left -= 1

    @cached_property
    def _is_other(self) -> bool:
        return support.reads_otherwise(self._schema)

    @cached_property
    def _members(self) -> list[Member]:
        return [
            Member(name, data_key(name, field), field.attribute or name, self.reader(field))
            for name, field in self._schema.load_fields.items()
        ]

    @cached_property
    def _keys(self) -> frozenset[str]:
        return frozenset(data_key(name, field) for name, field in self._schema.load_fields.items())

    def reader(self, field: fields.Field[Any]) -> Read:
        """Return what reads a value as ``field.deserialize`` does, and counts the faults in it."""
        make = known(field, BOUNDED)
        if make is None:
            return _counting(field.deserialize)
        twin = copy.copy(field)
        # NOTE: marshmallow documents this method as the one to replace.
        twin._deserialize = make(self, field)  # type: ignore[method-assign]
        return _counting(twin.deserialize, _Quick(field))

    def of(self, schema: Schema) -> Bounded:
        """Return the reader of a schema that is nested in this one."""
        return self._known.get(id(schema)) or Bounded(schema, self._known)


def _keep(store: Store, messages: Any, key: Any, index: int | None) -> None:
    """Store messages that are nobody else's.

    PERF: marshmallow copies them at each level, those of all the levels below included.
    """
    errors = store.errors if index is None else store.errors.setdefault(index, {})
    if key in errors or key == SCHEMA:
        store.store_error(messages, key, index)
    else:
        errors[key] = messages


def _may_miss(name: str, partial: Any) -> bool:
    return partial is True or (is_collection(partial) and name in partial)


def _options_of(name: str, partial: Any) -> dict[str, Any]:
    """Return what marshmallow hands on to a field of an object."""
    if is_collection(partial):
        prefix = f"{name}."
        return {"partial": [each[len(prefix) :] for each in partial if each.startswith(prefix)]}
    return {} if partial is None else {"partial": partial}


def _counting(deserialize: Read, quick: _Quick | None = None) -> Read:
    """Let a reader count its faults, unless what it holds has counted them.

    Args:
        quick: Reads what holds others, if that is valid.
    """

    def read(value: Any, attr: Any = None, data: Any = None, *, tally: Tally, **options: Any) -> Any:
        before = tally.left
        try:
            if quick is None:
                return deserialize(value, attr, data, **options)
            if value is not missing:
                try:
                    return quick(value, tally, options)
                except Fallback:
                    pass
            return deserialize(value, attr, data, tally=tally, **options)
        except ValidationError as error:
            if tally.left == before:
                tally.note(error.messages)
                # They may be a validator's own, to be used again.
                error.messages = copy.deepcopy(error.messages)
            raise

    return read


class _Quick:
    """The generated function of a field that holds others, made when it is first needed."""

    def __init__(self, field: fields.Field[Any]) -> None:
        self._field = field
        self._made: dict[bool | None, Quick] = {}

    def __call__(self, value: Any, tally: Tally, options: dict[str, Any]) -> Any:
        """Read a value.

        Raises:
            Fallback: The function declines, or did so before.
        """
        partial = options.get("partial")
        if id(value) in tally.suspects or not isinstance(partial, bool | None):
            raise Fallback
        if partial not in self._made:
            self._made[partial] = field_loader(self._field, partial).build()
        try:
            return self._made[partial](value)
        except Exception as error:
            tally.suspect(error)
            tally.suspects.add(id(value))
            raise Fallback from error
