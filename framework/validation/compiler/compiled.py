"""The loader and dumper of a schema: generated functions, and marshmallow where they leave it to decide."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, Protocol

import orjson
from marshmallow import Schema, ValidationError, missing

from framework.adapters.marshmallow import Options, dump_fields, dump_with
from framework.validation.codecs.codec import REITERABLE, NotPassedThrough
from framework.validation.compiler import explanation, support
from framework.validation.compiler.bounded import Bounded
from framework.validation.compiler.codegen import Fallback
from framework.validation.compiler.collecting import LARGE_BYTES, without_collector
from framework.validation.compiler.dump import dumper
from framework.validation.compiler.load import Mode
from framework.validation.compiler.loaders import loader
from framework.validation.compiler.passthrough import checker
from framework.validation.compiler.tally import Tally
from framework.validation.json import (
    BACKSLASH,
    ESCAPED_NUL,
    SPELT_HERE,
    checked,
    decode,
    decode_exactly,
    encode,
    may_be_deep,
    may_be_exact,
    plain,
    refuse_long_integers,
)
from framework.validation.limits import TEXT_BEFORE_PATTERN, limit, most_of
from framework.validation.schemas import schema_of

Read = Callable[..., Any]
Write = Callable[[Any], Any]
Encode = Callable[[Any], bytes]


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
    """A function that converts an object to plain data, as ``Schema.dump`` does."""

    def __call__(self, obj: Any, *, many: bool | None = None) -> Any: ...


class CompiledSchema:
    """The loader and dumper of a schema: as marshmallow would, but faster.

    The fast path handles only what it provably handles as marshmallow would. Whatever else happens on it is
    forgotten, and marshmallow reads or writes the same value from the start: so the errors are marshmallow's.

    Each of the four functions is made when it is first asked for. Ask at start-up, and keep it::

        load = compile(Order).load_json

    Attributes:
        schema: The schema. The limits stand on its fields; it must not be changed any more.
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._max_items = most_of(schema)
        all_schemas = support.close_circles(schema)
        for each in all_schemas:
            for field in each.fields.values():
                limit(field)
        self._has_decimals = support.has_decimals(all_schemas)
        self._dumps_anything = support.dumps_anything(all_schemas)
        self._nests = len(all_schemas) > 1
        self._bounded = Bounded(schema)
        self._readers: dict[tuple[str, bool], Read] = {}

    @cached_property
    def load(self) -> Load:
        """Validate and convert data, as ``Schema.load`` does; see `Load`."""
        schema, slow = self.schema, self._slow
        if support.reads_plainly(schema) or support.load_hooks(schema):

            def load_bounded(data: Any, *, many: Any = None, partial: Any = None, unknown: Any = None) -> Any:
                return slow(data, Tally(), Options(many, partial, unknown))

            return load_bounded
        usual = self._reader(schema.unknown, many=schema.many)

        def load(
            data: Any,
            *,
            many: bool | None = None,
            partial: bool | Iterable[str] | None = None,
            unknown: str | None = None,
        ) -> Any:
            try:
                if partial is None:
                    if many is None and unknown is None:
                        return usual(data)
                    as_many = schema.many if many is None else bool(many)
                    return self._reader(unknown or schema.unknown, many=as_many)(data)
            except Exception as error:  # noqa: BLE001 - marshmallow says what is wrong
                tally = Tally(error)
            else:
                tally = Tally()
            return slow(data, tally, Options(many, partial, unknown))

        return load

    @cached_property
    def load_json(self) -> Callable[[bytes], Any]:
        """Validate and convert a JSON document.

        Raises:
            MalformedJSON: The document is not JSON, or beyond the limits of JSON documents.
            marshmallow.ValidationError: The document is not valid.
        """
        if support.reads_plainly(self.schema) or support.load_hooks(self.schema):
            return self._load_json_by_data
        return self._compiled_load_json()

    def _compiled_load_json(self) -> Callable[[bytes], Any]:
        schema, loads, slow = self.schema, orjson.loads, self._slow
        mode, exact = Mode(schema.unknown, support.partial_of(schema)), self._has_decimals
        made = loader(schema, mode, json=True, many=schema.many)
        read, opaque, deep = made.build(), made.found.opaque, made.found.opaque or made.found.recursive

        def load_json(document: bytes) -> Any:
            if len(document) > LARGE_BYTES and gc.isenabled():
                return without_collector(load_json, document)
            if exact and may_be_exact(document):
                return slow(decode_exactly(document), Tally(), Options())
            data = missing
            try:
                # PERF: most documents escape nothing, and one byte is found much faster than several.
                if BACKSLASH not in document or document.find(ESCAPED_NUL) < 0:
                    if opaque:
                        refuse_long_integers(document)
                    data = decode(document) if deep and may_be_deep(document) else loads(document)
                    return read(data, len(document) <= TEXT_BEFORE_PATTERN)
            except Exception as error:  # noqa: BLE001 - the slow way says what is wrong
                tally = Tally(error)
            else:
                tally = Tally()
            return slow(checked(document, data), tally, Options())

        return load_json

    def _load_json_by_data(self, document: bytes) -> Any:
        """Read a document of a schema whose hooks take data."""
        decoded = decode_exactly if self._has_decimals else decode
        return without_collector(lambda each: self.load(decoded(each)), document)

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

        There are three ways, and where one declines the next is taken: the object is *passed through* to orjson as it
        is; a *compiled* function makes plain data of it; *marshmallow* does.

        Raises:
            TypeError: A value cannot be written as JSON.
        """
        dump, left = self.schema.dump, self._left
        if self._writer(json=True, many=self.schema.many) is None:
            return lambda obj: encode(left(obj))
        return self.json_writer(lambda obj: encode(dump(obj)))

    def json_writer(self, otherwise: Encode, *, exact: bool = False) -> Encode:
        """Return what converts an object to a JSON document where it plainly can, and leaves others to somebody else.

        Args:
            exact: Whether values have to be of exactly the types that the schema was made from; a schema that
                somebody wrote converts them.
        """
        write = self._writer(json=True, many=self.schema.many, exact=exact)
        if write is None:
            return otherwise
        dumps, free = orjson.dumps, self._dumps_anything
        spelt = SPELT_HERE if free else None

        def compiled(obj: Any) -> bytes:
            """Let the generated function make plain data, and orjson write it."""
            try:
                return dumps(write(obj), plain, spelt)
            except Exception:  # noqa: BLE001 - marshmallow dumps it, or says why not
                return otherwise(obj)

        if free and self._nests:
            return compiled  # objects that nobody has looked at must not pass beside those that somebody has
        try:
            check = checker(self.schema, exact=exact).build()
        except NotPassedThrough:
            return compiled

        def passed_through(obj: Any) -> bytes:
            """Let orjson write the object itself, if all in it is of the types of its fields."""
            try:
                return dumps(check(obj), plain, spelt)
            except Exception:  # noqa: BLE001 - some value is not of exactly its field's type
                return compiled(obj)

        return passed_through

    def explain(self) -> str:
        """Tell, field by field, what was compiled and what is left to marshmallow, and why."""
        return explanation.explain(self.schema)

    def _reader(self, unknown: str, *, many: bool) -> Read:
        if (unknown, many) not in self._readers:
            mode = Mode(unknown, support.partial_of(self.schema))
            self._readers[unknown, many] = loader(self.schema, mode, many=many).build()
        return self._readers[unknown, many]

    def _slow(self, data: Any, tally: Tally, options: Options) -> Any:
        """Read what generated functions declined, unless it is a list of too many items."""
        most = self._max_items
        as_many = self.schema.many if options.many is None else options.many
        if as_many and isinstance(data, list | tuple) and len(data) > most:
            raise ValidationError({"_schema": [f"Longer than maximum length {most}."]}, data=data)
        return self._bounded.load(data, tally, options)

    @cached_property
    def _left(self) -> Dump:
        """What dumps a schema that is left to marshmallow, at least as a whole."""
        if support.writes_plainly(self.schema):
            return self.schema.dump
        schema, write = self.schema, dumper(self.schema, json=False).build()

        def dump_fields_of(obj: Any, many: bool) -> Any:
            try:
                return _write_many(write, obj) if many else write(obj)
            except Exception:  # noqa: BLE001 - marshmallow dumps it, or says why not
                return dump_fields(schema, obj, many)

        return lambda obj, *, many=None: dump_with(schema, obj, dump_fields_of, many)

    def _writer(self, *, json: bool, many: bool, exact: bool = False) -> Write | None:
        if support.writes_plainly(self.schema) or support.dump_hooks(self.schema):
            return None
        return dumper(self.schema, json=json, many=many, exact=exact).build()


def compile(schema: Any) -> CompiledSchema:
    """Return the loader and dumper of a schema, a schema class, or a type that ``schema_of`` takes.

    It is made once for a schema. The limits on items and texts are put on the fields of the instance.

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


def _write_many(write: Write, objects: Any) -> list[Any]:
    if not isinstance(objects, REITERABLE):
        raise Fallback
    return [write(each) for each in objects]
