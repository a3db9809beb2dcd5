"""Functions that load: of a schema, or of one field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from marshmallow import Schema, fields

from framework.validation.compiler.codegen import Source
from framework.validation.compiler.load import Findings, Loading, Mode


class Loader(NamedTuple):
    """The source of a loader, the name of its function, and what was found out while it was written."""

    source: Source
    name: str
    found: Findings

    def build(self) -> Callable[..., Any]:
        """Return the function: ``load(data)``, for JSON ``load(data, short)``.

        ``short`` says that no text in the document is too long for a pattern.
        """
        return self.source.build(self.name)


def loader(schema: Schema, mode: Mode, *, json: bool = False, many: bool = False) -> Loader:
    """Write the loader of a schema.

    Args:
        json: Whether it reads what was just read from JSON, with no NUL in its texts.
        many: Whether it reads a list of objects.
    """
    writer = Loading(out=Source(f"load {type(schema).__name__}"), json=json, exact=json)
    name = writer.many(schema, mode) if many else writer.function(schema, mode)
    return Loader(writer.out, name, writer.found)


def field_loader(field: fields.Field[Any], partial: bool | None) -> Loader:
    """Write the loader of one value that is there."""
    writer = Loading(out=Source(f"load {type(field).__name__}"), partial=partial)
    name = writer.out.fresh("load_value")
    with writer.out.function(name, "d"):
        writer.value(field, "d")
        writer.out.line("return d")
    return Loader(writer.out, name, writer.found)
