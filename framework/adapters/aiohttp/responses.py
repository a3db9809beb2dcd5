"""What a response holds, and responses made in fewer steps than aiohttp's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from aiohttp import hdrs, web
from aiohttp.compression_utils import MAX_SYNC_CHUNK_SIZE
from aiohttp.http_writer import StreamWriter
from aiohttp.payload import Payload
from aiohttp.web_response import REASON_PHRASES
from multidict import CIMultiDict, CIMultiDictProxy

from framework.adapters.aiohttp.attributes import made_once
from framework.adapters.aiohttp.requests import state_of
from framework.adapters.versions import is_plain

_CONTENT_TYPE, _HEAD = hdrs.CONTENT_TYPE, hdrs.METH_HEAD
_JSON = "application/json"

_PLAIN = is_plain("aiohttp")


class JSONResponse(web.Response):
    """A response of bytes that are JSON already.

    Attributes:
        untouched: Its media type, as long as nobody has asked for its headers, which are made then.
    """

    untouched: str | None = None

    def __init__(
        self,
        body: bytes,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str = _JSON,
    ) -> None:
        if _PLAIN:
            super().__init__(body=body, status=status, headers={**(headers or {}), _CONTENT_TYPE: media_type})
            return
        # PERF: Response's own looks at nine arguments, of which there are none here, and at what kind of body it is.
        if headers is None:
            self.untouched = media_type
        else:
            self._headers = CIMultiDict(headers)
            self._headers[_CONTENT_TYPE] = media_type
        self._status, self._reason = status, REASON_PHRASES.get(status, "")
        self._body = body

    if not _PLAIN:
        _zlib_executor_size, _zlib_executor = MAX_SYNC_CHUNK_SIZE, None

        # PERF: most responses are sent without. It is no property: a class with `__getattr__` or a setter would lose
        # the interpreter's short cut to its instances' attributes.
        _headers: Any = made_once(lambda self: self._make_headers())
        _state: Any = made_once(lambda self: {})

    def _make_headers(self) -> CIMultiDict[str]:
        headers = CIMultiDict[str]()
        if self.untouched is not None:
            headers[_CONTENT_TYPE], self.untouched = self.untouched, None
        return headers


#: Method, target, status, what the request keeps, the length of the body, and the address of the client.
Brief = tuple[str, str, int, MutableMapping[Any, Any], int, str]
#: The headers of request and response, what the request keeps, and whether it came over TLS.
Exchange = tuple[CIMultiDictProxy[str], CIMultiDict[str], MutableMapping[Any, Any], bool]
#: Method, target, status, what the request keeps, and whether the client is still there.
Outcome = tuple[str, str, int, MutableMapping[Any, Any], bool]

if _PLAIN:

    def exchange(request: web.BaseRequest, response: web.StreamResponse) -> Exchange:
        """Return what a stamp looks at, in one call: a call costs more than what it reads."""
        return (request.headers, response.headers, state_of(request), request.secure)

    def outcome(request: web.BaseRequest, response: web.StreamResponse) -> Outcome:
        """Return what a log line tells, in one call."""
        connected = request.transport is not None
        return (request.method, request.raw_path, response.status, state_of(request), connected)

    def json_maker(status: int) -> Callable[[bytes], JSONResponse]:
        """Return what makes responses of this status."""
        return lambda body: JSONResponse(body, status=status)

    def is_fresh(response: web.StreamResponse) -> bool:
        """Return False: without private parts nobody knows what was done to a response."""
        return False

    def brief(request: web.BaseRequest, response: web.StreamResponse) -> Brief | None:
        """Return None: no response is known to be fresh."""
        return None

    def short_body(response: web.StreamResponse) -> bytes | bytearray | None:
        """Return a response's body if it is bytes in memory, which can be sent at once; None if it takes a while."""
        if not isinstance(response, web.Response):
            return None
        body = response.body
        if body is None:
            return b""
        return body if isinstance(body, bytes | bytearray) else None

    def is_spent(request: web.BaseRequest, response: web.StreamResponse) -> bool:
        """Tell whether a response was sent before, or is on its way to another request."""
        return response.prepared and request.writer.output_size == 0

    def withdraw(request: web.BaseRequest) -> None:
        """Forget a response that was prepared and not begun, so that another can take its place."""
        writer: Any = request.writer
        writer.length, writer.chunked = None, False

else:

    def exchange(request: web.BaseRequest, response: web.StreamResponse) -> Exchange:
        """Return what a stamp looks at, in one call: a call costs more than what it reads."""
        tls = request._transport_sslcontext is not None
        return request._headers, response._headers, request._state, tls

    def outcome(request: web.BaseRequest, response: web.StreamResponse) -> Outcome:
        """Return what a log line tells, in one call."""
        connected = request._protocol.transport is not None
        return request._method, request._message.path, response._status, request._state, connected

    def json_maker(status: int) -> Callable[[bytes], JSONResponse]:
        """Return what makes responses of this status."""
        reason, new = REASON_PHRASES.get(status, ""), object.__new__

        def make(body: bytes) -> JSONResponse:
            # PERF: what JSONResponse(body, status=status) does, without a call by keyword through its class.
            response = new(JSONResponse)
            response.untouched = _JSON
            response._status, response._reason, response._body = status, reason, body
            return response

        return make

    def is_fresh(response: web.StreamResponse) -> bool:
        """Tell whether a response is JSON in memory that nobody has touched or sent since it was made."""
        return (
            type(response) is JSONResponse
            and response.untouched is not None
            and type(response._body) is bytes
            and response._payload_writer is None
            and not response._eof_sent
        )

    def brief(request: web.BaseRequest, response: web.StreamResponse) -> Brief | None:
        """Return what a log line tells of a request whose response is fresh; None where there is more to tell."""
        method, remote = request._method, request.remote
        if method == _HEAD or remote is None or request._protocol.transport is None:
            return None
        body: Any = response._body
        return method, request._message.path, response._status, request._state, len(body), remote

    def short_body(response: web.StreamResponse) -> bytes | bytearray | None:
        """Return a response's body if it is bytes in memory, which can be sent at once; None if it takes a while."""
        # PERF: asking isinstance costs half a microsecond for each of aiohttp's classes, and most bodies are bytes.
        body = response._body
        if type(body) is bytes:
            return body
        if body is None:
            return b"" if isinstance(response, web.Response) else None
        return None if isinstance(body, Payload) else body

    def is_spent(request: web.BaseRequest, response: web.StreamResponse) -> bool:
        """Tell whether a response was sent before, or is on its way to another request."""
        writer = response._payload_writer
        if writer is not None and writer is not request.writer:
            return True
        return response._eof_sent and request.writer.output_size == 0

    def withdraw(request: web.BaseRequest) -> None:
        """Forget a response that was prepared and not begun, so that another can take its place."""
        writer: Any = request.writer
        if isinstance(writer, StreamWriter):
            writer.length, writer.chunked = None, False
            writer._compress, writer._headers_buf = None, None


def ask_to_close(response: web.StreamResponse) -> None:
    """Tell in a head that is about to leave that its connection closes behind it (RFC 9112, 9.6)."""
    if response.keep_alive:
        response.force_close()
        response.headers[hdrs.CONNECTION] = "close"


def raised(error: BaseException) -> None:
    """Raise what has to end the process, from a callback of the event loop."""
    raise error


def ensure_one_response(request: web.BaseRequest, response: Any) -> None:
    """Check that what a handler has returned can be sent.

    Raises:
        TypeError: It is no response.
        RuntimeError: Another response has begun, or this one is another request's.
    """
    if not isinstance(response, web.StreamResponse):
        raise TypeError(f"A handler returned {type(response).__name__} instead of a response.")
    if not response.prepared and request.writer.output_size > 0:
        raise RuntimeError(f"A handler began a response and then returned another one: {response!r}.")
    if is_spent(request, response):
        raise RuntimeError("The response was sent to another request: make a new one for each.")
