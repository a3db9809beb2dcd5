"""What is wrong with the head of a request, decided before routing: a head in, a problem out, no I/O.

aiohttp's parser has refused what is not HTTP at all. Here goes what it lets through and what would mean one
thing to a proxy, another to a route and a third to ``request.url``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv6Address
from typing import Protocol

from aiohttp import HttpVersion10, HttpVersion11, hdrs
from aiohttp.http import HttpVersion
from multidict import CIMultiDictProxy
from yarl import URL

from framework.problem import Problem

#: The longest ``Content-Type``: with one of semicolons alone Python's parser spends a second on 8 kB, in the square of
#: their number. A boundary has 70 characters at most (RFC 2046, 5.1.1).
CONTENT_TYPE_LENGTH = 512

#: The segments of a path. aiohttp's router tries each prefix of a path that it does not know, in the square of its
#: length.
PATH_SEGMENTS = 256

# TRACE shows a script what its browser hides from it, such as cookies; CONNECT is for proxies.
_REFUSED_METHODS = frozenset({hdrs.METH_CONNECT, hdrs.METH_TRACE})
# The methods that a service may have endpoints for (RFC 9110, 9.3; RFC 5789).
_SERVED_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_DOT_SEGMENT = re.compile(r"/(?:\.|%2e){1,2}(?=/|$)", re.IGNORECASE)
# A registered name is made of what names of hosts and containers are made of. RFC 3986 (3.2.2) would allow
# escapes and punctuation too, but nobody resolves those, and each log and cache reads them differently.
_AUTHORITY = re.compile(
    r"(?:[a-z0-9._-]{1,255}|\[(?P<ipv6>[0-9a-f:.]{2,45})\])(?::(?P<port>[0-9]{0,5}))?",
    re.ASCII | re.IGNORECASE,
)

_PORT = re.compile(r":[0-9]*$")


class Head(Protocol):
    """The parts of aiohttp's ``RawRequestMessage`` that are looked at."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def version(self) -> HttpVersion: ...
    @property
    def headers(self) -> CIMultiDictProxy[str]: ...
    @property
    def url(self) -> URL: ...


def find_refusal(
    head: Head, *, has_body: bool, accept_encoded: bool = False, hosts: Sequence[str] = ()
) -> Problem | None:
    """Return what is wrong with a head, or None when it may go on to routing.

    Args:
        hosts: The names that may be asked for, if not all may.
    """
    return (
        _version_refusal(head)
        or _method_refusal(head)
        or _target_refusal(head)
        or _host_refusal(head)
        or (_foreign_host_refusal(head, hosts) if hosts else None)
        or _framing_refusal(head)
        or _expectation_refusal(head)
        or _media_type_refusal(head)
        or (_encoding_refusal(head) if has_body and not accept_encoded else None)
    )


def awaits_continue(head: Head) -> bool:
    """Tell whether the client waits for ``100 Continue`` before it sends the body (RFC 9110, 10.1.1)."""
    return hdrs.EXPECT in head.headers and head.version >= HttpVersion11


def origin_form(url: URL) -> URL:
    """Return a target that is a URL as the path and query that it asks for (RFC 9112, 3.2.1)."""
    return URL.build(path=url.raw_path or "/", query_string=url.raw_query_string, encoded=True)


def _version_refusal(head: Head) -> Problem | None:
    if head.version in (HttpVersion11, HttpVersion10):
        return None
    return Problem(status=505, detail="This server speaks HTTP/1.1.")


def _method_refusal(head: Head) -> Problem | None:
    if head.method not in _REFUSED_METHODS:
        return None
    return Problem(
        status=405,
        detail=f"{head.method} is not allowed by this server; allowed: {_SERVED_METHODS}.",
        headers={hdrs.ALLOW: _SERVED_METHODS},
    )


def _target_refusal(head: Head) -> Problem | None:
    target = head.path
    if not target.isascii():
        return _bad("The request target holds characters outside ASCII; percent-encode them as UTF-8.")
    if "#" in target:
        return _bad("The request target holds a fragment ('#'); a client keeps that to itself.")
    if target == "*" and head.method == hdrs.METH_OPTIONS:
        return None
    if target[:1] != "/" and head.url.scheme not in ("http", "https"):
        return _bad("The request target must be a path, such as '/items?page=2', or an http URL.")
    path = target.partition("?")[0]
    if target[:1] != "/":
        path = path.partition("://")[2]
    if path.count("/") > PATH_SEGMENTS:
        return Problem(status=414, detail=f"The path must be within {PATH_SEGMENTS} segments.")
    if _DOT_SEGMENT.search(path):
        return _bad("The path holds '.' or '..' segments; resolve them before sending (RFC 3986, 6.2.2.3).")
    return None


def _host_refusal(head: Head) -> Problem | None:
    host = head.headers.get(hdrs.HOST)
    if host is None and head.version < HttpVersion11:
        return None
    if host is None or not is_authority(host):
        return _bad("Host must be a name or an address, with a port or none, such as 'example.com:8080'.")
    if head.path[:1] == "/" or head.path == "*":
        return None
    # RFC 9112, 3.2.2: with a URL as the target its authority is the host, and Host has to say the same.
    if head.path.partition("://")[2].partition("?")[0].partition("/")[0].lower() != host.lower():
        return _bad("Host and the host of the request target differ.")
    return None


def _foreign_host_refusal(head: Head, hosts: Sequence[str]) -> Problem | None:
    """Refuse a host that is not ours: links, caches and cookies would be made for it (RFC 9110, 7.4)."""
    host = _PORT.sub("", head.headers.get(hdrs.HOST, "").lower())
    for name in hosts:
        if host == name or (name[:1] == "." and host.endswith(name)):
            return None
    return Problem(status=421, detail="This service does not answer for that host.")


def is_authority(value: str) -> bool:
    """Tell whether a value is ``host`` or ``host:port`` (RFC 9110, 7.2), without user, path or list."""
    match = _AUTHORITY.fullmatch(value)
    if match is None:
        return False
    if match["ipv6"] is not None:
        try:
            IPv6Address(match["ipv6"])
        except ValueError:
            return False
    return int(match["port"] or 0) <= 65535


def _framing_refusal(head: Head) -> Problem | None:
    codings = head.headers.getall(hdrs.TRANSFER_ENCODING, ())
    if not codings:
        return None
    if head.version < HttpVersion11:
        return _bad("Transfer-Encoding needs HTTP/1.1.")
    if hdrs.CONTENT_LENGTH in head.headers:
        return _bad("Content-Length and Transfer-Encoding exclude each other (RFC 9112, 6.1).")
    if not codings[0].strip() or not codings[0].isascii():  # lower() would make a 'k' of the sign for Kelvin
        return _bad("Transfer-Encoding must be 'chunked'.")
    if len(codings) == 1 and codings[0].lower() == "chunked":
        return None
    return Problem(status=501, detail="The only transfer coding here is 'chunked', once.")


def _expectation_refusal(head: Head) -> Problem | None:
    expectations = head.headers.getall(hdrs.EXPECT, ())
    if not expectations or head.version < HttpVersion11:
        return None
    if len(expectations) == 1 and expectations[0].lower() == "100-continue":
        return None
    return Problem(status=417, detail="The only expectation that can be met here is '100-continue'.")


def _media_type_refusal(head: Head) -> Problem | None:
    if len(head.headers.get(hdrs.CONTENT_TYPE, "")) <= CONTENT_TYPE_LENGTH:
        return None
    return Problem(status=431, detail=f"Content-Type must be within {CONTENT_TYPE_LENGTH} bytes.")


def _encoding_refusal(head: Head) -> Problem | None:
    codings = head.headers.getall(hdrs.CONTENT_ENCODING, ())
    if all(coding.lower() in ("", "identity") for coding in codings):
        return None
    return Problem(
        status=415,
        detail="Send the body as it is; compressed bodies are not accepted here.",
        headers={hdrs.ACCEPT_ENCODING: "identity"},
    )


def _bad(detail: str) -> Problem:
    return Problem(status=400, detail=detail)
