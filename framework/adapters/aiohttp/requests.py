"""What a request holds, without the detours of its public face.

PERF: aiohttp looks at every key of ``request[KEY]`` to warn of texts, raises and catches a KeyError for each key that
is not there, and has a property around each field; a request asks some thirty times.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any, TypeVar, cast

from aiohttp import web
from multidict import CIMultiDictProxy

from framework.adapters.versions import is_plain

T = TypeVar("T")

_BODY_LIMIT = web.RequestKey("body_limit", int)

if is_plain("aiohttp"):

    def state_of(request: web.BaseRequest) -> MutableMapping[Any, Any]:
        """Return what a request keeps, by its keys."""
        return cast("MutableMapping[Any, Any]", request)

    def find(request: web.BaseRequest, key: web.RequestKey[T]) -> T | None:
        """Return what a request keeps under a key; None if there is nothing."""
        return request.get(key)

    def arrival(request: web.BaseRequest) -> tuple[MutableMapping[Any, Any], CIMultiDictProxy[str]]:
        """Return what a request keeps, and its headers."""
        return state_of(request), request.headers

    def target_of(request: web.BaseRequest) -> str:
        """Return the request target as it was sent (RFC 9112, 3.2)."""
        return request.raw_path

    def method_of(request: web.BaseRequest) -> str:
        """Return the request's method."""
        return request.method

    def body_limit(request: web.BaseRequest) -> int:
        """Return how many bytes of the body are read."""
        limit = request.get(_BODY_LIMIT)
        return request.client_max_size if limit is None else limit

    def set_body_limit(request: web.BaseRequest, limit: int) -> None:
        """Set how many bytes of the body are read by those who ask `body_limit`."""
        request[_BODY_LIMIT] = limit

    def take_whole_body(request: web.BaseRequest) -> bytes | None:
        """Return None: without private parts a body is not known to be here."""
        return None

    async def read_all(request: web.BaseRequest, limit: int) -> bytes:
        """Read the body, and stop behind the limit in bytes; what is longer than the limit was longer."""
        if _BODY_LIMIT not in request:
            return await request.read()
        body = bytearray()
        while len(body) <= limit and (chunk := await request.content.readany()):
            body += chunk
        return bytes(body)

    def is_secure(request: web.BaseRequest) -> bool:
        """Tell whether the request came over TLS."""
        return request.secure

    def texts_read(request: web.Request) -> Iterator[str]:
        """Yield nothing: without private parts it is not known what was read of a body."""
        yield from ()

else:

    def state_of(request: web.BaseRequest) -> MutableMapping[Any, Any]:
        """Return what a request keeps, by its keys."""
        return request._state

    def find(request: web.BaseRequest, key: web.RequestKey[T]) -> T | None:
        """Return what a request keeps under a key; None if there is nothing."""
        value: T | None = request._state.get(key)
        return value

    def arrival(request: web.BaseRequest) -> tuple[MutableMapping[Any, Any], CIMultiDictProxy[str]]:
        """Return what a request keeps, and its headers."""
        return request._state, request._headers

    def target_of(request: web.BaseRequest) -> str:
        """Return the request target as it was sent (RFC 9112, 3.2)."""
        return request._message.path

    def method_of(request: web.BaseRequest) -> str:
        """Return the request's method."""
        return request._method

    def body_limit(request: web.BaseRequest) -> int:
        """Return how many bytes of the body are read."""
        return request._client_max_size

    def set_body_limit(request: web.BaseRequest, limit: int) -> None:
        """Set how many bytes of the body are read."""
        # NOTE: request.clone(client_max_size=...) would part the request's state from aiohttp's own.
        request._client_max_size = limit

    def take_whole_body(request: web.BaseRequest) -> bytes | None:
        """Return the body if all of it is here and nobody has read of it; None to read it in aiohttp's own way.

        It is kept, so that it can be read again.
        """
        content = request.content
        if not content.is_eof() or request._read_bytes is not None or content.exception() is not None:
            return None
        # PERF: aiohttp would ask for each chunk and copy twice.
        body = content.read_nowait()
        request._read_bytes = body
        return body

    async def read_all(request: web.BaseRequest, limit: int) -> bytes:
        """Read the body, and stop behind the limit in bytes; what is longer than the limit was longer."""
        return await request.read()

    def is_secure(request: web.BaseRequest) -> bool:
        """Tell whether the request came over TLS."""
        return request._transport_sslcontext is not None

    def texts_read(request: web.Request) -> Iterator[str]:
        """Yield what was read of a body so far: all of it, or the texts of a form in parts."""
        if request._read_bytes:
            yield request._read_bytes.decode(errors="replace")
        for value in () if request._post is None else request._post.values():
            if isinstance(value, str):
                yield value
