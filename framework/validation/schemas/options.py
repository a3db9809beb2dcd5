"""The options of a field, and what is none of them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from marshmallow import fields

_OPTIONS = frozenset(inspect.signature(fields.Field).parameters)


def sort_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Put what is no option of a field into its ``metadata``."""
    known = {name: value for name, value in options.items() if name in _OPTIONS}
    rest = {name: value for name, value in options.items() if name not in _OPTIONS and isinstance(name, str)}
    return {**known, "metadata": {**known.get("metadata", {}), **rest}} if rest else known
