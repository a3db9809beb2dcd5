"""The loader and dumper of a schema: generated functions, and marshmallow where they leave it to decide."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import orjson
from marshmallow import Schema, ValidationError

from framework.validation import explanation, hooks, recognise
from framework.validation.caps import ITEMS, TEXT_BEFORE_PATTERN, cap
from framework.validation.dump import Dumping
from framework.validation.dump_fields import REITERABLE
from framework.validation.json import decode, encode, may_be_deep, plain, refuse_long_integers
from framework.validation.load import Loading, Mode
from framework.validation.native import Checking, NotNative
from framework.validation.schemas import schema_of
from framework.validation.source import Fallback

Read = Callable[[Any, bool], Any]
Write = Callable[[Any], Any]
_ESCAPED_NUL = b"\\u0000"


class Load(Protocol):
    """Validate and convert data, as ``Schema.load`` does.

    Raises:
        marshmallow.ValidationError: The data is not valid; the messages are marshmallow's.
    """

    def __call__(
        self,
        data: Any,
        *,
        many: bool | None = None,
        partial: bool | Iterable[str] | None = None,
        unknown: str | None = None,
    ) -> Any: ...


class Dump(Protocol):
    """Convert an object to plain data, as ``Schema.dump`` does."""

    def __call__(self, obj: Any, *, many: bool | None = None) -> Any: ...


class Reader(NamedTuple):
    """A generated loader: of one object, and what may get past it unseen."""

    read: Read
    opaque: bool
    deep: bool


class CompiledSchema:
    """Load and dump as a schema does, and as marshmallow would, but faster.

    The fast path handles only what it provably handles as marshmallow would. Whatever else happens on it is
    forgotten, and marshmallow reads or writes the same value from the start: so the errors are marshmallow's.

    Each of the four functions is made when it is first asked for. Ask at start-up, and keep it::

        load = compile(Order).load_json

    Attributes:
        schema: The schema. The caps stand on its fields; it must not be changed any more.
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._max_items: int = getattr(schema, "max_items", ITEMS)
        for each in recognise.close_circles(schema):
            for field in each.fields.values():
                cap(field)
        self._readers: dict[str, Reader] = {}

    @cached_property
    def load(self) -> Load:
        """Validate and convert data, as ``Schema.load`` does; see `Load`."""
        schema, most = self.schema, self._max_items
        own = self._reader(schema.unknown).read
        hooked = bool(recognise.load_hooks(schema))
        slow = (hooks.reading_with(schema, own) if hooked else schema).load
        compiled = own is not _give_up and not hooked

        def load(
            data: Any,
            *,
            many: bool | None = None,
            partial: bool | Iterable[str] | None = None,
            unknown: str | None = None,
        ) -> Any:
            as_many = schema.many if many is None else bool(many)
            if compiled and partial is None:
                read = own if unknown is None else self._reader(unknown).read
                try:
                    return self._read_many(read, data, False) if as_many else read(data, False)
                except Exception:  # noqa: BLE001, S110 - marshmallow says what is wrong
                    pass
            if as_many and isinstance(data, list | tuple) and len(data) > most:
                raise ValidationError({"_schema": [f"Longer than maximum length {most}."]}, data=data)
            return slow(data, many=many, partial=partial, unknown=unknown)  # type: ignore[arg-type]

        return load

    @cached_property
    def load_json(self) -> Callable[[bytes], Any]:
        """Validate and convert a JSON document.

        Raises:
            framework.errors.MalformedBody: The body is not JSON, or beyond the limits of JSON documents.
            marshmallow.ValidationError: The document is not valid.
        """
        many, loads, slow = self.schema.many, orjson.loads, self.load
        reader = self._reader(self.schema.unknown)
        read, opaque, deep = reader.read, reader.opaque, reader.deep
        if read is _give_up or recognise.load_hooks(self.schema):
            return lambda body: slow(decode(body))

        def load_json(body: bytes) -> Any:
            try:
                if _ESCAPED_NUL not in body and not (deep and may_be_deep(body)):
                    if opaque:
                        refuse_long_integers(body)
                    # In a short body there is no long text either.
                    harmless = len(body) <= TEXT_BEFORE_PATTERN
                    data = loads(body)
                    return self._read_many(read, data, harmless) if many else read(data, harmless)
            except Exception:  # noqa: BLE001, S110 - the slow way says what is wrong
                pass
            return slow(decode(body))

        return load_json

    @cached_property
    def dump(self) -> Dump:
        """Convert an object to plain data, as ``Schema.dump`` does; see `Dump`."""
        schema = self.schema
        write = self._writer(json=False, many=False)
        if write is None:
            return self._left

        def dump(obj: Any, *, many: bool | None = None) -> Any:
            try:
                if schema.many if many is None else many:
                    return _write_many(write, obj)
                return write(obj)
            except Exception:  # noqa: BLE001 - marshmallow dumps it, or says why not
                return schema.dump(obj, many=many)

        return dump

    @cached_property
    def dump_json(self) -> Callable[[Any], bytes]:
        """Convert an object to a JSON document.

        Raises:
            TypeError: A value cannot be written as JSON.
        """
        dump, dumps = self.schema.dump, orjson.dumps
        write = self._writer(json=True, many=self.schema.many)
        if write is None:
            left = self._left
            return lambda obj: encode(left(obj))

        def written(obj: Any) -> bytes:
            try:
                return dumps(write(obj), plain)
            except Exception:  # noqa: BLE001 - marshmallow dumps it, or says why not
                return encode(dump(obj))

        try:
            look = Checking(self.schema).build()
        except NotNative:
            return written

        def dump_json(obj: Any) -> bytes:
            try:
                return dumps(look(obj), plain)
            except Exception:  # noqa: BLE001 - some value is not of exactly its field's type
                return written(obj)

        return dump_json

    def explain(self) -> str:
        """Say, field by field, what was compiled and what is left to marshmallow, and why."""
        return explanation.explain(self.schema)

    def _reader(self, unknown: str) -> Reader:
        if unknown not in self._readers:
            self._readers[unknown] = self._made_reader(unknown)
        return self._readers[unknown]

    def _made_reader(self, unknown: str) -> Reader:
        if recognise.reads_plainly(self.schema):
            return Reader(_give_up, opaque=True, deep=True)
        # The hooks of the schema itself are marshmallow's to run, on the fields as they were read.
        construct = not recognise.load_hooks(self.schema)
        loading = Loading(self.schema, Mode(unknown, recognise.partial_of(self.schema), construct))
        return Reader(loading.build(), loading.opaque, loading.opaque or loading.recursive)

    def _read_many(self, read: Read, data: Any, harmless: bool) -> Any:
        if type(data) is not list or len(data) > self._max_items:
            raise Fallback
        found = [read(each, harmless) for each in data]
        for validator in getattr(self.schema, "list_validators", ()):
            validator(found)
        return found

    @cached_property
    def _left(self) -> Dump:
        """What dumps a schema that is left to marshmallow, at least as a whole."""
        if recognise.writes_plainly(self.schema):
            return self.schema.dump
        return hooks.writing_with(self.schema, Dumping(self.schema, json=False).build()).dump

    def _writer(self, *, json: bool, many: bool) -> Write | None:
        if recognise.writes_plainly(self.schema) or recognise.dump_hooks(self.schema):
            return None
        dumping = Dumping(self.schema, json=json)
        return dumping.build_many() if many else dumping.build()


def compile(schema: Any) -> CompiledSchema:
    """Return the loader and dumper of a schema, a schema class, or a type that ``schema_of`` takes.

    It is made once for a schema. The caps on items and texts are put on the fields of the instance.

    Raises:
        framework.errors.ConfigurationError: There is no schema for it.
    """
    found = schema_of(schema)
    compiled: CompiledSchema | None = vars(found).get("_compiled")
    # A copy of a schema has a copy of the attribute, too.
    if compiled is None or compiled.schema is not found:
        compiled = CompiledSchema(found)
        vars(found)["_compiled"] = compiled
    return compiled


def _give_up(*_: Any) -> Any:
    raise Fallback


def _write_many(write: Write, objects: Any) -> list[Any]:
    if not isinstance(objects, REITERABLE):
        raise Fallback
    return [write(each) for each in objects]
