"""The settings that a service runs with, and where each came from, as somebody may read them aloud."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, is_dataclass
from pathlib import Path
from typing import Any, NamedTuple

from marshmallow import ValidationError

from framework.secrets import Secret
from framework.settings.listing import text_of
from framework.settings.loading import DOTENV, Origin, Setting, settings_of, sources_of
from framework.settings.variables import Raw, UnreadableKind, mentions, parse

CODE = "code"
"""The origin of a value that no source and no default gives: the service's own code has set it, or derived it."""

MASK = "***"

_SECRET = re.compile(r"passw|secret|token(?!_seconds|_bytes)|credential|private_?key|api_?key", re.IGNORECASE)
_USER_INFO = re.compile(r"(?<=://)[^/@\s]*@")

Sources = Mapping[Origin, Mapping[str, Raw]]


class Effective(NamedTuple):
    """One setting as it is.

    Attributes:
        variable: The name of its variable.
        value: Its value as text, ``***`` where that is a secret.
        origin: A name of `Origin`, or `CODE`.
    """

    variable: str
    value: str
    origin: str


def effective(
    settings: Any,
    environ: Mapping[str, str] | None = None,
    *,
    env_file: Path | None = DOTENV,
    prefix: str = "",
) -> Iterator[Effective]:
    """Yield every setting of a record and of the records in it."""
    sources = sources_of(os.environ if environ is None else environ, env_file, prefix, [])
    yield from _effective(settings, prefix, sources, MISSING)


def _effective(settings: Any, prefix: str, sources: Sources, parent: Any) -> Iterator[Effective]:
    for setting in settings_of(type(settings), prefix):
        value = getattr(settings, setting.name)
        default = setting.default() if parent in (MISSING, None) else getattr(parent, setting.name, MISSING)
        if is_dataclass(value):
            yield from _effective(value, f"{setting.variable}_", sources, default)
        else:
            origin = _origin(setting, value, default, sources)
            yield Effective(setting.variable, _shown(setting, value), origin)


def _origin(setting: Setting, value: Any, default: Any, sources: Sources) -> str:
    for origin, source in sources.items():
        raw = source.get(setting.variable)
        if raw:
            return origin.value if _means(setting, raw, value) else CODE
    return Origin.default.value if value == default else CODE


def _means(setting: Setting, raw: Raw, value: Any) -> bool:
    try:
        return bool(parse(setting.kind, raw) == value)
    except (ValidationError, UnreadableKind):
        return False


def _shown(setting: Setting, value: Any) -> str:
    if value and (
        mentions(setting.kind, Secret) or (isinstance(value, str) and _SECRET.search(setting.name))
    ):
        return MASK
    return _USER_INFO.sub(f"{MASK}@", text_of(value))
