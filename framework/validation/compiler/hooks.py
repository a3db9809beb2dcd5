"""A schema's own hooks around what generated functions read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marshmallow import Schema

from framework.adapters.marshmallow import Options, run_load_hooks
from framework.validation.compiler.codegen import Fallback


def finisher(schema: Schema, options: Options) -> Callable[[Any, Any], Any]:
    """Return what runs a nested schema's validators and its ``post_load``, as marshmallow does."""

    def finish(made: Any, data: Any) -> Any:
        is_valid, finished = run_load_hooks(schema, made, data, options)
        if not is_valid:
            raise Fallback
        return finished

    return finish
