"""Conditional requests (RFC 9110, 13): nothing unchanged is sent again, and nothing unseen is overwritten."""

from __future__ import annotations

import hashlib
import re

from aiohttp import hdrs, web

from framework.errors import BadRequest, PreconditionFailed, PreconditionRequired
from framework.responses import Result

# A tag of somebody else's may hold commas.
_TAG = re.compile(r'[ \t]*(W/)?"([^"]*)"[ \t]*(?:,|\Z)')
_CODED = re.compile(r"--(?:br|gzip|zstd)\Z")
_SAFE = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})


def etag(*version: object) -> str:
    """Return a strong entity tag for a version: its number, the time of the last change, the caller's rights."""
    return hashlib.sha256(repr(version).encode(errors="surrogatepass")).hexdigest()[:32]


def not_modified(request: web.Request, tag: str) -> web.Response | None:
    """Return 304 if the client has this version already, before anything is made for the answer; else None."""
    known = _tags(request, hdrs.IF_NONE_MATCH)
    if request.method not in _SAFE or known is None or not known & {tag, "*"}:
        return None
    return web.Response(status=304, headers={hdrs.ETAG: f'"{tag}"'})


def ensure_match(request: web.Request, tag: str) -> None:
    """Check that the client has seen the version that it is about to change or delete.

    Raises:
        PreconditionRequired: It does not say which version it has seen.
        PreconditionFailed: Somebody else has changed it meanwhile.
        BadRequest: ``If-Match`` holds no entity tags.
    """
    known = _tags(request, hdrs.IF_MATCH)
    if known is None:
        raise PreconditionRequired("Send If-Match with the ETag of the version that this request changes.")
    if not known & {tag, "*"}:
        raise PreconditionFailed(
            "This has changed meanwhile: read it again.", headers={hdrs.ETAG: f'"{tag}"'}
        )


def tagged(value: object, tag: str) -> Result[object]:
    """Answer a value together with the tag of its version."""
    return Result(value, headers={hdrs.ETAG: f'"{tag}"'})


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
