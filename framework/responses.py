"""Results with a status and headers, redirects, files and streams."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Generic, TypeVar
from urllib.parse import quote, urlsplit

from aiohttp import hdrs, web
from multidict import CIMultiDict
from yarl import URL

from framework.files import SentFile

T = TypeVar("T")

#: Set in what `redirect` makes: whether it may lead to any host; False for none but that of the request.
EXTERNAL: Final = web.ResponseKey("external", bool)


@dataclass(frozen=True)  # with slots, Result[Post](...) would be a TypeError on Python 3.11
class Result(Generic[T]):
    """A value together with a status and headers.

    Attributes:
        value: What the return annotation ``Result[T]`` promises.
        status: The HTTP status; the endpoint's own when None.
        headers: Further response headers.
    """

    value: T
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def created(value: T, *, location: str | URL) -> Result[T]:
    """Answer 201 and say where the new resource is (RFC 9110, 15.3.2).

    Args:
        location: A path on this origin, or a whole ``http`` or ``https`` URL such as ``request.url.with_path(...)``:
            nobody is sent there.

    Raises:
        ValueError: It is neither.
    """
    text = str(location)
    return Result(
        value, 201, {"Location": encoded_location(text if _names_a_host(text) else ensure_local(text))}
    )


def accepted(value: T) -> Result[T]:
    """Answer 202: the work is taken on and not yet done (RFC 9110, 15.3.3)."""
    return Result(value, 202)


def no_content() -> web.Response:
    """Answer 204."""
    return web.Response(status=204)


def redirect(location: str | URL, *, status: int = 303, allow_external: bool = False) -> web.Response:
    """Send the client to another page, with GET unless the status says otherwise (RFC 9110, 15.4.4).

    Args:
        location: A path on this origin, or a whole URL made of the request's, such as ``request.url.with_path("/x")``.
        status: Which kind of redirect it is.
        allow_external: Whether it may be a URL of any origin.

    Raises:
        ValueError: The location leaves this origin and `allow_external` is not set.
    """
    text = str(location)
    is_whole = isinstance(location, URL) and _names_a_host(text)
    if not allow_external and not is_whole:
        ensure_local(text)
    response = web.Response(status=status, headers={"Location": encoded_location(text)})
    response[EXTERNAL] = allow_external
    return response


def ensure_local(location: str) -> str:
    """Return a path on this origin as it is.

    Browsers take ``//host`` and ``/\\host`` as another origin and drop tabs and line breaks inside a URL.

    Raises:
        ValueError: It is anything else.
    """
    local = location.startswith("/") and location[1:2] not in {"/", "\\"} and location.isprintable()
    if not local or urlsplit(location).netloc:
        raise ValueError(
            f"{location[:100]!r} is no path on this origin, nor made of request.url; external targets need "
            "allow_external=True."
        )
    return location


def _names_a_host(location: str) -> bool:
    parts = urlsplit(location)
    is_web = parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
    return is_web and location.isprintable() and "\\" not in location


def encoded_location(location: str) -> str:
    """Return a URL reference in ASCII (RFC 3987, 3.1): what is percent-encoded already stays as it is."""
    if location.isascii() and not _UNSENDABLE.search(location):
        return location
    if urlsplit(location).netloc:
        return str(URL(location))
    return quote(_LONE_PERCENT.sub("%25", location), safe=_RESERVED)


_UNSENDABLE = re.compile(r"""[ "<>\\^`{|}\x00-\x1f\x7f]|%(?![0-9A-Fa-f]{2})""")
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_RESERVED = "%/:?#[]@!$&'()*+,;=~"


def stream(
    chunks: AsyncIterable[bytes],
    *,
    content_type: str = "application/octet-stream",
    filename: str | None = None,
) -> web.Response:
    """Send chunks as they come, one at a time, at the client's pace."""
    headers = {} if filename is None else {"Content-Disposition": content_disposition(filename)}
    return web.Response(body=chunks, content_type=content_type, headers=headers)


def file(
    path: Path,
    *,
    filename: str | None = None,
    content_type: str = "application/octet-stream",
    inline: bool = False,
) -> SentFile:
    """Send a file with ``ETag``, ``Last-Modified`` and single ranges; as a download unless `inline`."""
    headers = {
        "Content-Type": content_type,
        "Content-Disposition": content_disposition(filename or path.name, inline=inline),
    }
    return SentFile(path, headers)


def content_disposition(filename: str, *, inline: bool = False) -> str:
    """Return the header's value, with an ASCII fallback beside the real name (RFC 6266, RFC 8187)."""
    name = safe_filename(filename)
    kind = "inline" if inline else "attachment"
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode() or "file"
    ascii_name = re.sub(r'["\\%]', "_", ascii_name)
    if ascii_name == name:
        return f'{kind}; filename="{name}"'
    return f"{kind}; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}"


_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
_LONGEST_NAME_BYTES = 200
_LONGEST_NAME = 4 * _LONGEST_NAME_BYTES  # characters, of which many may go


def safe_filename(name: str) -> str:
    """Return the last part of a name that a client sent, fit to be shown and stored; ``file`` if nothing is left.

    Control and bidirectional-formatting characters go, and the name is cut to 200 bytes with its suffix kept.
    """
    # NOTE: cut before it is normalised, which takes the square of a run of combining characters.
    last = unicodedata.normalize("NFC", name.replace("\\", "/").rsplit("/", 1)[-1][-_LONGEST_NAME:])
    visible = "".join(c for c in last if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn"})
    clean = _FORBIDDEN.sub("_", visible).strip(" .")
    stem, dot, suffix = clean.rpartition(".")
    if not dot or len(suffix) > 16:
        stem, suffix = clean, ""
    room = _LONGEST_NAME_BYTES - len((dot + suffix).encode()) if suffix else _LONGEST_NAME_BYTES
    short = stem.encode()[:room].decode(errors="ignore")
    return (f"{short}.{suffix}" if suffix else short) or "file"


def add_vary(headers: CIMultiDict[str], name: str) -> None:
    """Note in a response's headers that it depends on this request header (RFC 9110, 12.5.5)."""
    present = headers.get(hdrs.VARY)
    if present is None:
        headers[hdrs.VARY] = name
    elif present != "*" and name.lower() not in [part.strip().lower() for part in present.split(",")]:
        headers[hdrs.VARY] = f"{present}, {name}"
