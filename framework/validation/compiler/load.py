"""The generated function that loads: one for a schema, with what it nests written into it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any, NamedTuple

from marshmallow import EXCLUDE, INCLUDE, RAISE, Schema, fields, missing
from marshmallow.decorators import PRE_LOAD

from framework.adapters.marshmallow import run_load_hooks
from framework.validation.compiler import support
from framework.validation.compiler.checks import check
from framework.validation.compiler.codegen import DEEPEST, Fallback, Source
from framework.validation.compiler.construction import Entry, construction, made_dict
from framework.validation.compiler.load_fields import EMITTERS, Emit
from framework.validation.limits import AtMost, ModestNumber, Only, Spelling, StorableText, TimeOfDay, most_of
from framework.validation.partial import Partial

# What the emitters of these fields look for in `pre_load` themselves.
_FOLDED: dict[type, tuple[type, ...]] = {
    AtMost: (fields.List, fields.Mapping, fields.Nested),
    ModestNumber: (fields.Decimal,),
    Only: (fields.Float, fields.Boolean, fields.TimeDelta),
    Spelling: (fields.Number, fields.TimeDelta),
    StorableText: (fields.String,),
    TimeOfDay: (fields.DateTime,),
}
# These read whatever they are given, so that a null must be caught before.
_TAKE_NONE = (fields.Raw, fields.Constant, fields.Pluck)


class Mode(NamedTuple):
    """How an object is read.

    Attributes:
        unknown: What becomes of unknown fields.
        partial: Whether fields may be missing; None leaves it to each schema.
        construct: Whether the hooks run that make an object of the fields.
    """

    unknown: str
    partial: bool | None
    construct: bool = True


class Loading:
    """Write the source of a schema's loader.

    Attributes:
        out: The source.
        json: Whether the document was just read from JSON, with no NUL in its texts.
        exact: Whether the values at hand are as JSON has them, so that their types are exact and few.
        notes: For each field by its path, why marshmallow reads it; empty where it is compiled.
        opaque: Whether values may pass that no field has looked into.
        recursive: Whether documents of any depth may pass.
    """

    def __init__(self, schema: Schema, mode: Mode, *, json: bool = False, many: bool = False) -> None:
        self.out = Source(f"load {type(schema).__name__}")
        self.json = self.exact = json
        self.notes: dict[str, str] = {}
        self.opaque = False
        self.recursive = False
        self._parameters = ("d", "short") if json else ("d",)
        self._functions: dict[tuple[int, Mode, bool], str] = {}
        self._open: list[int] = []
        self._path: list[str] = []
        self._partial: bool | None = None
        self._name = self._many(schema, mode) if many else self._function(schema, mode)

    def build(self) -> Callable[..., Any]:
        """Return the loader: ``load(data)``, for JSON ``load(data, short)``.

        ``short`` says that no text in the document is too long for a pattern.
        """
        return self.out.build(self._name)

    def anything_goes(self) -> None:
        self.opaque = True

    def value(self, field: fields.Field[Any], value: str) -> None:
        """Write what ``field.deserialize(value)`` does for a value that is there."""
        emit = support.known(field, EMITTERS)
        if emit is None:
            self._leave(f"{type(field).__name__} is not known")
            self.out.line(
                f"{value} = {self.out.constant(field, 'field')}.deserialize({value}{self._keyword})"
            )
            return
        self.notes.setdefault(".".join(self._path), "")
        folded = all(isinstance(field, _FOLDED.get(type(guard), ())) for guard in field.pre_load)
        outer, self.exact = self.exact, self.exact and folded
        if not field.allow_none and (not folded or isinstance(field, _TAKE_NONE)):
            self.out.refuse_if(f"{value} is None")
        for function in () if folded else field.pre_load:
            self.out.line(f"{value} = {self.out.constant(function, 'pre_load')}({value})")
        if field.allow_none:
            with self.out.block(f"if {value} is not None:"):
                self._convert(emit, field, value)
        else:
            self._convert(emit, field, value)
        self.exact = outer

    def nested(self, field: fields.Nested, value: str) -> None:
        """Write what a nested field does for a value that is there."""
        schema = field.schema
        reason = support.reads_plainly(schema)
        if not reason and PRE_LOAD in support.load_hooks(schema):
            reason = f"{type(schema).__name__} has pre_load"
        partial = support.partial_of(schema) if self._partial is None else self._partial
        mode = Mode(field.unknown or schema.unknown, partial)
        if reason:
            self._leave(reason)
            load, copy = self.out.constant(schema.load, "load"), self.out.constant(deepcopy, "deepcopy")
            # A hook may change what it is given, and marshmallow may yet have to read the same input again.
            self.out.line(f"{value} = {load}({copy}({value}), unknown={mode.unknown!r}{self._keyword})")
        elif schema.many:
            self._nested_many(schema, mode, value)
        else:
            self._nested_one(schema, mode, value)

    def _convert(self, emit: Emit, field: fields.Field[Any], value: str) -> None:
        emit(self, field, value)
        for validator in field.validators:
            check(self.out, validator, value)
        for function in field.post_load:
            self.out.line(f"{value} = {self.out.constant(function, 'post_load')}({value})")

    def _nested_many(self, schema: Schema, mode: Mode, value: str) -> None:
        self.out.refuse_if(f"type({value}) is not list")
        hooks, whole = support.load_hooks(schema), self.out.fresh("whole")
        if hooks:
            self.out.line(f"{whole} = {value}")
        with self.out.items_of(value) as each:
            self._nested_one(schema, Mode(mode.unknown, mode.partial, not hooks), each)
        self._finish(schema, mode, value, whole, many=True)

    def _nested_one(self, schema: Schema, mode: Mode, value: str) -> None:
        if id(schema) in self._open or len(self._open) > DEEPEST:
            self.recursive = self.recursive or id(schema) in self._open
            more = ", short" if self.json else ""
            self.out.line(f"{value} = {self._function(schema, mode)}({value}{more})")
            return
        self._open.append(id(schema))
        made = self._object(schema, mode, value)
        self._open.pop()
        self.out.line(f"{value} = {made}")

    def _function(self, schema: Schema, mode: Mode) -> str:
        key = (id(schema), mode, self.exact)
        if key not in self._functions:
            self._functions[key] = self.out.fresh(f"load_{type(schema).__name__}")
            outer, self._open = self._open, [id(schema)]
            with self.out.function(self._functions[key], *self._parameters):
                self.out.line(f"return {self._object(schema, mode, 'd')}")
            self._open = outer
        return self._functions[key]

    def _many(self, schema: Schema, mode: Mode) -> str:
        """Write the reading of a document that is a list of objects."""
        name = self.out.fresh(f"load_many_{type(schema).__name__}")
        self._open = [id(schema)]
        with self.out.function(name, *self._parameters):
            self.out.refuse_if(f"type(d) is not list or len(d) > {most_of(schema)}")
            self.out.line("found = []")
            with self.out.block("for each in d:"):
                self.out.line(f"found.append({self._object(schema, mode, 'each')})")
            for validator in getattr(schema, "list_validators", ()):
                check(self.out, validator, "found")
            self.out.line("return found")
        return name

    def _object(self, schema: Schema, mode: Mode, data: str) -> str:
        """Write the reading of one object; return the variable or expression with what it made."""
        outer, self._partial = self._partial, mode.partial
        read = schema.load_fields.values()
        # Of what JSON has, only an object gives a value by its key: reading a field tells whether it is one.
        if not self.exact or not any(support.known(field, EMITTERS) for field in read):
            self.out.refuse_if(f"type({data}) is not dict")
        keys = [_data_key(name, field) for name, field in schema.load_fields.items()]
        count = self._count(mode, keys, read)
        made_from_type = support.constructor(schema) is not None
        entries = [
            self._entry(name, field, data, count, made_from_type)
            for name, field in schema.load_fields.items()
        ]
        if mode.unknown == RAISE:
            self.out.refuse_if(f"len({data}) != {count}" if count else _extra(data, keys))
        elif mode.unknown == EXCLUDE:
            self.anything_goes()
        made = self._made(schema, mode, data, entries, keys)
        self._partial = outer
        return made

    def _made(self, schema: Schema, mode: Mode, data: str, entries: list[Entry], keys: list[str]) -> str:
        """Write the making of what a schema makes of its fields."""
        hooks = mode.construct and bool(support.load_hooks(schema))
        target = support.constructor(schema) if mode.construct and not hooks else None
        complete = mode.unknown != INCLUDE and not any(each.maybe_missing for each in entries)
        if target not in (None, Partial) and complete:
            return construction(self.out, target, {each.key: each.variable for each in entries})
        made = made_dict(self.out, entries, nest=True)
        if mode.unknown == INCLUDE:
            self._include(data, made, keys)
        if target is not None:
            made = construction(self.out, target, made)
        if hooks:
            self._finish(schema, mode, made, data, many=False)
        return made

    def _count(self, mode: Mode, keys: list[str], read: Iterable[fields.Field[Any]]) -> str:
        """Return what says how many of the fields are there, or nothing if nobody asks.

        PERF: then the size of an object alone tells whether there are unknown fields.
        """
        if mode.unknown != RAISE or len(set(keys)) != len(keys):
            return ""
        if all(self._must_be_there(field) for field in read):
            return str(len(keys))
        count = self.out.fresh("count")
        self.out.line(f"{count} = {len(keys)}")
        return count

    def _must_be_there(self, field: fields.Field[Any]) -> bool:
        return (
            field.required
            and self._partial is not True
            and not isinstance(field, fields.Constant)
            and support.known(field, EMITTERS) is not None
        )

    def _entry(
        self, name: str, field: fields.Field[Any], data: str, count: str, made_from_type: bool
    ) -> Entry:
        """Write the reading of one field of an object, there or not."""
        self._path.append(name)
        key, variable = repr(_data_key(name, field)), self.out.fresh(name)
        maybe_missing = True
        if support.known(field, EMITTERS) is None:
            self._unknown_field(field, data, key, variable, count)
        elif self._must_be_there(field):
            self.out.line(f"{variable} = {data}[{key}]")
            self.value(field, variable)
            maybe_missing = False
        else:
            default = missing if self._partial is True else field.load_default
            self.out.line(f"{variable} = {data}.get({key}, missing)")
            with self.out.block(f"if {variable} is missing:"):
                if default is not missing:
                    self.out.line(f"{variable} = {self._default(default)}")
                if count:
                    self.out.line(f"{count} -= 1")
            with self.out.block("else:"):
                self.value(field, variable)
            # Whatever a factory returns, a dataclass takes; elsewhere `missing` means that the field is not
            # set.
            maybe_missing = default is missing or (callable(default) and not made_from_type)
        self._path.pop()
        return Entry(field.attribute or name, variable, maybe_missing)

    def _unknown_field(
        self, field: fields.Field[Any], data: str, key: str, variable: str, count: str
    ) -> None:
        self._leave(f"{type(field).__name__} is not known")
        read = f"{self.out.constant(field, 'field')}.deserialize"
        if self._partial is True:
            read = f"{read}({data}[{key}], {key}, {data}{self._keyword}) if {key} in {data} else missing"
        else:
            read = f"{read}({data}.get({key}, missing), {key}, {data}{self._keyword})"
        self.out.line(f"{variable} = {read}")
        if count:
            self.out.line(f"if {key} not in {data}: {count} -= 1")

    def _default(self, default: Any) -> str:
        if type(default) in (int, str, bool, type(None)):
            return repr(default)
        return self.out.constant(default, "default") + ("()" if callable(default) else "")

    def _include(self, data: str, made: str, keys: list[str]) -> None:
        self.anything_goes()
        known = self.out.constant(frozenset(keys), "known")
        self.out.line(f"for key in set({data}) - {known}: {made}[key] = {data}[key]")

    def _finish(self, schema: Schema, mode: Mode, made: str, data: str, *, many: bool) -> None:
        """Write the hooks that run on what was read."""
        if support.load_hooks(schema):
            finish = self.out.constant(_finisher(schema, mode, many), "finish")
            self.out.line(f"{made} = {finish}({made}, {data})")

    def _leave(self, reason: str) -> None:
        self.notes[".".join(self._path)] = reason
        self.anything_goes()

    @property
    def _keyword(self) -> str:
        return "" if self._partial is None else f", partial={self._partial!r}"


def _data_key(name: str, field: fields.Field[Any]) -> str:
    return name if field.data_key is None else field.data_key


def _extra(data: str, keys: list[str]) -> str:
    return f"not {{{', '.join(map(repr, keys))}}}.issuperset({data})"


def _finisher(schema: Schema, mode: Mode, many: bool) -> Callable[[Any, Any], Any]:
    """Return what runs a nested schema's validators and its ``post_load``, as marshmallow does."""
    options: dict[str, Any] = {"many": many, "partial": mode.partial, "unknown": mode.unknown}

    def finish(made: Any, data: Any) -> Any:
        is_valid, finished = run_load_hooks(schema, made, data, options)
        if not is_valid:
            raise Fallback
        return finished

    return finish
