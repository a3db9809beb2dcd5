"""The loader and dumper of a schema: generated functions, and marshmallow where they leave it to decide."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

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


class CompiledSchema:
    """Load and dump as a schema does, and as marshmallow would, but faster.

    The fast path handles only what it provably handles as marshmallow would. Whatever else happens on it is
    forgotten, and marshmallow reads or writes the same value from the start: so the errors are marshmallow's.

    Attributes:
        schema: The schema. The caps stand on its fields; it must not be changed any more.
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._max_items: int = getattr(schema, "max_items", ITEMS)
        for each in recognise.close_circles(schema):
            for field in each.fields.values():
                cap(field)
        self._readers: dict[str, Read] = {}
        self._hooked_load = bool(recognise.load_hooks(schema))
        self._hooked_dump = bool(recognise.dump_hooks(schema))

    def prepare(self, *, load: bool = True, dump: bool = True) -> None:
        """Make the functions now rather than at their first use."""
        if load:
            self._reader(self.schema.unknown)
        if dump:
            _ = self._native, self._written

    def load(
        self,
        data: Any,
        *,
        many: bool | None = None,
        partial: bool | Iterable[str] | None = None,
        unknown: str | None = None,
    ) -> Any:
        """Validate and convert data, as ``Schema.load`` does.

        Raises:
            marshmallow.ValidationError: The data is not valid; the messages are marshmallow's.
        """
        schema = self.schema
        as_many = schema.many if many is None else bool(many)
        if not self._hooked_load and partial is None:
            try:
                read = self._reader(schema.unknown if unknown is None else unknown)
                return self._read_many(read, data, False) if as_many else read(data, False)
            except Exception:
                pass  # marshmallow says what is wrong
        if as_many and isinstance(data, list | tuple) and len(data) > self._max_items:
            raise ValidationError({"_schema": [f"Longer than maximum length {self._max_items}."]}, data=data)
        return schema.load(data, many=many, partial=partial, unknown=unknown)  # type: ignore[arg-type]

    def load_json(self, body: bytes) -> Any:
        """Validate and convert a JSON document.

        Raises:
            framework.errors.MalformedBody: The body is not JSON, or beyond the limits of JSON documents.
            marshmallow.ValidationError: The document is not valid.
        """
        try:
            return self._read_json(body)
        except Exception:
            return self.load(decode(body))

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        """Convert an object to plain data, as ``Schema.dump`` does."""
        as_many = self.schema.many if many is None else bool(many)
        if not self._hooked_dump:
            try:
                write = self._plain
                return _write_many(write, obj) if as_many else write(obj)
            except Exception:
                pass  # marshmallow dumps it, or says why not
        return self.schema.dump(obj, many=many)

    def dump_json(self, obj: Any) -> bytes:
        """Convert an object to a JSON document.

        Raises:
            TypeError: A value cannot be written as JSON.
        """
        try:
            return orjson.dumps(self._native(obj), plain)
        except Exception:
            pass  # some value is not of exactly its field's type
        try:
            return orjson.dumps(self._written(obj), plain)
        except Exception:
            return encode(self.schema.dump(obj))

    def explain(self) -> str:
        """Say, field by field, what was compiled and what is left to marshmallow, and why."""
        return explanation.explain(self.schema)

    def _reader(self, unknown: str) -> Read:
        if unknown not in self._readers:
            self._readers[unknown], _ = self._made_reader(unknown)
        return self._readers[unknown]

    def _made_reader(self, unknown: str) -> tuple[Read, Loading | None]:
        if recognise.reads_plainly(self.schema):
            return _give_up, None
        loading = Loading(
            self.schema, Mode(unknown, recognise.partial_of(self.schema), not self._hooked_load)
        )
        read = loading.build()
        if self._hooked_load:
            hooks.deserialize_with(self.schema, read)
        return read, loading

    @cached_property
    def _read_json(self) -> Callable[[bytes], Any]:
        read, loading = self._made_reader(self.schema.unknown)
        self._readers.setdefault(self.schema.unknown, read)
        if loading is None or self._hooked_load:
            return _give_up
        many, opaque, deep = self.schema.many, loading.opaque, loading.opaque or loading.recursive
        loads = orjson.loads

        def read_json(body: bytes) -> Any:
            if _ESCAPED_NUL in body or (deep and may_be_deep(body)):
                raise Fallback
            if opaque:
                refuse_long_integers(body)
            # In a short body there is no long text either.
            harmless = len(body) <= TEXT_BEFORE_PATTERN
            return self._read_many(read, loads(body), harmless) if many else read(loads(body), harmless)

        return read_json

    def _read_many(self, read: Read, data: Any, harmless: bool) -> Any:
        if type(data) is not list or len(data) > self._max_items:
            raise Fallback
        found = [read(each, harmless) for each in data]
        for validator in getattr(self.schema, "list_validators", ()):
            validator(found)
        return found

    @cached_property
    def _native(self) -> Write:
        try:
            return Checking(self.schema).build()
        except NotNative:
            return _give_up

    @cached_property
    def _written(self) -> Write:
        return self._writer(json=True)

    @cached_property
    def _plain(self) -> Write:
        return self._writer(json=False, many=False)

    def _writer(self, *, json: bool, many: bool | None = None) -> Write:
        schema = self.schema
        if recognise.writes_plainly(schema):
            return _give_up
        if self._hooked_dump:
            hooks.serialize_with(schema, Dumping(schema, json=False).build())
            return _give_up
        dumping = Dumping(schema, json=json)
        return dumping.build_many() if (schema.many if many is None else many) else dumping.build()


def compile(schema: Any, *, load: bool = True, dump: bool = True) -> CompiledSchema:
    """Return the loader and dumper of a schema, a schema class, or a type that ``schema_of`` takes.

    It is made once for a schema. The caps on items and texts are put on the fields of the instance.

    Args:
        schema: What to compile.
        load: Whether to make the loader now rather than at its first use.
        dump: Whether to make the dumper now rather than at its first use.

    Raises:
        framework.errors.ConfigurationError: There is no schema for it.
    """
    found = schema_of(schema)
    compiled: CompiledSchema | None = vars(found).get("_compiled")
    # A copy of a schema has a copy of the attribute, too.
    if compiled is None or compiled.schema is not found:
        compiled = CompiledSchema(found)
        vars(found)["_compiled"] = compiled
    compiled.prepare(load=load, dump=dump)
    return compiled


def _give_up(*_: Any) -> Any:
    raise Fallback


def _write_many(write: Write, objects: Any) -> list[Any]:
    if not isinstance(objects, REITERABLE):
        raise Fallback
    return [write(each) for each in objects]
