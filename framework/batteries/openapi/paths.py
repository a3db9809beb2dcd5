"""The paths of a document: templates without patterns, one for each shape."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

# A placeholder of aiohttp's: a name, and a pattern that may have braces of its own.
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::((?:[^{}]|\{[^{}]*\})+))?\}")


class Template(NamedTuple):
    """A path as the document shows it.

    Attributes:
        path: The template, as in ``/users/{user_id}``.
        names: The names of the placeholders as the document shows them, by those of the route.
        patterns: The patterns of those that have one, by the names of the route.
    """

    path: str
    names: dict[str, str]
    patterns: dict[str, str]


class Templates:
    """The templates of routes' paths; two of the same shape become one (OpenAPI 3.1, 4.8.8.2)."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}

    def template(self, path: str) -> Template:
        """Return the template of a route's path."""
        own = [match[1] for match in _PLACEHOLDER.finditer(path)]
        shown = self._names.setdefault(_PLACEHOLDER.sub("{}", path), own)
        names = iter(shown)
        return Template(
            path=_PLACEHOLDER.sub(lambda _: f"{{{next(names)}}}", path),
            names=dict(zip(own, shown, strict=True)),
            patterns=dict(_patterns(path)),
        )


def _patterns(path: str) -> Iterator[tuple[str, str]]:
    for match in _PLACEHOLDER.finditer(path):
        if match[2]:
            yield match[1], match[2]
