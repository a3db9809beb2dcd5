"""Know callers by bearer token (RFC 6750, RFC 8725, RFC 9068) or session, and let them call what they may."""

from framework.batteries.auth.battery import battery
from framework.batteries.auth.jws import InvalidToken
from framework.batteries.auth.passwords import Passwords
from framework.batteries.auth.policy import InsufficientScope
from framework.batteries.auth.settings import AuthSettings, PasswordSettings, ProviderSettings
from framework.batteries.auth.stores import (
    MemoryRevocations,
    MemoryTokenStore,
    RefreshGrant,
    Revocations,
    TokenStore,
)
from framework.batteries.auth.tokens import AccessToken, TokenPair, Tokens

__all__ = [
    "AccessToken",
    "AuthSettings",
    "InsufficientScope",
    "InvalidToken",
    "MemoryRevocations",
    "MemoryTokenStore",
    "PasswordSettings",
    "Passwords",
    "ProviderSettings",
    "RefreshGrant",
    "Revocations",
    "TokenPair",
    "TokenStore",
    "Tokens",
    "battery",
]
