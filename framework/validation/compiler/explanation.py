"""What was compiled, field by field, in words."""

from __future__ import annotations

from marshmallow import Schema

from framework.validation.compiler import support
from framework.validation.compiler.dump import dumper
from framework.validation.compiler.load import Mode
from framework.validation.compiler.loaders import loader


def explain(schema: Schema) -> str:
    """Return a line for the schema and one for each field, those of nested objects by their path."""
    loads, dumps = _load_notes(schema), _dump_notes(schema)
    paths = list(dict.fromkeys([*loads, *dumps]))
    width = max((len(path) for path in paths), default=0)
    lines = [type(schema).__name__ + _hooks(schema)]
    for path in paths:
        load = _word("load", loads.get(path))
        dump = _word("dump", dumps.get(path))
        lines.append(f"  {path:{width}}  {load}; {dump}")
    return "\n".join(lines)


def _load_notes(schema: Schema) -> dict[str, str]:
    reason = support.reads_plainly(schema)
    if reason:
        return dict.fromkeys(schema.load_fields, reason)
    return loader(schema, Mode(schema.unknown, support.partial_of(schema))).found.notes


def _dump_notes(schema: Schema) -> dict[str, str]:
    reason = support.writes_plainly(schema)
    return dict.fromkeys(schema.dump_fields, reason) if reason else dumper(schema, json=True).notes


def _hooks(schema: Schema) -> str:
    hooks = sorted(support.load_hooks(schema) | support.dump_hooks(schema))
    return f" (marshmallow runs its {', '.join(hooks)})" if hooks else ""


def _word(verb: str, note: str | None) -> str:
    if note is None:
        return f"no {verb}"
    return f"{verb} by marshmallow: {note}" if note else f"{verb} compiled"
