"""The wiring of compression."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import hdrs, web

from framework.adapters.aiohttp.responses import short_body
from framework.batteries.compression.codings import Compress, codings
from framework.batteries.compression.settings import CompressionSettings
from framework.battery import Battery, Handler, Middleware
from framework.conditional import coded, is_coded
from framework.endpoint import Endpoint, Mark
from framework.http.accept import accepted_coding
from framework.responses import add_vary

#: More than this is compressed in a thread: it would keep the event loop for more than a millisecond.
_LARGE_BYTES = 64 * 1024
_COMPRESSIBLE: Final = re.compile(
    r"text/(?!event-stream)|(application|image|model)/([\w.-]+\+)?(json|xml|javascript|yaml|x-ndjson|wasm|manifest)\b"
)

# RFC 9110, 14.4, and RFC 9530, 2: what these say of the content would be wrong of another one.
_OF_THIS_CONTENT: Final = frozenset({"content-range", "content-digest", "content-md5", "digest"})


@dataclass(frozen=True, slots=True)
class Compressed(Mark):
    """A promise that an answer holds no secret beside what the request brought."""

    battery = "compression"


compressed = Compressed()
"""Compress an endpoint's answers even to requests with cookies: ``@compressed``.

Whoever can make a browser send requests, and see how long the answers are, guesses a secret in them letter by letter
where they repeat a part of the request (the attack BREACH). So it stands only above what tells no secrets.
"""


def battery(settings: CompressionSettings | None = None) -> Battery:
    """Return the battery that compresses the answers of handlers, as each client can take them.

    What is left alone: short answers, streams and files, media that are compressed already, parts of a whole, what has
    a ``Content-Encoding`` or says ``Cache-Control: no-transform``; and whatever is said to a request with cookies, or
    sets one, unless the endpoint has the mark `compressed`.
    """
    settings = settings or CompressionSettings()
    known = codings(settings)
    names = [*known]

    def plan(endpoint: Endpoint) -> Middleware:
        tells_no_secret = endpoint.find(Compressed) is not None

        async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            response = await handler(request)
            if not isinstance(response, web.Response) or not _is_compressible(response, settings.min_bytes):
                return response
            add_vary(response.headers, hdrs.ACCEPT_ENCODING)
            has_cookies = hdrs.COOKIE in request.headers or response.cookies
            accepted = ", ".join(request.headers.getall(hdrs.ACCEPT_ENCODING, ()))
            coding = accepted_coding(accepted, names)
            if coding is None or (has_cookies and not tells_no_secret):
                return response
            return await _compressed(request, response, coding, known)

        return middleware

    return Battery(
        name="compression",
        after={"logs", "problems"},
        before={"idempotency"},  # what is kept for a second time must fit every client
        plan=plan,
    )


def _is_compressible(response: web.Response, min_bytes: int) -> bool:
    if response.prepared or response.status in (204, 206):
        return False
    if response.status == 304:
        return hdrs.ETAG in response.headers
    body = short_body(response)
    headers = response.headers
    return (
        body is not None
        and len(body) >= min_bytes
        and _COMPRESSIBLE.match(headers.get(hdrs.CONTENT_TYPE, "")) is not None
        and hdrs.CONTENT_ENCODING not in headers
        and not _OF_THIS_CONTENT & {*map(str.lower, headers)}
        and not response.compression
        and "no-transform" not in headers.get(hdrs.CACHE_CONTROL, "").lower()
    )


async def _compressed(
    request: web.Request, response: web.Response, coding: str, known: Mapping[str, Compress]
) -> web.Response:
    headers = response.headers
    if response.status == 304:
        if is_coded(request, headers[hdrs.ETAG], coding):
            headers[hdrs.ETAG] = coded(headers[hdrs.ETAG], coding)
        return response
    body = bytes(short_body(response) or b"")
    compress = known[coding]
    smaller = compress(body) if len(body) < _LARGE_BYTES else await asyncio.to_thread(compress, body)
    if len(smaller) >= len(body):
        return response
    headers.pop(hdrs.CONTENT_LENGTH, None)  # a handler may have named that of the whole
    response.body = smaller
    headers[hdrs.CONTENT_ENCODING] = coding
    if hdrs.ETAG in headers:
        headers[hdrs.ETAG] = coded(headers[hdrs.ETAG], coding)
    return response
