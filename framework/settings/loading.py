"""Fill frozen settings from the environment, ``.env`` and a TOML file, and tell where each value came from.

A setting is a variable in upper case: ``settings.sessions.keys`` is ``SESSIONS_KEYS``. The environment
beats ``.env``, which beats the TOML file named by ``SETTINGS_FILE``, which beats the record's own default.
Durations are seconds, or as ``1h 30m``; lists are separated by commas, or are lists in TOML.
"""

from __future__ import annotations

import difflib
import functools
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, Field, dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar, get_type_hints

from marshmallow import ValidationError

from framework.errors import ConfigurationError, InvalidSetting
from framework.secrets import Secret, log, recipe
from framework.settings.misspelt import misspelt
from framework.settings.variables import (
    Raw,
    UnreadableKind,
    mentions,
    messages,
    parse,
    record_of,
    takes_empty,
)

T = TypeVar("T")
DOTENV = Path(".env")
PREFIX: Mapping[str, bool] = MappingProxyType({"prefix": True})  # metadata of a field that takes it
_TELLING = 8


class Origin(StrEnum):
    """Where a value came from, strongest first."""

    environment = "environment"
    dotenv = ".env"
    file = "file"
    default = "default"


class InvalidSettings(ConfigurationError):
    """All that is wrong with the settings.

    Attributes:
        causes: What was complained of, as text or as a complaint that knows its variable.
    """

    def __init__(self, causes: Sequence[str | InvalidSetting], prefix: str = "") -> None:
        self.causes = tuple(causes)
        self._prefix = prefix
        super().__init__("\n".join(["the settings are not valid:", *(f"  {line}" for line in self.faults)]))

    @property
    def faults(self) -> tuple[str, ...]:
        """A line for each."""
        return tuple(each if isinstance(each, str) else each.told(self._prefix) for each in self.causes)


class Faults:
    """The complaints of several rules, gathered to be told at once.

    ::

        faults = Faults()
        with faults.gathered():
            keys = keys_or_generate(self.tokens.keys, profile=self.profile, variable="TOKENS_KEYS")
        faults.refuse()
    """

    def __init__(self) -> None:
        self.causes: list[str | InvalidSetting] = []

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Keep the complaint of the rule inside, and go on."""
        try:
            yield
        except InvalidSettings as error:
            self.causes += error.causes
        except InvalidSetting as error:
            self.causes.append(error)
        except (ConfigurationError, ValueError) as error:
            self.causes.append(str(error))

    def add(self, variable: str, complaint: str) -> None:
        """Complain of one variable; see `InvalidSetting`."""
        self.causes.append(InvalidSetting(variable, complaint))

    def refuse(self, prefix: str = "") -> None:
        """Raise what was gathered; `prefix` stands before every variable's name.

        Raises:
            InvalidSettings: When anything was.
        """
        if self.causes:
            raise InvalidSettings(self.causes, prefix)


@dataclass(frozen=True, slots=True)
class Loaded(Generic[T]):
    """Settings, and the origin of each variable."""

    settings: T
    origins: Mapping[str, Origin]


def load(
    cls: type[T],
    environ: Mapping[str, str] | None = None,
    *,
    env_file: Path | None = DOTENV,
    prefix: str = "",
) -> T:
    """Fill a frozen dataclass and the records in it; ``prefix`` stands before every variable's name.

    Raises:
        InvalidSettings: With all faults, each naming its variable, and no secret in any.
    """
    return load_with_origins(cls, environ, env_file=env_file, prefix=prefix).settings


def load_with_origins(
    cls: type[T],
    environ: Mapping[str, str] | None = None,
    *,
    env_file: Path | None = DOTENV,
    prefix: str = "",
) -> Loaded[T]:
    """Do as ``load`` does, and tell where every value came from.

    Raises:
        InvalidSettings: As for ``load``.
    """
    faults: list[str] = []
    sources = sources_of(os.environ if environ is None else environ, env_file, prefix, faults)
    filling = _Filling(sources, faults, set(_variables(cls, prefix)), prefix)
    filling.refuse_unknown()
    filling.warn_of_misspelt()
    settings = filling.record(cls, prefix)
    if faults:
        raise InvalidSettings(faults)
    return Loaded(settings, MappingProxyType(filling.origins))


def sources_of(
    environ: Mapping[str, str], env_file: Path | None, prefix: str, faults: list[str]
) -> dict[Origin, Mapping[str, Raw]]:
    """Return what each source says, strongest first; what cannot be read is added to the faults."""
    dotenv: dict[str, str] = {}
    if env_file is not None and env_file.is_file():
        from dotenv import dotenv_values  # noqa: PLC0415 - PERF: production has no such file

        try:
            # A "$" is a common letter in passwords: nothing is expanded.
            values = dotenv_values(env_file, interpolate=False)
            dotenv = {name: value for name, value in values.items() if value is not None}
        except (OSError, UnicodeDecodeError) as error:
            faults.append(f"{env_file}: cannot be read ({type(error).__name__})")
    path = environ.get(f"{prefix}SETTINGS_FILE") or dotenv.get(f"{prefix}SETTINGS_FILE")
    file = _toml(path, prefix, faults) if path else {}
    return {Origin.environment: environ, Origin.dotenv: dotenv, Origin.file: file}


def _toml(path: str, prefix: str, faults: list[str]) -> dict[str, Raw]:
    try:
        document = tomllib.loads(Path(path).read_text("utf-8"))
        return dict(_flattened(document, prefix))
    except (OSError, ValueError) as error:
        reason = str(error) if isinstance(error, tomllib.TOMLDecodeError) else type(error).__name__
        faults.append(f"{prefix}SETTINGS_FILE: {path} cannot be read ({reason})")
        return {}


def _flattened(table: Mapping[str, Any], path: str) -> Iterator[tuple[str, Raw]]:
    for key, value in table.items():
        name = f"{path}{key.upper()}"
        if isinstance(value, dict):
            yield from _flattened(value, f"{name}_")
        else:
            yield name, tuple(map(_text, value)) if isinstance(value, list) else _text(value)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class Setting(NamedTuple):
    """One field of a record: its attribute, its variable and the type of its value."""

    name: str
    variable: str
    kind: Any
    field: Field[Any]

    @property
    def required(self) -> bool:
        return self.field.default is MISSING and self.field.default_factory is MISSING

    def default(self) -> Any:
        """Return the default, made anew where the field has a factory; ``MISSING`` when there is none."""
        factory = self.field.default_factory
        return self.field.default if factory is MISSING else factory()


def settings_of(cls: Any, prefix: str) -> Iterator[Setting]:
    """Yield the fields of one record."""
    kinds = _kinds(cls)
    for field in fields(cls):
        if field.init and "prefix" not in field.metadata:
            yield Setting(field.name, f"{prefix}{field.name.upper()}", kinds[field.name], field)


def _prefix_fields(cls: Any) -> list[str]:
    return [field.name for field in fields(cls) if "prefix" in field.metadata]


@functools.cache
def _kinds(cls: Any) -> Mapping[str, Any]:
    # PERF: each annotation that is a text is compiled; a record is asked for its fields several times.
    return get_type_hints(cls, include_extras=True)


def _variables(cls: type[Any], prefix: str) -> Iterator[str]:
    for setting in settings_of(cls, prefix):
        record = record_of(setting.kind)
        if record is None:
            yield setting.variable
        else:
            yield from _variables(record, f"{setting.variable}_")


class _Filling:
    """The filling of one tree of records, with what is wrong and where each value came from."""

    def __init__(
        self, sources: Mapping[Origin, Mapping[str, Raw]], faults: list[str], known: set[str], prefix: str
    ) -> None:
        self.sources = sources
        self.faults = faults
        self.known = known
        self.prefix = prefix
        self.origins: dict[str, Origin] = {}
        self._secrets: set[str] = set()

    def record(self, cls: type[T], prefix: str, default: Any = MISSING) -> Any:
        """Return the record, or ``default`` with the values that were found; ``MISSING`` after a fault."""
        faults_before = len(self.faults)
        given: dict[str, Any] = dict.fromkeys(_prefix_fields(cls), self.prefix)
        for setting in settings_of(cls, prefix):
            value = self._value(setting, required=setting.required and default is MISSING, parent=default)
            if value is not MISSING:
                given[setting.name] = value
        if len(self.faults) > faults_before:
            return MISSING
        try:
            return cls(**given) if default is MISSING else replace(default, **given)
        except (ConfigurationError, ValueError) as error:
            self.faults += self._faults_of(error, cls, prefix)
            return MISSING

    def _value(self, setting: Setting, *, required: bool, parent: Any) -> Any:
        record = record_of(setting.kind)
        if record is not None:
            default = setting.default() if parent is MISSING else getattr(parent, setting.name)
            return self._nested(record, f"{setting.variable}_", default)
        origin, raw = self._find(setting)
        self.origins[setting.variable] = origin
        if raw is None:
            if required:
                how = recipe(setting.variable) if mentions(setting.kind, Secret) else "It has no default."
                self.faults.append(f"{setting.variable} is not set. {how}")
            return MISSING
        if mentions(setting.kind, Secret):
            self._secrets.update([raw, *raw.split(",")] if isinstance(raw, str) else raw)
        return self._parsed(setting, origin, raw)

    def _nested(self, record: type[Any], prefix: str, default: Any) -> Any:
        if default is None and not self._given(record, prefix):
            self.origins.update(dict.fromkeys(_variables(record, prefix), Origin.default))
            return MISSING
        return self.record(record, prefix, MISSING if default is None else default)

    def _given(self, record: type[Any], prefix: str) -> bool:
        return any(name in source for name in _variables(record, prefix) for source in self.sources.values())

    def _find(self, setting: Setting) -> tuple[Origin, Raw | None]:
        for origin, source in self.sources.items():
            raw = source.get(setting.variable)
            if raw or (raw is not None and takes_empty(setting.kind)):
                return origin, raw
        return Origin.default, None

    def _parsed(self, setting: Setting, origin: Origin, raw: Raw) -> Any:
        try:
            return parse(setting.kind, raw)
        except ValidationError as error:
            self.faults.append(f"{setting.variable} (from {origin}): {' '.join(messages(error))}")
        except UnreadableKind:
            self.faults.append(f"{setting.variable} (from {origin}): has no spelling as text; set it in code")
        return MISSING

    def _faults_of(self, error: Exception, cls: type[Any], prefix: str) -> list[str]:
        causes: Sequence[str | Exception] = error.causes if isinstance(error, InvalidSettings) else (error,)
        told = (
            cause.told(self.prefix)
            if isinstance(cause, InvalidSetting)
            else self._placed(str(cause), cls, prefix)
            for cause in causes
        )
        return [self._masked(each) for each in told]

    def _placed(self, said: str, cls: type[Any], prefix: str) -> str:
        """Put the variables of the fields that a record complains of before its words."""
        words = set(re.findall(r"\w+", said))
        spoken_of = [setting.variable for setting in settings_of(cls, prefix) if setting.name in words]
        return f"{', '.join(spoken_of) or prefix.rstrip('_') or cls.__name__}: {said}"

    def _masked(self, said: str) -> str:
        for secret in sorted(filter(None, self._secrets), key=len, reverse=True):
            # A short one may be part of an innocent word.
            whole = r"(?<!\w){}(?!\w)" if len(secret) < _TELLING else "{}"
            said = re.sub(whole.format(re.escape(secret)), "***", said)
        return said

    def warn_of_misspelt(self) -> None:
        """Log the variables that look like settings and are none."""
        known = {*self.known, f"{self.prefix}SETTINGS_FILE"}
        for origin in (Origin.environment, Origin.dotenv):
            for name, meant in misspelt(self.sources[origin], known, self.prefix):
                text = "%s (from %s) is no setting; %s is meant, perhaps"
                log.warning(text, name, origin, meant, extra={"variable": name})

    def refuse_unknown(self) -> None:
        """Refuse names in the file that no record has: they are misspelt."""
        for name in sorted(set(self.sources[Origin.file]) - self.known):
            near = difflib.get_close_matches(name, self.known, n=1)
            hint = f"; {near[0]} is meant, perhaps" if near else ""
            self.faults.append(f"{name} (from {Origin.file}): there is no such setting{hint}")
