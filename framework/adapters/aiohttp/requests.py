"""What a request holds, without the detours of its public face.

PERF: aiohttp looks at every key of ``request[KEY]`` to warn of texts, raises and catches a KeyError for each key that
is not there, and has a property around each field; a request asks some thirty times.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, TypeVar, cast

from aiohttp import web
from aiohttp.streams import StreamReader
from multidict import CIMultiDictProxy

from framework.adapters.versions import is_plain

T = TypeVar("T")

_TLS_OF_A_PROXY: Any = object()
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

    def app_of(request: web.Request) -> web.Application:
        """Return the application that responds to a request."""
        return request.app

    def variables_of(request: web.Request) -> Mapping[str, str]:
        """Return the variables of a request's path."""
        return request.match_info

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

    def seen_as(request: web.Request, *, remote: str, scheme: str | None, host: str | None) -> web.Request:
        """Return the request as one from this client, over this scheme and for this host, as far as they are known."""
        seen: dict[str, Any] = {"scheme": scheme, "host": host}
        return request.clone(remote=remote, **{name: value for name, value in seen.items() if value})

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

    def app_of(request: web.Request) -> web.Application:
        """Return the application that responds to a request."""
        # PERF: most requests are answered without the record that aiohttp makes of their route.
        found: Any = getattr(request, "found", None)
        return request.app if found is None else found[2]

    def variables_of(request: web.Request) -> Mapping[str, str]:
        """Return the variables of a request's path."""
        found: Any = getattr(request, "found", None)
        return request.match_info if found is None else found[1]

    def body_limit(request: web.BaseRequest) -> int:
        """Return how many bytes of the body are read."""
        return request._client_max_size

    def set_body_limit(request: web.BaseRequest, limit: int) -> None:
        """Set how many bytes of the body are read."""
        # NOTE: request.clone(client_max_size=...) would part the request's state from aiohttp's own.
        request._client_max_size = limit

    def take_whole_body(request: web.BaseRequest) -> bytes | None:
        """Return the body if all of it is here, within the limit, and nobody has read of it.

        It is None where the body is to be read in aiohttp's own way. It is kept, so that it can be read again.
        """
        content = request._payload
        if not content.is_eof() or request._read_bytes is not None or content.exception() is not None:
            return None
        if content.total_bytes > request._client_max_size:
            return None
        if type(content) is not StreamReader or not _is_one_piece(content):
            body = content.read_nowait()
        else:
            # PERF: what read_nowait comes to, which asks for each chunk and whether to go on reading.
            body = content._buffer.popleft()
            content._cursor += len(body)
            content._size = 0
        request._read_bytes = body
        return body

    def _is_one_piece(content: StreamReader) -> bool:
        """Tell whether the rest of a body is one piece as it came, behind which nothing has to be gone on with."""
        return (
            len(content._buffer) == 1
            and not content._buffer_offset
            and content._http_chunk_splits is None
            and not content._protocol._reading_paused
        )

    async def read_all(request: web.BaseRequest, limit: int) -> bytes:
        """Read the body, and stop behind the limit in bytes; what is longer than the limit was longer."""
        return await request.read()

    def seen_as(request: web.Request, *, remote: str, scheme: str | None, host: str | None) -> web.Request:
        """Return the request as one from this client, over this scheme and for this host, as far as they are known.

        It is the same request: a clone has a body of its own, and costs more than all that reads it.
        """
        ours: Any = request
        ours.remote = remote
        seen = {"scheme": scheme, "host": host}
        request._cache.update({name: value for name, value in seen.items() if value})
        if scheme is not None:
            # What stands for a TLS context here is only asked whether it is there.
            request._transport_sslcontext = _TLS_OF_A_PROXY if scheme == "https" else None
        return request

    def texts_read(request: web.Request) -> Iterator[str]:
        """Yield what was read of a body so far: all of it, or the texts of a form in parts."""
        if request._read_bytes:
            yield request._read_bytes.decode(errors="replace")
        for value in () if request._post is None else request._post.values():
            if isinstance(value, str):
                yield value
