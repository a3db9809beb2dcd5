"""Secrets that nothing prints, and the rule that production brings its own."""

from __future__ import annotations

import hmac
import logging
import os
import secrets
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final, NoReturn

from framework.errors import InvalidSetting
from framework.http import base64url

KEY_BYTES: Final = 32
# 32 times the same letter is long, and still no secret.
_DISTINCT_BYTES: Final = 8
_DIGEST_BYTES: Final = 32

#: What keys are generated from, so that a service which starts again has the same ones; set by ``framework dev``.
SEED_VARIABLE: Final = "FRAMEWORK_DEVELOPMENT_SEED"

log = logging.getLogger("framework.settings")


class Profile(StrEnum):
    """How strict a service is: development makes do with what is there, production refuses to start."""

    development = "development"
    production = "production"


class Secret:
    """A text that is not printed, logged, pickled or serialised by accident.

    It is no ``str`` and no dataclass, since JSON encoders write both without being asked.
    """

    __slots__ = ("_text",)
    _text: str

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"a secret is made of text, not of {type(text).__name__}")
        object.__setattr__(self, "_text", text)

    def reveal(self) -> str:
        """Return the text; call it where the secret is used, and keep no copy."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('***')"

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __bool__(self) -> bool:
        return bool(self._text)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a secret does not change")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a secret does not change")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not pickled")


class _Generated(Secret):
    """A key that nobody set: good for development alone."""

    __slots__ = ()


def generated_key(length: int = KEY_BYTES) -> Secret:
    """Make a random key of at least ``length`` bytes, in URL-safe characters."""
    return Secret(secrets.token_urlsafe(length))


def secret_or_generate(
    value: Secret | None, *, profile: Profile, variable: str, length: int = KEY_BYTES
) -> Secret:
    """Return a secret that is fit for use as a key.

    In development a missing one is generated, and a weak one passes, both with a warning. ``framework dev`` generates
    the same one again whenever the service starts again.

    Raises:
        InvalidSetting: In production, when it is missing, shorter than ``length`` bytes or too regular.
    """
    if not value and profile is Profile.development:
        value = _development_key(variable, length)
    return _ensure_fit(value, profile, variable, length)


def _development_key(variable: str, length: int = KEY_BYTES) -> Secret:
    seed = os.environ.get(SEED_VARIABLE)
    if not seed:
        return _Generated(generated_key(length).reveal())
    return _Generated(base64url.encode(derived_key(seed.encode(), info=variable, length=length)))


def _ensure_fit(value: Secret | None, profile: Profile, variable: str, length: int = KEY_BYTES) -> Secret:
    weakness = _weakness(value, length)
    if value and not weakness:
        return value
    if not value or profile is Profile.production:
        raise InvalidSetting(variable, f"{{variable}} {weakness}. {recipe('{variable}', length)}")
    told = (
        "a key was generated for this run" if isinstance(value, _Generated) else "production will refuse it"
    )
    log.warning("%s %s; %s", variable, weakness, told, extra={"variable": variable})
    return value


def keys_or_generate(
    values: Sequence[Secret], *, profile: Profile, variable: str, length: int = KEY_BYTES
) -> tuple[Secret, ...]:
    """Return a list of keys, newest first, by the rule of ``secret_or_generate``; it is never empty.

    Raises:
        InvalidSetting: In production, when there is none or one of them is weak.
    """
    given: Sequence[Secret | None] = values or (None,)
    return tuple(secret_or_generate(key, profile=profile, variable=variable, length=length) for key in given)


def keys_given_or_generated(
    values: Sequence[Secret], *, profile: Profile, variable: str
) -> tuple[Secret, ...]:
    """Return the keys as they are, or in development one that is generated where there is none.

    Nobody is asked for any yet: that is for `ensure_keys`, when it is known that they are used.
    """
    if any(values) or profile is Profile.production:
        return tuple(values)
    return (_development_key(variable),)


def ensure_keys(values: Sequence[Secret], *, profile: Profile, variable: str) -> None:
    """Check keys that are used: production refuses weak ones, development warns of them.

    Raises:
        InvalidSetting: There is none, or in production a weak or a generated one.
    """
    for key in values or (None,):
        _ensure_fit(key, profile, variable)


def _weakness(value: Secret | None, length: int) -> str:
    if not value or isinstance(value, _Generated):
        return "is not set"
    data = value.reveal().encode()
    if len(data) < length:
        return f"is shorter than {length} bytes"
    if len(set(data)) < _DISTINCT_BYTES:
        return "repeats too few characters to be a secret"
    return ""


def derived_key(secret: Secret | bytes, *, info: str, length: int = KEY_BYTES) -> bytes:
    """Derive a key for one purpose, so that a secret may serve several (HKDF with SHA-256 and no salt, RFC 5869).

    PERF: a few lines, because the library that has them too takes 6 MiB of every service for them.

    Args:
        info: The purpose; another one gives another key.
        length: In bytes.
    """
    material = secret.reveal().encode() if isinstance(secret, Secret) else secret
    extracted = hmac.digest(bytes(_DIGEST_BYTES), material, "sha256")
    block = expanded = b""
    for number in range(1, 1 + -(-length // _DIGEST_BYTES)):
        block = hmac.digest(extracted, block + info.encode() + bytes([number]), "sha256")
        expanded += block
    return expanded[:length]


def recipe(variable: str, length: int = KEY_BYTES) -> str:
    """Return the command that makes a good value."""
    return f'Make one: {variable}=$(python -c "import secrets; print(secrets.token_urlsafe({length}))")'
