"""Templates of source code, rendered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

LINE_LENGTH = 110
_SIGNATURE = re.compile(r"^((?:async )?def \w+\()(.*)(\) -> .*:)$", re.MULTILINE)


def render(template: Path, variables: Mapping[str, Any]) -> str:
    """Return a template's text with its variables filled in.

    Raises:
        UndefinedError: It asks for a variable that is not there.
    """
    environment = jinja2.Environment(  # noqa: S701 - what comes out is no HTML
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True
    )
    return _SIGNATURE.sub(_broken, environment.from_string(template.read_text("utf-8")).render(variables))


def _broken(signature: re.Match[str]) -> str:
    """Write a signature that is too long for a line in three: names decide how long it is."""
    if len(signature[0]) <= LINE_LENGTH:
        return signature[0]
    return f"{signature[1]}\n    {signature[2]}\n{signature[3]}"
