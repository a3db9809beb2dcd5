"""The settings of authentication."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from framework.batteries.auth.issuers import Algorithm, TrustedIssuer
from framework.batteries.auth.keys import ShortSecret, key_from_secret
from framework.errors import ConfigurationError
from framework.responses import ensure_local
from framework.secrets import Secret

_LONGEST_LEEWAY = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordSettings:
    """How much work one password costs (argon2id; RFC 9106, 4).

    Attributes:
        memory_kib: Memory for one hash, in KiB.
        passes: How often that memory is filled.
        lanes: Threads for one hash.
        at_once: How many passwords are hashed at the same time; memory use is this times `memory_kib`.
        waiting: How many may wait for their turn; any more get 503.
    """

    memory_kib: int = 65_536
    passes: int = 3
    lanes: int = 4
    at_once: int = 2
    waiting: int = 100

    def __post_init__(self) -> None:
        if min(self.passes, self.lanes, self.at_once, self.waiting) < 1:
            raise ConfigurationError("passes, lanes, at_once and waiting are at least 1.")
        if self.memory_kib < 8 * self.lanes:
            raise ConfigurationError("memory_kib is at least 8 for each lane.")

    @property
    def weak(self) -> bool:
        """Tell whether a password costs less than the OWASP Password Storage Cheat Sheet asks for."""
        return self.memory_kib < 7_168 or self.memory_kib * self.passes < 35_840


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthSettings:
    """How callers prove who they are.

    Attributes:
        keys: Newest first: the first one signs, all of them verify. For ``HS*`` secrets of at least 32 bytes;
            otherwise private keys in PEM, or public ones to verify only.
        algorithm: The one algorithm (RFC 7518) that every key is for; a token cannot choose another.
        issuer: Who issues the tokens (``iss``); compared exactly.
        audience: Whom they are for (``aud``): this service.
        access_lifetime: How long an access token is good.
        refresh_lifetime: How long a refresh token is good, once.
        leeway: How far clocks may differ; at most a minute.
        provider: Whose tokens are taken besides one's own, if anybody's.
        sign_in_path: Where browsers that ask for a page are sent to sign in; nowhere when empty.
    """

    keys: tuple[Secret, ...] = ()
    algorithm: Algorithm = "HS256"
    issuer: str = "service"
    audience: str = "service"
    access_lifetime: timedelta = timedelta(minutes=15)
    refresh_lifetime: timedelta = timedelta(days=30)
    leeway: timedelta = timedelta(seconds=10)
    sign_in_path: str = ""
    provider: TrustedIssuer | None = None
    passwords: PasswordSettings = field(default_factory=PasswordSettings)

    def __post_init__(self) -> None:
        if not timedelta(0) <= self.leeway <= _LONGEST_LEEWAY:
            raise ConfigurationError("leeway is between 0 and 60 seconds.")
        if self.access_lifetime < timedelta(seconds=1) or self.refresh_lifetime < timedelta(seconds=1):
            raise ConfigurationError("access_lifetime and refresh_lifetime are at least a second.")
        if not self.issuer or not self.audience:
            raise ConfigurationError("issuer and audience cannot be empty.")
        if self.sign_in_path:
            _ensure_path(self.sign_in_path)
        for key in self.keys:
            with suppress(ShortSecret):  # told where it is used, with whatever is wrong with other keys
                key_from_secret(key, self.algorithm, "access")


def _ensure_path(path: str) -> None:
    try:
        ensure_local(path)
    except ValueError as error:
        raise ConfigurationError(f"sign_in_path: {error}") from error
    if "?" in path or "#" in path:
        raise ConfigurationError("sign_in_path is a path alone, without a query.")
