"""Callers known by bearer tokens (RFC 6750, RFC 8725, RFC 9068), other credentials or sessions, and what they may."""

from framework.batteries.auth.battery import battery
from framework.batteries.auth.credentials import (
    Credential,
    InvalidCredentials,
    basic,
    bearer,
    cookie,
    header,
    scheme,
)
from framework.batteries.auth.issuers import TrustedIssuer
from framework.batteries.auth.jws import InvalidToken
from framework.batteries.auth.passwords import Passwords
from framework.batteries.auth.policy import InsufficientScope
from framework.batteries.auth.settings import AuthSettings, PasswordSettings
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
    "Credential",
    "InsufficientScope",
    "InvalidCredentials",
    "InvalidToken",
    "MemoryRevocations",
    "MemoryTokenStore",
    "PasswordSettings",
    "Passwords",
    "RefreshGrant",
    "Revocations",
    "TokenPair",
    "TokenStore",
    "Tokens",
    "TrustedIssuer",
    "basic",
    "battery",
    "bearer",
    "cookie",
    "header",
    "scheme",
]
