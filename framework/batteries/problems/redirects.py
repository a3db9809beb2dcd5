"""Open redirects: a client is not sent to another host because its own request has named it.

What a handler has as a constant, or from its settings, is none of the request's and passes: identity providers, shops.
"""

from __future__ import annotations

import re
import traceback
import unicodedata
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from aiohttp import hdrs, web
from yarl import URL

from framework.adapters.aiohttp.requests import texts_read
from framework.context import FORM
from framework.errors import BadRequest
from framework.responses import EXTERNAL, ensure_local

#: What browsers drop at the ends of a URL, and within it (WHATWG URL, 4.4).
_ENDS: Final = "".join(map(chr, range(0x21)))
_WITHIN: Final = str.maketrans("", "", "\t\r\n")
_TARGET: Final = re.compile(r"(?:(?P<scheme>[a-z][a-z0-9+.-]*):)?(?P<slashes>/*)(?P<rest>.*)", re.DOTALL)
_HOST: Final = re.compile(r"(?:[^/?#]*@)?(\[[^\]/?#]*\]|[^:/?#]*)")
_ESCAPE: Final = re.compile(r"\\u([0-9a-f]{4})")
# They tell of the service itself, of proxies and of programs: a constant may well occur in them.
_TOLD_BY_OTHERS: Final = frozenset(
    {"host", "origin", "referer", "user-agent", "via", "from", "forwarded", "accept"}
)
_TOLD_BY_PROXIES: Final = "x-forwarded-"
_REFUSAL: Final = "This would lead to another site. Name a page of this service, such as '/posts'."
_REDIRECTS: Final = frozenset({web.HTTPMove.__init__.__code__, ensure_local.__code__})


def ensure_target(request: web.Request, response: web.StreamResponse) -> None:
    """Check that a redirect does not lead to another host that the request has named.

    Raises:
        BadRequest: It does, and its handler has not said ``allow_external=True``.
        ValueError: It was made by `redirect` of a whole URL, which is of another origin.
    """
    location = response.headers.get(hdrs.LOCATION)
    if location is None or response.get(EXTERNAL, False):
        return
    if _is_named(request, location):
        raise BadRequest(_REFUSAL)
    if EXTERNAL in response and location[0] != "/" and URL(location).origin() != request.url.origin():
        ensure_local(location)


def refused_target(request: web.Request, error: Exception) -> BadRequest | None:
    """Return what a client is told whose input was no target for a redirect; None for any other error."""
    if isinstance(error, ValueError):
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_code in _REDIRECTS and _is_named(request, str(frame.f_locals.get("location", ""))):
                return BadRequest(_REFUSAL)
    return None


def _is_named(request: web.Request, location: str) -> bool:
    needles = _foreign(location, request.host)
    if not needles:
        return False
    if location == request.headers.get(hdrs.REFERER):
        return True
    found = re.compile(r"(?<![\w.-])(?:" + "|".join(map(re.escape, needles)) + r")(?![\w-])")
    return any(found.search(form) for text in _inputs(request) for form in _forms(text))


def _foreign(location: str, own: str) -> set[str]:
    """Return how a request may have written the other host that it would lead to; nothing if it is our own."""
    text = location.strip(_ENDS).translate(_WITHIN).lower()
    # A backslash is a slash to browsers, and part of the user's name to others.
    return _host_in(text, own) | (_host_in(text.replace("\\", "/"), own) if "\\" in text else set())


def _host_in(text: str, own: str) -> set[str]:
    match = _TARGET.match(text)
    if match is None or (match["scheme"] is None and len(match["slashes"]) < 2):
        return set()
    if match["scheme"] not in {None, "http", "https"}:
        return {form.strip() for form in _forms(match["rest"]) if form.strip()}
    host = _HOST.match(match["rest"])
    written = "" if host is None else host[1].rstrip(".")
    own_name = own.lower() if own.endswith("]") else own.lower().rpartition(":")[0] or own.lower()
    if not written or written == own_name.rstrip("."):
        return set()
    return {written, *_forms(written), _decoded(written)}


def _decoded(host: str) -> str:
    try:
        return host.encode("ascii").decode("idna")
    except UnicodeError:
        return host


def _inputs(request: web.Request) -> Iterator[str]:
    yield request.raw_path
    for name, value in request.headers.items():
        if name.lower() not in _TOLD_BY_OTHERS and not name.lower().startswith(_TOLD_BY_PROXIES):
            yield value
    yield from texts_read(request)
    yield from (value for value in request.get(FORM, {}).values() if isinstance(value, str))


def _forms(text: str) -> Iterator[str]:
    """Yield a text as it is and decoded: percent-encoded once and twice, escaped as in JSON, compatible letters."""
    for _ in range(3):
        flat = unicodedata.normalize("NFKC", text.translate(_WITHIN)).lower().replace("。", ".")
        yield _ESCAPE.sub(lambda match: chr(int(match[1], 16)), flat)
        text = unquote(text)
