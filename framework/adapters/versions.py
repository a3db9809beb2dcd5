"""Whether the private parts of a library may be leaned on."""

from __future__ import annotations

import functools
import importlib.metadata
import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

PLAIN_VARIABLE: Final = "FRAMEWORK_PLAIN"

#: The minor versions on which each adapter was proved; the package's requirements admit just those.
PROVED: Final[Mapping[str, frozenset[tuple[int, int]]]] = MappingProxyType(
    {
        "aiohttp": frozenset({(3, 14)}),
        "Jinja2": frozenset({(3, 1)}),
        "MarkupSafe": frozenset({(3, 0)}),
        "marshmallow": frozenset({(4, 4)}),
    }
)


@functools.cache
def is_plain(distribution: str) -> bool:
    """Tell whether only the public parts of a library are used: on request, or because its version is not proved.

    Args:
        distribution: The library's name on the package index, one of `PROVED`.
    """
    if os.environ.get(PLAIN_VARIABLE, "") not in {"", "0"}:
        return True
    return installed_minor(distribution) not in PROVED[distribution]


def installed_minor(distribution: str) -> tuple[int, int]:
    """Return the first two numbers of the version that is installed; a pre-release counts as what it leads to."""
    major, minor, *_ = importlib.metadata.version(distribution).split(".")
    return int(major), int("".join(character for character in minor if character.isdigit()) or 0)
