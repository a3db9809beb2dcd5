"""Validators and guards as conditions in generated source.

A condition must hold only for values that the validator accepts. It may be narrower: where it does not hold,
marshmallow decides. Each emitter here takes the writer, the validator and the name of the variable with the
value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from marshmallow import validate

from framework.validation.compiler.codegen import Source
from framework.validation.compiler.kinds import known
from framework.validation.json import refuse_no_numbers
from framework.validation.limits import flat

Emit = Callable[[Source, Any, str], None]

# Plainly valid addresses, a subset of what marshmallow accepts; all others are left to its own patterns.
_LABELS = r"(?:[A-Za-z0-9]{1,31}(?:-[A-Za-z0-9]{1,31})?\.)+[A-Za-z]{2,6}"
_PLAIN_EMAIL = re.compile(r"[A-Za-z0-9_%+-]+(?:\.[A-Za-z0-9_%+-]+)*@" + _LABELS).fullmatch
_PLAIN_URL = re.compile(r"https?://" + _LABELS + r"(?::[0-9]+)?(?:/?|[/?#]\S+)").fullmatch

_CONTAINERS = (list, tuple, set, frozenset)
_SCALARS = (str, int, float, bool, type(None))


def check(out: Source, validator: Any, value: str) -> None:
    """Write the check of a validator; one that is not known is called as it is."""
    emit = known(validator, _EMITTERS)
    (emit or _call)(out, validator, value)


def refuse_other_choices(out: Source, validators: list[Any], value: str) -> None:
    """Write the check that a value is one of those that a Literal names."""
    for validator in validators:
        if type(validator) is validate.OneOf:
            choices = {(type(each), each) for each in validator.choices}
            out.refuse_if(f"(type({value}), {value}) not in {out.constant(choices, 'choices')}")


def look_for_no_numbers(out: Source, value: str) -> None:
    """Write the refusal of NaN and infinities in a value of any type, for orjson would write null."""
    with out.block(f"if {value} is not None and type({value}) is not str:"):
        out.line(f"{out.constant(refuse_no_numbers, 'look')}({value})")


def take_only_text(validators: list[Any]) -> bool:
    """Tell whether validators refuse any other value of JSON's than text, before they call a user's own."""
    for validator in flat(validators):
        kind = known(validator, {each: each for each in _EMITTERS})
        if kind in (validate.Regexp, validate.Email):
            return True
        if kind is validate.OneOf:
            return type(validator.choices) in _CONTAINERS and all(
                type(each) is str for each in validator.choices
            )
        if kind is not validate.Length:
            return False
    return False


def bounds(value: str, low: Any, high: Any, low_operator: str = "<=", high_operator: str = "<=") -> str:
    """Return the condition of a value between two bounds, either of which may be empty."""
    left = f"{low} {low_operator} " if low else ""
    right = f" {high_operator} {high}" if high else ""
    return f"{left}{value}{right}"


def _length(out: Source, validator: validate.Length, value: str) -> None:
    if validator.equal is not None:
        out.refuse_if(f"len({value}) != {_literal(out, validator.equal, 'exactly')}")
    elif validator.min is not None or validator.max is not None:
        low = "" if validator.min is None else _literal(out, validator.min, "least")
        high = "" if validator.max is None else _literal(out, validator.max, "most")
        out.refuse_if(f"not {bounds(f'len({value})', low, high)}")


def _range(out: Source, validator: validate.Range, value: str) -> None:
    low = "" if validator.min is None else _literal(out, validator.min, "least")
    high = "" if validator.max is None else _literal(out, validator.max, "most")
    if low or high:
        operators = ("<=" if validator.min_inclusive else "<", "<=" if validator.max_inclusive else "<")
        out.refuse_if(f"not {bounds(value, low, high, *operators)}")


def _one_of(out: Source, validator: validate.OneOf, value: str) -> None:
    choices = _choices(out, validator.choices)
    out.refuse_if(f"{value} not in {choices}") if choices else _call(out, validator, value)


def _none_of(out: Source, validator: validate.NoneOf, value: str) -> None:
    choices = _choices(out, validator.iterable)
    out.refuse_if(f"{value} in {choices}") if choices else _call(out, validator, value)


def _contains_only(out: Source, validator: validate.ContainsOnly, value: str) -> None:
    choices = _choices(out, validator.choices)
    out.refuse_if(f"not {choices}.issuperset({value})") if choices else _call(out, validator, value)


def _regexp(out: Source, validator: validate.Regexp, value: str) -> None:
    differs = _differs(validator.regex)
    if differs is None:
        out.refuse_if(f"{out.constant(validator.regex.match, 'match')}({value}) is None")
    else:
        out.refuse_if(f"{out.constant(differs, 'differs')}({value}) is not None")


def _differs(pattern: Any) -> Callable[[str], Any] | None:
    """Return what matches where a pattern does not, or None for a pattern that cannot stand in parentheses.

    PERF: an eighth cheaper, because text that is right makes no match.
    """
    if (
        not (isinstance(pattern, re.Pattern) and isinstance(pattern.pattern, str))
        or pattern.flags & re.VERBOSE
    ):
        return None
    try:
        return re.compile(f"(?!{pattern.pattern})", pattern.flags).match
    except (re.error, RecursionError):  # flags within the pattern may stand at its beginning only
        return None


def _equal(out: Source, validator: validate.Equal, value: str) -> None:
    out.refuse_if(f"{value} != {_literal(out, validator.comparable, 'other')}")


def _email(out: Source, validator: validate.Email, value: str) -> None:
    plain, full = out.constant(_PLAIN_EMAIL, "plain_email"), out.constant(validator, "email")
    out.line(f"if {plain}({value}) is None: {full}({value})")


def _url(out: Source, validator: validate.URL, value: str) -> None:
    full = out.constant(validator, "url")
    if validator.absolute and {"http", "https"} <= validator.schemes:
        out.line(f"if {out.constant(_PLAIN_URL, 'plain_url')}({value}) is None: {full}({value})")
    else:
        out.line(f"{full}({value})")


def _and(out: Source, validator: validate.And, value: str) -> None:
    for each in validator.validators:
        check(out, each, value)


def _literal(out: Source, value: Any, stem: str) -> str:
    return repr(value) if type(value) in (int, str) else out.constant(value, stem)


def _choices(out: Source, choices: Any) -> str:
    """Return the name of a set of the choices, or nothing where a set might answer otherwise."""
    if type(choices) in _CONTAINERS and all(type(each) in _SCALARS for each in choices):
        return out.constant(frozenset(choices), "choices")
    return ""


def _call(out: Source, validator: Any, value: str) -> None:
    out.line(f"{out.constant(validator, 'validator')}({value})")


_EMITTERS: dict[type, Emit] = {
    validate.And: _and,
    validate.ContainsOnly: _contains_only,
    validate.Email: _email,
    validate.Equal: _equal,
    validate.Length: _length,
    validate.NoneOf: _none_of,
    validate.OneOf: _one_of,
    validate.Range: _range,
    validate.Regexp: _regexp,
    validate.URL: _url,
}
