"""A pytest plugin that puts the compiled functions in the place of ``Schema.load`` and ``Schema.dump``."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema

_load, _dump = Schema.load, Schema.dump
_busy: set[tuple[int, str]] = set()


def _once(schema: Schema, verb: str, own: Any, value: Any, options: dict[str, Any]) -> Any:
    """Call the compiled function, unless it is the one that calls."""
    turn = (id(schema), verb)
    if turn in _busy or not {"_deserialize", "_serialize"}.isdisjoint(vars(schema)):
        return own(schema, value, **options)
    _busy.add(turn)
    try:
        return getattr(compile(schema), verb)(value, **options)
    finally:
        _busy.discard(turn)


def load(self: Schema, data: Any, **options: Any) -> Any:
    return _once(self, "load", _load, data, options)


def dump(self: Schema, obj: Any, **options: Any) -> Any:
    return _once(self, "dump", _dump, obj, options)


Schema.load, Schema.dump = load, dump  # type: ignore[method-assign]

# Only now: the compiler takes note of marshmallow's methods when it is imported.
from framework.validation import compile  # noqa: E402
