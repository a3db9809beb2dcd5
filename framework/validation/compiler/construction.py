"""How generated source makes an object of its fields."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from marshmallow.utils import set_value

from framework.validation.compiler.codegen import Source
from framework.validation.partial import Partial


class Entry(NamedTuple):
    """A field's value at hand: its key in what is made, the variable, and whether that may be ``missing``."""

    key: str
    variable: str
    maybe_missing: bool


def construction(out: Source, target: Any, given: Mapping[str, str] | str) -> str:
    """Return the variable or expression of a new object.

    Args:
        out: Where the lines go.
        target: The class: a dataclass, or `Partial`, which takes a dict as it is.
        given: The variable of each field, or the variable of a dict of them.
    """
    name = out.constant(target, target.__name__)
    if isinstance(given, str):
        return f"{name}({given})" if issubclass(target, Partial) else f"{name}(**{given})"
    if _is_plain(target):
        return _filled(out, name, given)
    positional = [each.name for each in dataclasses.fields(target) if each.init and not each.kw_only]
    keywords = [f"{each}={given[each]}" for each in given if each not in positional]
    return f"{name}({', '.join([*(given[each] for each in positional), *keywords])})"


def made_dict(out: Source, entries: Sequence[Entry], *, nest: bool) -> str:
    """Return the variable of a new dict of the values that are there; ``nest`` says what a dot in a key means."""
    made = out.fresh("made")
    certain = 0
    while certain < len(entries) and not (entries[certain].maybe_missing or _nests(entries[certain], nest)):
        certain += 1
    literal = ", ".join(f"{each.key!r}: {each.variable}" for each in entries[:certain])
    out.line(f"{made} = {{{literal}}}")
    for each in entries[certain:]:
        guard = f"if {each.variable} is not missing: " if each.maybe_missing else ""
        if _nests(each, nest):
            put = f"{out.constant(set_value, 'set')}({made}, {each.key!r}, {each.variable})"
        else:
            put = f"{made}[{each.key!r}] = {each.variable}"
        out.line(guard + put)
    return made


def _nests(entry: Entry, nest: bool) -> bool:
    return nest and "." in entry.key


def _filled(out: Source, name: str, given: Mapping[str, str]) -> str:
    """Write the setting of each attribute.

    PERF: a quarter faster than calling the class, whose ``__init__`` would do just this.
    """
    made = out.fresh("made")
    out.line(f"{made} = {out.constant(object.__new__, 'new')}({name})")
    for attribute, variable in given.items():
        out.line(f"{made}.{attribute} = {variable}")
    return made


def _is_plain(target: type) -> bool:
    """Tell whether calling the class does nothing but set each attribute."""
    parameters = target.__dataclass_params__  # type: ignore[attr-defined]
    code = getattr(vars(target).get("__init__"), "__code__", None)
    names = tuple(each.name for each in dataclasses.fields(target))
    attributes = {name for kind in target.__mro__[:-1] for name in vars(kind)}
    return (
        type(target) is type
        and "__new__" not in attributes
        and not parameters.frozen
        and not hasattr(target, "__post_init__")
        # The __init__ that dataclasses wrote, for just these fields.
        and code is not None
        and code.co_filename == "<string>"
        and code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount] == names
    )
