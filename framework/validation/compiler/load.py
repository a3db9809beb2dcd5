"""The generated function that loads: one for a schema, with what it nests written into it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from marshmallow import EXCLUDE, INCLUDE, RAISE, Schema, fields, missing
from marshmallow.decorators import PRE_LOAD

from framework.adapters.marshmallow import Options
from framework.validation.codecs.codec import Codec
from framework.validation.codecs.registry import find_codec
from framework.validation.compiler import support
from framework.validation.compiler.checks import check
from framework.validation.compiler.codegen import DEEPEST, Source
from framework.validation.compiler.construction import Entry, construction, made_dict
from framework.validation.compiler.hooks import copied, finisher, hooked
from framework.validation.limits import most_of
from framework.validation.partial import Partial

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


@dataclass(slots=True)
class Findings:
    """What was found out while the source was written.

    Attributes:
        notes: For each field by its path, why marshmallow reads it; empty where it is compiled.
        opaque: Whether values may pass that no field has looked into.
        recursive: Whether documents of any depth may pass.
        functions: The functions that were written, by what they read.
    """

    notes: dict[str, str] = field(default_factory=dict)
    opaque: bool = False
    recursive: bool = False
    functions: dict[tuple[int, Mode, bool, bool], str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """Where the writing of a loader stands; what is written within another place gets a context of its own.

    Attributes:
        out: The source.
        found: What was found out so far.
        json: Whether the document was just read from JSON, with no NUL in its texts.
        exact: Whether the values at hand are as JSON has them, so that their types are exact and few.
        partial: Whether fields may be missing; None leaves it to each schema.
        open: The schemas within which this place is, in the present function.
        path: The names of the fields that lead here.
    """

    out: Source
    found: Findings = field(default_factory=Findings)
    json: bool = False
    exact: bool = False
    partial: bool | None = None
    open: tuple[int, ...] = ()
    path: tuple[str, ...] = ()

    def anything_goes(self) -> None:
        """Take note that values pass that no field has looked into."""
        self.found.opaque = True

    def value(self, field: fields.Field[Any], value: str) -> None:
        """Write what ``field.deserialize(value)`` does for a value that is there."""
        codec = find_codec(field)
        if codec is None:
            self._leave(f"{type(field).__name__} is not known")
            self.out.line(
                f"{value} = {self.out.constant(field, 'field')}.deserialize({value}{self._keyword})"
            )
            return
        self.found.notes.setdefault(".".join(self.path), "")
        folded = all(type(guard) in codec.guards for guard in field.pre_load)
        if not field.allow_none and (not folded or isinstance(field, _TAKE_NONE)):
            self.out.refuse_if(f"{value} is None")
        for function in () if folded else field.pre_load:
            self.out.line(f"{value} = {self.out.constant(function, 'pre_load')}({value})")
        within = replace(self, exact=self.exact and folded)
        if field.allow_none:
            with self.out.block(f"if {value} is not None:"):
                within.convert(codec, field, value)
        else:
            within.convert(codec, field, value)

    def convert(self, codec: Codec, field: fields.Field[Any], value: str) -> None:
        """Write the conversion of a value that is not None, its validators and its ``post_load``."""
        codec.load(self, field, value)
        for validator in field.validators:
            check(self.out, validator, value)
        for function in field.post_load:
            self.out.line(f"{value} = {self.out.constant(function, 'post_load')}({value})")

    def nested(self, field: fields.Nested, value: str) -> None:
        """Write what a nested field does for a value that is there."""
        schema = field.schema
        partial = support.partial_of(schema) if self.partial is None else self.partial
        mode = Mode(field.unknown or schema.unknown, partial)
        if (schema.many or field.many) and (
            support.reads_plainly(schema) or PRE_LOAD in support.load_hooks(schema)
        ):
            self.out.refuse_if(f"type({value}) is not list")
        if reason := support.reads_plainly(schema):
            self._leave(reason)
            load, copy = self.out.constant(schema.load, "load"), self.out.constant(copied, "copied")
            options = f"unknown={field.unknown!r}, partial={self.partial!r}"
            self.out.line(f"{value} = {load}({copy}({value}), {options})")
        elif PRE_LOAD in support.load_hooks(schema):
            self._hooked(schema, mode, value)
        elif schema.many:
            self._nested_many(schema, mode, value)
        else:
            self._nested_one(schema, mode, value)

    def function(self, schema: Schema, mode: Mode) -> str:
        """Write the function that reads an object, once; return its name."""
        key = (id(schema), mode, self.json, self.exact)
        if key not in self.found.functions:
            name = self.found.functions[key] = self.out.fresh(f"load_{type(schema).__name__}")
            with self.out.function(name, *self._parameters):
                made = replace(self, open=(id(schema),)).object(schema, mode, "d")
                self.out.line(f"return {made}")
        return self.found.functions[key]

    def many(self, schema: Schema, mode: Mode) -> str:
        """Write the function that reads a document that is a list of objects; return its name."""
        name = self.out.fresh(f"load_many_{type(schema).__name__}")
        with self.out.function(name, *self._parameters):
            self.out.refuse_if(f"type(d) is not list or len(d) > {most_of(schema)}")
            self.out.line("found = []")
            with self.out.block("for each in d:"):
                made = replace(self, open=(id(schema),)).object(schema, mode, "each")
                self.out.line(f"found.append({made})")
            for validator in getattr(schema, "list_validators", ()):
                check(self.out, validator, "found")
            self.out.line("return found")
        return name

    def object(self, schema: Schema, mode: Mode, data: str) -> str:
        """Write the reading of one object; return the variable or expression with what it made."""
        here = replace(self, partial=mode.partial)
        read = schema.load_fields.values()
        # Of what JSON has, only an object gives a value by its key: reading a field tells whether it is one.
        if not self.exact or not any(find_codec(field) for field in read):
            self.out.refuse_if(f"type({data}) is not dict")
        keys = [data_key(name, field) for name, field in schema.load_fields.items()]
        count = here._count(mode, keys, read)
        made_from_type = support.constructor(schema) is not None
        entries = [
            here.entry(name, field, data, count, made_from_type) for name, field in schema.load_fields.items()
        ]
        if mode.unknown == RAISE:
            self.out.refuse_if(f"len({data}) != {count}" if count else _extra(data, keys))
        elif mode.unknown == EXCLUDE:
            self.anything_goes()
        return here._made(schema, mode, data, entries, keys)

    def entry(
        self, name: str, field: fields.Field[Any], data: str, count: str, made_from_type: bool
    ) -> Entry:
        """Write the reading of one field of an object, there or not.

        Args:
            count: The variable that says how many of the fields are there; empty if nobody asks.
            made_from_type: Whether a dataclass takes the values.
        """
        here = replace(self, path=(*self.path, name))
        key, variable = repr(data_key(name, field)), self.out.fresh(name)
        maybe_missing = True
        if find_codec(field) is None:
            here._unknown_field(field, data, key, variable, count)
        elif self._must_be_there(field):
            self.out.line(f"{variable} = {data}[{key}]")
            here.value(field, variable)
            maybe_missing = False
        else:
            default = missing if self.partial is True else field.load_default
            self.out.line(f"{variable} = {data}.get({key}, missing)")
            with self.out.block(f"if {variable} is missing:"):
                if default is not missing:
                    self.out.line(f"{variable} = {self._default(default)}")
                if count:
                    self.out.line(f"{count} -= 1")
            with self.out.block("else:"):
                here.value(field, variable)
            # Whatever a factory returns, a dataclass takes; elsewhere `missing` means that the field is not
            # set.
            maybe_missing = default is missing or (callable(default) and not made_from_type)
        return Entry(field.attribute or name, variable, maybe_missing)

    def _nested_many(self, schema: Schema, mode: Mode, value: str) -> None:
        self.out.refuse_if(f"type({value}) is not list")
        hooks, whole = support.load_hooks(schema), self.out.fresh("whole")
        if hooks:
            self.out.line(f"{whole} = {value}")
        with self.out.items_of(value) as each:
            self._nested_one(schema, Mode(mode.unknown, mode.partial, not hooks), each)
        self._finish(schema, mode, value, whole, many=True)

    def _nested_one(self, schema: Schema, mode: Mode, value: str) -> None:
        if id(schema) in self.open or len(self.open) > DEEPEST:
            self.found.recursive = self.found.recursive or id(schema) in self.open
            more = ", short" if self.json else ""
            self.out.line(f"{value} = {self.function(schema, mode)}({value}{more})")
            return
        made = replace(self, open=(*self.open, id(schema))).object(schema, mode, value)
        self.out.line(f"{value} = {made}")

    def _hooked(self, schema: Schema, mode: Mode, value: str) -> None:
        """Write the reading of what a schema's ``pre_load`` makes of a value."""
        self._leave(f"{type(schema).__name__} has pre_load")
        # What a hook returns need not be as JSON has it.
        within = replace(self, json=False, exact=False)
        read = within.function(schema, mode._replace(construct=False))
        load = self.out.constant(hooked(schema, Options(schema.many, mode.partial, mode.unknown)), "hooked")
        self.out.line(f"{value} = {load}({read}, {value})")

    def _made(self, schema: Schema, mode: Mode, data: str, entries: list[Entry], keys: list[str]) -> str:
        """Write the making of what a schema makes of its fields."""
        hooks = mode.construct and bool(support.load_hooks(schema))
        target = support.constructor(schema) if mode.construct and not hooks else None
        complete = mode.unknown != INCLUDE and not any(each.maybe_missing for each in entries)
        if target is not None and not issubclass(target, Partial) and complete:
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
            and self.partial is not True
            and not isinstance(field, fields.Constant)
            and find_codec(field) is not None
        )

    def _unknown_field(
        self, field: fields.Field[Any], data: str, key: str, variable: str, count: str
    ) -> None:
        self._leave(f"{type(field).__name__} is not known")
        read = f"{self.out.constant(field, 'field')}.deserialize"
        if self.partial is True:
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
            finish = self.out.constant(finisher(schema, Options(many, mode.partial, mode.unknown)), "finish")
            self.out.line(f"{made} = {finish}({made}, {data})")

    def _leave(self, reason: str) -> None:
        self.found.notes[".".join(self.path)] = reason
        self.anything_goes()

    @property
    def _parameters(self) -> tuple[str, ...]:
        return ("d", "short") if self.json else ("d",)

    @property
    def _keyword(self) -> str:
        return "" if self.partial is None else f", partial={self.partial!r}"


def data_key(name: str, field: fields.Field[Any]) -> str:
    """Return the key under which the value of a field stands in a document."""
    return name if field.data_key is None else field.data_key


def _extra(data: str, keys: list[str]) -> str:
    return f"not {{{', '.join(map(repr, keys))}}}.issuperset({data})"
