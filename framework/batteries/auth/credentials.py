"""The ways in which a caller can say who it is: where a credential stands in a request, and what it proves."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import hdrs
from multidict import CIMultiDict, CIMultiDictProxy

from framework.batteries.auth.jws import InvalidToken
from framework.errors import ConfigurationError, Unauthorized
from framework.http.cookies import cookie_values
from framework.principal import Principal

Headers = CIMultiDictProxy[str] | CIMultiDict[str]
Read = Callable[[Headers], tuple[str, ...] | None]
Verify = Callable[..., Awaitable[Principal | None] | Principal | None]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2


class InvalidCredentials(Unauthorized):
    """Credentials that prove nothing; what is wrong with them is nobody's business."""

    def __init__(self, detail: str = "The credentials are not good.") -> None:
        super().__init__(detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """One way in which a caller can say who it is; `bearer`, `scheme`, `basic`, `header` and `cookie` make them.

    Attributes:
        name: What ``Principal.scheme`` and the OpenAPI document call it.
        header: The header that it stands in.
        read: ``(headers) -> parts or None``: what `verify` is given; None if the request has no such credential.
        verify: ``(*parts, services...) -> Principal or None``; None for access tokens, which `Tokens` verifies.
        challenge: What a 401 says of it in ``WWW-Authenticate`` (RFC 9110, 11.6.1).
        described: The security scheme of the OpenAPI document.
        scheme: The word before it in ``Authorization``.
        cookie: The cookie that holds it, which browsers send whoever asks them to.
    """

    name: str
    header: str
    read: Read
    verify: Verify | None = None
    challenge: str
    described: Mapping[str, Any] = field(default_factory=dict)
    scheme: str = ""
    cookie: str = ""


def bearer(verify: Verify | None = None) -> Credential:
    """Return the credential ``Authorization: Bearer …`` (RFC 6750, 2.1): an access token, unless `verify` reads it."""
    return scheme("Bearer", verify)


def scheme(name: str, verify: Verify | None = None, *, called: str = "") -> Credential:
    """Return the credential ``Authorization: NAME …``, such as of a scheme ``Token`` or ``ApiKey``.

    Args:
        name: The scheme, which is read in any case.
        verify: ``(text, services...) -> Principal or None``, asynchronous or not; None reads access tokens.
        called: What `Principal.scheme` says; the scheme in lower case unless it is given.

    Raises:
        ConfigurationError: The name is none (RFC 9110, 11.1), or is one that has a function of its own.
    """
    _ensure_name(name, "scheme")
    if name.lower() == "basic":
        raise ConfigurationError("The scheme Basic has a name and a password: write basic(verify).")
    token_format = {"bearerFormat": "JWT"} if verify is None else {}
    return Credential(
        name=called or name.lower(),
        header=hdrs.AUTHORIZATION,
        read=_scheme_reader(name),
        verify=verify,
        challenge=name,
        described={"type": "http", "scheme": name.lower(), **token_format},
        scheme=name,
    )


def basic(verify: Verify, *, realm: str = "service") -> Credential:
    """Return the credential ``Authorization: Basic …`` (RFC 7617).

    Args:
        verify: ``(name, password, services...) -> Principal or None``. Let it take as long for a name that is not
            there: ``await passwords.verify(user.password_hash if user else None, password)``.
        realm: What a browser shows when it asks for them.

    Raises:
        ConfigurationError: The realm cannot stand in a header.
    """
    if not realm.isascii() or not realm.isprintable() or '"' in realm or "\\" in realm:
        raise ConfigurationError(f"A realm is printable ASCII without quotes and backslashes, not {realm!r}.")
    find = _scheme_reader("Basic")

    def read(headers: Headers) -> tuple[str, ...] | None:
        found = find(headers)
        return None if found is None else _name_and_password(found[0])

    return Credential(
        name="basic",
        header=hdrs.AUTHORIZATION,
        read=read,
        verify=verify,
        challenge=f'Basic realm="{realm}", charset="UTF-8"',
        described={"type": "http", "scheme": "basic"},
        scheme="Basic",
    )


def header(name: str, verify: Verify | None = None, *, called: str = "") -> Credential:
    """Return a credential in a header of its own, such as ``X-API-Key``.

    Args:
        name: The header.
        verify: ``(text, services...) -> Principal or None``, asynchronous or not; None reads access tokens.
        called: What `Principal.scheme` says; the header unless it is given.

    Raises:
        ConfigurationError: The name is none, or that of a header with a meaning of its own.
    """
    _ensure_name(name, "header")
    if name.lower() in {"authorization", "cookie"}:
        raise ConfigurationError(
            f"For the header {name} write bearer(), scheme(...), basic(...) or cookie(...)."
        )

    def read(headers: Headers) -> tuple[str, ...] | None:
        values = headers.getall(name, ())
        if len(values) > 1:
            raise InvalidCredentials(f"Send {name} once.")
        return (values[0],) if values else None

    return Credential(
        name=called or name,
        header=name,
        read=read,
        verify=verify,
        challenge=f'ApiKey in="header", name="{name}"',
        described={"type": "apiKey", "in": "header", "name": name},
    )


def cookie(name: str, verify: Verify | None = None, *, called: str = "") -> Credential:
    """Return a credential in a cookie; what changes things is then guarded against other sites, as with sessions.

    Args:
        name: The cookie.
        verify: ``(text, services...) -> Principal or None``, asynchronous or not; None reads access tokens.
        called: What `Principal.scheme` says; the cookie unless it is given.

    Raises:
        ConfigurationError: The name is none.
    """
    _ensure_name(name, "cookie")

    def read(headers: Headers) -> tuple[str, ...] | None:
        values = cookie_values(headers.getall(hdrs.COOKIE, ()), name)
        if len(values) > 1:
            # One of them may have been planted by another host of the domain.
            raise InvalidCredentials(f"The cookie {name} was sent twice.")
        return (values[0],) if values else None

    return Credential(
        name=called or name,
        header=hdrs.COOKIE,
        read=read,
        verify=verify,
        challenge=f'ApiKey in="cookie", name="{name}"',
        described={"type": "apiKey", "in": "cookie", "name": name},
        cookie=name,
    )


def _scheme_reader(name: str) -> Read:
    wanted = name.lower()

    def read(headers: Headers) -> tuple[str, ...] | None:
        values: Sequence[str] = headers.getall(hdrs.AUTHORIZATION, [])
        if len(values) > 1:
            raise InvalidToken("There is more than one Authorization header.")
        scheme, _, text = values[0].partition(" ")
        if scheme.lower() != wanted:
            return None
        text = text.strip(" ")
        if not text:
            raise InvalidToken("There is no token behind the scheme.")
        return (text,)

    return read


def _name_and_password(text: str) -> tuple[str, str]:
    try:
        decoded = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidCredentials("The credentials are not name:password in base64 (RFC 7617, 2).") from error
    name, has_password, password = decoded.partition(":")
    if not has_password or not decoded.isprintable():
        raise InvalidCredentials("The credentials are not name:password in base64 (RFC 7617, 2).")
    return name, password


def _ensure_name(name: str, kind: str) -> None:
    if not _TOKEN.fullmatch(name):
        raise ConfigurationError(f"{name!r} cannot be the name of a {kind} (RFC 9110, 5.6.2).")
