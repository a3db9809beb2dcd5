"""The claims of a token, judged at a given time (RFC 7519, 4.1; RFC 9068, 2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from framework.batteries.auth.jws import InvalidToken
from framework.principal import Principal

LONGEST_TEXT = 255
NEVER = float("inf")
# Beyond this a JSON number is no exact integer any more.
_LATEST = 2**53


class Expected(NamedTuple):
    """What the claims of an issuer's tokens have to be.

    Attributes:
        issuer: The ``iss``.
        audience: The ``aud``, or one of it.
        leeway_seconds: How far clocks may differ.
        required: The claims that cannot be missing.
        subject: The claim that names the caller.
        scopes: The claims that say what the caller may do.
    """

    issuer: str
    audience: str
    leeway_seconds: float
    required: tuple[str, ...] = ("iss", "aud", "exp", "iat", "sub", "jti")
    subject: str = "sub"
    scopes: tuple[str, ...] = ("scope",)


def ensure_claims(claims: Mapping[str, Any], expected: Expected, now: float) -> None:
    """Check that the claims are complete, of the right types, for us, and good now (seconds since the epoch).

    Raises:
        InvalidToken: They are not.
    """
    missing = [name for name in expected.required if claims.get(name) is None]
    if missing:
        raise InvalidToken(f"The token lacks {', '.join(missing)}.")
    if "iss" in claims and claims["iss"] != expected.issuer:
        raise InvalidToken("The token is from another issuer.")
    if "aud" in claims and not _is_for(claims["aud"], expected.audience):
        raise InvalidToken("The token is for another audience.")
    for name in {expected.subject, "jti"} & claims.keys():
        if not isinstance(claims[name], str) or not 0 < len(claims[name]) <= LONGEST_TEXT:
            raise InvalidToken(f"The claim {name} is no text of 1 to {LONGEST_TEXT} characters.")
    _scopes(claims, expected)
    if not is_generation(claims.get("gen", 0)):
        raise InvalidToken("The claim gen is no number of a generation.")
    if "iat" in claims and _time(claims, "iat") > now + expected.leeway_seconds:
        raise InvalidToken("The token is from the future.")
    expires_at = _time(claims, "exp") if "exp" in claims else NEVER
    not_before = _time(claims, "nbf") if "nbf" in claims else 0
    ensure_current(expires_at, not_before, expected.leeway_seconds, now)


def ensure_current(expires_at: float, not_before: float, leeway_seconds: float, now: float) -> None:
    """Check that a token is good at this time.

    Raises:
        InvalidToken: It has expired, or is not good yet.
    """
    if now >= expires_at + leeway_seconds:
        raise InvalidToken("The token has expired.")
    if now < not_before - leeway_seconds:
        raise InvalidToken("The token is not good yet.")


def scopes_of(text: str) -> frozenset[str]:
    """Return the scopes of a space-separated list (RFC 6749, 3.3)."""
    return frozenset(text.split())


def principal_from_claims(claims: Mapping[str, Any], expected: Expected, prefix: str = "") -> Principal:
    """Return who the caller is by claims that were judged already."""
    return Principal(
        subject=prefix + claims[expected.subject],
        scopes=_scopes(claims, expected),
        claims=claims,
        generation=0 if prefix else claims.get("gen", 0),
    )


def is_generation(value: object) -> bool:
    """Tell whether a value can be the generation of a sign-in."""
    return type(value) is int and value >= 0


def _scopes(claims: Mapping[str, Any], expected: Expected) -> frozenset[str]:
    """Return the scopes: ``scope`` is a text (RFC 8693, 4.2), other claims are texts or lists of them."""
    found: set[str] = set()
    for name in expected.scopes:
        value = claims.get(name, "")
        if isinstance(value, str):
            found |= scopes_of(value)
        elif name != "scope" and isinstance(value, list) and all(isinstance(each, str) for each in value):
            found.update(value)
        else:
            raise InvalidToken(f"The claim {name} is no text.")
    return frozenset(found)


def _is_for(claim: object, audience: str) -> bool:
    if isinstance(claim, list):
        return all(isinstance(name, str) for name in claim) and audience in claim
    return claim == audience


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims[name]
    # A bool is an int in Python; a text of digits is none of ours.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LATEST:
        raise InvalidToken(f"The claim {name} is no time.")
    return value
