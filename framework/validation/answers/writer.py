"""Answers become JSON: at once where they are plainly what was declared, else after a look into them."""

from __future__ import annotations

import dataclasses
import json as text
from collections.abc import Callable
from typing import Any

from framework.annotations import strip
from framework.errors import ConfigurationError
from framework.validation import json
from framework.validation.answers.misfit import Misfit, described, spelt
from framework.validation.answers.nodes import Nodes
from framework.validation.answers.shapes import Written
from framework.validation.compiler.compiled import compile
from framework.validation.conventions import UNSAID, Conventions
from framework.validation.schemas import schema_of
from framework.validation.schemas.types import of_type

Encode = Callable[[Any], bytes]


def _same(misfit: Misfit) -> Misfit:
    return misfit


def writer_of(
    declared: Any, *, conventions: Conventions | None = UNSAID, refusal: Callable[[Misfit], Exception] = _same
) -> Encode:
    """Return what writes the values of a type as JSON, and refuses others.

    It raises `Misfit` where a value is not what was declared: of another class, without a field that has no default,
    a number that JSON cannot say. Objects in `Any` are written by the schemas of their own classes, those in unions by
    that of the member that they are of.

    Args:
        refusal: What is raised in the place of a misfit.

    Raises:
        ConfigurationError: Values of the type cannot be written as JSON.
    """
    node = Nodes(conventions).of(declared)

    def look(value: Any) -> bytes:
        try:
            return walked(node.write, value)
        except Misfit as misfit:
            raise refusal(misfit) from None

    return _quick(declared, conventions, look)


def encode(value: Any) -> bytes:
    """Write a value as JSON, objects by the schemas of their classes.

    Raises:
        Misfit: The value holds something that JSON cannot say; a TypeError.
    """
    try:
        return json.encode(value)
    except TypeError:
        return walked(_ANYTHING.anything, value)


def show(value: Any) -> bytes:
    """Write a value as well as can be: what JSON cannot say becomes text."""
    return text.dumps(_SHOWN.anything(value)).encode()


def _unknown(value: Any) -> str:
    # NOTE: without a schema nobody knows what of a record is secret.
    return f"<{type(value).__qualname__}>" if dataclasses.is_dataclass(value) else str(value)


_ANYTHING, _SHOWN = Nodes(UNSAID), Nodes(UNSAID, _unknown)


def walked(write: Callable[[Any], Any], value: Any) -> bytes:
    """Write what a walk through a value makes of it.

    Raises:
        Misfit: The value is not what was declared, or holds what JSON cannot say.
    """
    try:
        made = write(value)
        try:
            return json.encode(made)
        except TypeError:  # by a schema that somebody wrote
            return json.encode(_ANYTHING.anything(made))
    except RecursionError:
        raise Misfit("Any", f"{described(value)} (it holds itself, or is too deep)") from None


def _quick(declared: Any, conventions: Conventions | None, look: Encode) -> Encode:
    """Return what writes a value that is plainly what was declared, and has others looked into."""
    kind = strip(declared).kind
    if kind in (Any, object):
        return _quick_anything(look)
    try:
        schema = schema_of(declared, conventions=conventions)
    except ConfigurationError:
        return look
    compiled = compile(schema)
    if of_type(schema):
        return compiled.json_writer(look, exact=True)
    written, quick = Written(schema, spelt(declared)), compiled.json_writer(look)
    return _ensuring(written, quick, look) if written.has_optional_fields_only else quick


def _quick_anything(look: Encode) -> Encode:
    def write(value: Any) -> bytes:
        try:
            return json.encode(value)
        except TypeError:
            return look(value)

    return write


def _ensuring(written: Written, quick: Encode, look: Encode) -> Encode:
    def ensured(value: Any) -> bytes:
        try:
            written.ensure_all(value)
        except Misfit:
            return look(value)
        return quick(value)

    return ensured
