"""What is known of one type: how its values are loaded, dumped, and recognised as written already."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import orjson
from marshmallow import fields

from framework.validation.compiler.codegen import Source
from framework.validation.fields import Spelt
from framework.validation.limits import MODEST_NUMBER, AtMost, ModestNumber, Only, Spelling

# Going through one of these a second time gives the same items, should marshmallow have to do it again.
REITERABLE = (list, tuple, set, frozenset, deque)
# Beyond these a float may have been an integer of more than 64 bits; the comparison is false for NaN, too.
FINITE = "-9.2e18 < {0} < 1.8e19"

Make = Callable[..., fields.Field[Any]]


class LoadWriter(Protocol):
    """What an emitter asks of the writer of a function that loads.

    It checks for exact types: a value of any other type, valid or not, is rare enough to be left to marshmallow.

    Attributes:
        out: The source.
        json: Whether the document was just read from JSON, with no NUL in its texts.
        exact: Whether the value is one that JSON has: an exact type out of seven.
    """

    @property
    def out(self) -> Source: ...

    @property
    def json(self) -> bool: ...

    @property
    def exact(self) -> bool: ...

    def value(self, field: fields.Field[Any], value: str) -> None:
        """Write the reading of a value by a field within a field, with all that belongs to it."""

    def nested(self, field: fields.Nested, value: str) -> None:
        """Write the reading of a nested object, or of a list of them."""

    def anything_goes(self) -> None:
        """Take note that values pass that no field has looked into."""


class DumpWriter(Protocol):
    """What an emitter asks of the writer of a function that dumps.

    Attributes:
        out: The source.
        json: Whether what orjson writes as marshmallow would may stay as it is.
        exact: Whether a value of another type than the field's is refused, and not converted.
    """

    @property
    def out(self) -> Source: ...

    @property
    def json(self) -> bool: ...

    @property
    def exact(self) -> bool: ...

    def value(self, field: fields.Field[Any], value: str) -> None:
        """Write the writing of a value by a field within a field."""

    def item(self, field: fields.Field[Any], value: str, *, plain: bool = False) -> None:
        """Write the writing of a key or value of a mapping; ``plain`` rules out what only orjson can write."""

    def nested(self, field: fields.Nested, value: str) -> None:
        """Write the writing of a nested object, or of a list of them, that is not None."""

    def free(self, value: str) -> None:
        """Write the search for what is no number, in a value of any type."""


class CheckWriter(Protocol):
    """What an emitter asks of the writer of a function that looks whether orjson can write a value as it is."""

    @property
    def out(self) -> Source: ...

    def value(self, field: fields.Field[Any], value: str) -> None:
        """Write the check of a value by a field within a field."""

    def nested(self, schema: Any, value: str) -> None:
        """Write the check of a nested object."""

    def free(self, value: str) -> None:
        """Write the search for what is no number, in a value of any type."""


class NotPassedThrough(Exception):
    """Objects of a schema have to be dumped."""


EmitLoad = Callable[[LoadWriter, Any, str], None]
EmitDump = Callable[[DumpWriter, Any, str], None]
EmitCheck = Callable[[CheckWriter, Any, str], None]


@dataclass(frozen=True, kw_only=True)
class Codec:
    """One type: its annotations, its fields, and how the compiler writes their loading and dumping.

    An emitter writes lines after which the variable holds what the field's ``_deserialize`` or ``_serialize`` would
    return, or which leave the function by an exception, where marshmallow decides.

    Attributes:
        fields: The classes of marshmallow fields.
        load: Writes the loading.
        dump: Writes the dumping.
        check: Writes the check that a dumped value may stay as it is; None where it never may.
        guards: The classes of guards in ``pre_load`` that ``load`` itself writes.
        json: Makes the field for values from JSON, by annotation.
        text: Makes the field for values from text, by annotation, where that is another one.
        lenient: Makes the field for values from JSON that may be spelt otherwise, where that is another one.
        shape: What an OpenAPI document says of the value, where the class of the field does not say it.
        sample: One of the values, to try validators on; None where there is none that stands for all.
        is_plain: Whether what the field dumps is of a type that is known, or text.
    """

    fields: tuple[type, ...]
    load: EmitLoad
    dump: EmitDump
    check: EmitCheck | None = None
    guards: tuple[type, ...] = ()
    json: Mapping[Any, Make] = field(default_factory=dict)
    text: Mapping[Any, Make] = field(default_factory=dict)
    lenient: Mapping[Any, Make] = field(default_factory=dict)
    shape: Mapping[str, Any] = field(default_factory=dict)
    sample: Any = None
    is_plain: bool = True


def text_codec(field: type[Spelt], *annotations: type, shape: Mapping[str, Any]) -> Codec:
    """Return the codec of a type that stands in JSON as text.

    Args:
        field: Says how a value is read and written.
        annotations: The classes of the values.
        shape: What an OpenAPI document says of the text.
    """

    def load(w: LoadWriter, field: Spelt, value: str) -> None:
        w.out.refuse_if(f"type({value}) is not str")
        w.out.line(f"{value} = {w.out.constant(field.read, 'read')}({value})")

    def dump(w: DumpWriter, field: Spelt, value: str) -> None:
        w.out.line(f"if {value} is not None: {value} = {w.out.constant(field.write, 'write')}({value})")

    made = {each: partial(field, each) for each in annotations}
    return Codec(fields=(field,), load=load, dump=dump, json=made, shape={"type": "string", **shape})


def unless_exact(w: LoadWriter, condition: str) -> None:
    """Write a check that JSON can do without, because what comes next takes no other value of JSON's."""
    if not w.exact:
        w.out.refuse_if(condition)


def load_by_field(w: LoadWriter, field: fields.Field[Any], value: str) -> None:
    """Write a call of the field itself."""
    w.anything_goes()
    if not field.allow_none:
        w.out.refuse_if(f"{value} is None")
    w.out.line(f"{value} = {w.out.constant(field, 'field')}._deserialize({value}, None, None)")


def has_only(field: fields.Field[Any]) -> bool:
    """Tell whether a guard lets just some types pass."""
    return any(isinstance(guard, Only) for guard in field.pre_load)


def spelt(w: LoadWriter, field: fields.Field[Any], value: str) -> None:
    """Write the checks of how text may be spelt."""
    for guard in field.pre_load:
        if isinstance(guard, ModestNumber):
            # Short text without an exponent is modest; only other text is worth a pattern.
            pattern = w.out.constant(MODEST_NUMBER.fullmatch, "modest")
            w.out.refuse_if(
                f'(len({value}) > 100 or "e" in {value} or "E" in {value}) and {pattern}({value}) is None'
            )
        if isinstance(guard, Spelling):
            w.out.refuse_if(f"{w.out.constant(guard.pattern.fullmatch, 'plainly')}({value}) is None")


def at_most(
    w: LoadWriter, field: fields.Field[Any], value: str, when: str = "type({0}) is list and "
) -> None:
    """Write the check of how many items there may be."""
    for guard in field.pre_load:
        if isinstance(guard, AtMost):
            w.out.refuse_if(f"{when.format(value)}len({value}) > {guard.items}")


def dump_unless(w: DumpWriter, field: fields.Field[Any], value: str, other: str, converted: str = "") -> None:
    """Write the conversion of a value, or of one of another type by marshmallow."""
    with w.out.block(f"if {other}:"), w.out.block(f"if {value} is not None:"):
        if w.exact:
            w.out.line("raise Fallback")
        else:
            dump_by_field(w, field, value)
    if converted:
        with w.out.block("else:"):
            w.out.line(f"{value} = {converted}")


def dump_by_field(w: DumpWriter, field: fields.Field[Any], value: str) -> None:
    """Write a call of the field itself."""
    w.out.line(f"{value} = {w.out.constant(field._serialize, 'serialize')}({value}, None, None)")


def text_of(w: DumpWriter, value: str) -> str:
    """Return the expression of what orjson makes of a date, a time or a UUID, without its quotes.

    PERF: a third of the time of ``isoformat`` or ``str``.
    """
    return f"{w.out.constant(orjson.dumps, 'dumps')}({value})[1:-1].decode()"


def dump_exact(kind: type) -> EmitDump:
    """Make the emitter of a field whose values stay as they are if they are of exactly one type."""

    def emit(w: DumpWriter, field: fields.Field[Any], value: str) -> None:
        dump_unless(w, field, value, f"type({value}) is not {w.out.constant(kind, kind.__name__)}")

    return emit


def check_exact(kind: type) -> EmitCheck:
    """Make the check of a field whose values are written as they are if they are of exactly one type."""

    def emit(w: CheckWriter, field: Any, value: str) -> None:
        if getattr(field, "as_string", False):
            raise NotPassedThrough
        w.out.refuse_if(f"type({value}) is not {w.out.constant(kind, kind.__name__)}")

    return emit


def check_float(w: CheckWriter, field: Any, value: str) -> None:
    """Write the check of a field of numbers: what is none, or infinite, less itself is not 0."""
    check_exact(float)(w, field, value)
    w.out.refuse_if(f"{value} - {value}")


def check_nothing(w: CheckWriter, field: fields.Field[Any], value: str) -> None:
    """Let any value be written as it is, unless orjson would make null of it."""
    w.free(value)
