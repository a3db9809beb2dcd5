"""Conditional requests (RFC 9110, 13): nothing unchanged is sent again, and nothing unseen is overwritten."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any, ClassVar

from aiohttp import hdrs, web

from framework.endpoint import Mark
from framework.errors import BadRequest, PreconditionFailed, PreconditionRequired
from framework.marks import Answers
from framework.responses import Result

# A tag of somebody else's may hold commas.
_TAG = re.compile(r'[ \t]*(W/)?"([^"]*)"[ \t]*(?:,|\Z)')
_CODED = re.compile(r"--(?:br|gzip|zstd)\Z")
# The form that is sent today (RFC 9110, 5.6.7), in ASCII.
_DATE = re.compile(r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT")
_SAFE = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})
_CHANGING = frozenset({hdrs.METH_PUT, hdrs.METH_PATCH, hdrs.METH_DELETE, hdrs.METH_POST})
_GUARDS = (hdrs.IF_MATCH, hdrs.IF_UNMODIFIED_SINCE)
_MISSING = "Send If-Match with the ETag of the version that this request changes."
_VERSION: Mapping[str, str] = {
    "ETag": "The tag of the version (RFC 9110, 8.8.3).",
    "Last-Modified": "When it was changed last (RFC 9110, 8.8.2).",
}


def etag(*version: object) -> str:
    """Return a strong entity tag for a version: its number, the time of the last change, the caller's rights."""
    return hashlib.sha256(repr(version).encode(errors="surrogatepass")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Revalidated(Answers):
    """A promise that an answer has a version, and that a client which has that already is answered 304."""

    problems: ClassVar[tuple[int, ...]] = (400,)
    status: int = 304

    def parameters(self) -> Sequence[Mapping[str, Any]]:
        """Return the headers that name the version which the client has."""
        return (
            _header(hdrs.IF_NONE_MATCH, "The entity tags of the versions that the client has."),
            _header(hdrs.IF_MODIFIED_SINCE, "When the client's version was changed last."),
        )

    def headers(self) -> Mapping[str, str]:
        """Return the headers that name the version of the answer."""
        return _VERSION


@dataclass(frozen=True, slots=True)
class MatchRequired(Mark):
    """A promise that nothing is changed whose version the client has not seen."""

    battery: ClassVar[str | None] = "caching"
    problems: ClassVar[tuple[int, ...]] = (400, 412, 428)

    def parameters(self) -> Sequence[Mapping[str, Any]]:
        """Return the headers that name the version which the client has seen."""
        return (
            _header(hdrs.IF_MATCH, "The entity tag of the version that is changed; 428 without."),
            _header(hdrs.IF_UNMODIFIED_SINCE, "Instead of If-Match: when that version was changed last."),
        )

    def headers(self) -> Mapping[str, str]:
        """Return the headers that name the new version."""
        return _VERSION

    @staticmethod
    def ensure_sent(request: web.Request) -> None:
        """Check that a request names a version, before any work is done for it.

        Raises:
            PreconditionRequired: It does not.
        """
        if request.method in _CHANGING and not any(name in request.headers for name in _GUARDS):
            raise PreconditionRequired(_MISSING)


revalidated = Revalidated()
"""Document that clients which have the version of an answer are told so: ``@revalidated``."""

match_required = MatchRequired()
"""Refuse changes that do not say which version they are of: ``@match_required``; `ensure_match` compares it."""


def not_modified(
    request: web.Request, tag: str | None = None, *, modified: datetime | None = None
) -> web.Response | None:
    """Return 304 if the client has this version already, before anything is made for the answer; else None.

    Args:
        tag: The version's entity tag.
        modified: When it was changed last; asked only where the client names no tag (RFC 9110, 13.2.2).

    Raises:
        BadRequest: ``If-None-Match`` holds no entity tags.
        TypeError: Neither is given, or the time has no zone.
    """
    headers = version_headers(tag, modified)
    known = None if tag is None else _tags(request, hdrs.IF_NONE_MATCH)
    if known is None:
        is_known = modified is not None and _is_not_after(modified, _date(request, hdrs.IF_MODIFIED_SINCE))
    else:
        is_known = bool(known & {tag, "*"})
    return web.Response(status=304, headers=headers) if is_known and request.method in _SAFE else None


def ensure_match(request: web.Request, tag: str | None = None, *, modified: datetime | None = None) -> None:
    """Check that the client has seen the version that it is about to change or delete.

    Args:
        tag: The version's entity tag.
        modified: When it was changed last; asked only where the client names no tag. Changes within one second are
            one to it, so give a tag where you can.

    Raises:
        PreconditionRequired: It does not say which version it has seen.
        PreconditionFailed: Somebody else has changed it meanwhile.
        BadRequest: ``If-Match`` holds no entity tags.
        TypeError: Neither is given, or the time has no zone.
    """
    headers = version_headers(tag, modified)
    known = None if tag is None else _tags(request, hdrs.IF_MATCH)
    if known is None:
        since = None if modified is None else _date(request, hdrs.IF_UNMODIFIED_SINCE)
        if modified is None or since is None:
            raise PreconditionRequired(_MISSING)
        is_seen = _is_not_after(modified, since)
    else:
        is_seen = bool(known & {tag, "*"})
    if not is_seen:
        raise PreconditionFailed("This has changed meanwhile: read it again.", headers=headers)


def tagged(value: object, tag: str | None = None, *, modified: datetime | None = None) -> Result[object]:
    """Answer a value together with its version.

    Raises:
        TypeError: None is given, or the time has no zone.
    """
    return Result(value, headers=version_headers(tag, modified))


def version_headers(tag: str | None, modified: datetime | None) -> dict[str, str]:
    """Return the headers that name a version (RFC 9110, 8.8).

    Raises:
        TypeError: There is neither a tag nor a time, or the time has no zone.
    """
    if tag is None and modified is None:
        raise TypeError("A version is named by its tag, or by the time of its last change; give one of them.")
    headers = {} if tag is None else {str(hdrs.ETAG): f'"{tag}"'}
    if modified is not None:
        if modified.tzinfo is None:
            raise TypeError(f"The time of the last change has to have a zone, and {modified!r} has none.")
        headers[hdrs.LAST_MODIFIED] = format_datetime(modified.astimezone(UTC), usegmt=True)
    return headers


def _is_not_after(modified: datetime, since: datetime | None) -> bool:
    return since is not None and modified.replace(microsecond=0) <= since


def _date(request: web.Request, header: str) -> datetime | None:
    """Return the time in a header; None without one, and where it is none: so says RFC 9110 (13.1.3, 13.1.4)."""
    lines = request.headers.getall(header, ())
    if len(lines) != 1 or not _DATE.fullmatch(lines[0].strip()):
        return None
    try:
        return parsedate_to_datetime(lines[0].strip()).replace(tzinfo=UTC)
    except ValueError:
        return None


def _header(name: str, description: str) -> dict[str, Any]:
    return {"in": "header", "name": str(name), "description": description, "schema": {"type": "string"}}


def _tags(request: web.Request, header: str) -> frozenset[str] | None:
    """Return the strong and weak tags of a header; None without it.

    Raises:
        BadRequest: It holds something else.
    """
    lines = request.headers.getall(header, None)
    if lines is None:
        return None
    text = ", ".join(lines).strip()
    if text == "*":
        return frozenset({"*"})
    found, at = set(), 0
    while at < max(1, len(text)):
        match = _TAG.match(text, at)
        if match is None:
            raise BadRequest(f"{header} holds entity tags in quotes, or an asterisk (RFC 9110, 8.8.3).")
        weak, tag = match.groups()
        # A weak tag never matches where versions have to be the very same (RFC 9110, 13.1.1).
        if not (weak and header == hdrs.IF_MATCH):
            found.add(_CODED.sub("", tag))
        at = match.end()
    return frozenset(found)


def coded(tag: str, coding: str) -> str:
    """Return the entity tag, in its quotes, of a content coding of what a strong tag stands for.

    Each coding is a representation of its own (RFC 9110, 8.8.3.3). What reads the tags of requests here takes it for
    that of the whole, so that handlers know nothing of codings.
    """
    return tag if tag.startswith("W/") else f'{tag[:-1]}--{coding}"'


def is_coded(request: web.Request, tag: str, coding: str) -> bool:
    """Tell whether a client has this coding of what a tag stands for."""
    return coded(tag, coding) in ", ".join(request.headers.getall(hdrs.IF_NONE_MATCH, ()))
