"""How sessions are kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from framework.errors import ConfigurationError
from framework.secrets import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """The settings of sessions.

    Attributes:
        keys: The secrets that encrypt the cookie, newest first; needed unless sessions are kept elsewhere.
        cookie: The cookie's name; with `secure` it gets the prefix ``__Host-``.
        redis_url: Where they are kept instead of in the cookie, such as ``redis://localhost:6379/0``; the cookie has
            only an id then, signing out ends every copy of it, and sessions may be large.
        secure: Send the cookie over TLS only. When None it is so in production, and not in development.
        same_site: When a browser sends the cookie along from other sites (RFC 6265bis, 4.1.2.7).
        idle: How long a session lives without being used, to within a tenth.
        absolute: How long it lives at most, counted from signing in.
    """

    keys: tuple[Secret, ...] = ()
    redis_url: Secret | None = None
    cookie: str = "session"
    secure: bool | None = None
    same_site: Literal["Lax", "Strict"] = "Lax"
    idle: timedelta = timedelta(minutes=30)
    absolute: timedelta = timedelta(hours=12)

    def __post_init__(self) -> None:
        if not self.cookie.isascii() or not self.cookie.replace("-", "").replace("_", "").isalnum():
            raise ConfigurationError(f"cookie: {self.cookie!r} is no name; use letters, digits, '-' and '_'.")
        if self.idle < timedelta(seconds=1) or self.absolute < self.idle:
            raise ConfigurationError("idle: at least a second, and not longer than absolute.")

    @property
    def is_secure(self) -> bool:
        return self.secure is not False

    @property
    def cookie_name(self) -> str:
        return f"__Host-{self.cookie}" if self.is_secure else self.cookie
