"""What each response is asked for: aiohttp's own fields, or its public properties; `requests` says why."""

from __future__ import annotations

from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

from framework.adapters.aiohttp.requests import State
from framework.adapters.versions import is_plain

if is_plain("aiohttp"):

    def exchange(
        request: web.BaseRequest, response: web.StreamResponse
    ) -> tuple[CIMultiDictProxy[str], CIMultiDict[str], State, bool]:
        """Return the headers of both, what is kept on the request, and whether it came over TLS."""
        return request.headers, response.headers, request, request.secure

    def outcome(request: web.BaseRequest, response: web.StreamResponse) -> tuple[str, str, int, State, bool]:
        """Return method, target, status, what is kept on the request, and whether the client is still there."""
        return request.method, request.raw_path, response.status, request, request.transport is not None

    def is_spent(response: web.StreamResponse, request: web.BaseRequest) -> bool:
        """Tell whether a response was sent to another request; sent again it would reach nobody.

        In public a response does not say for whom it was prepared. So only whole ones are known here: those of which
        nothing has left although they are prepared.
        """
        is_sent = response.prepared and isinstance(response, web.Response)
        return is_sent and request.writer.output_size == 0

else:

    def exchange(
        request: web.BaseRequest, response: web.StreamResponse
    ) -> tuple[CIMultiDictProxy[str], CIMultiDict[str], State, bool]:
        """Return the headers of both, what is kept on the request, and whether it came over TLS."""
        tls = request._transport_sslcontext is not None
        return request._headers, response._headers, request._state, tls

    def outcome(request: web.BaseRequest, response: web.StreamResponse) -> tuple[str, str, int, State, bool]:
        """Return method, target, status, what is kept on the request, and whether the client is still there."""
        connected = request._protocol.transport is not None
        return request._method, request._message.path, response._status, request._state, connected

    def is_spent(response: web.StreamResponse, request: web.BaseRequest) -> bool:
        """Tell whether a response was prepared for another request; sent again it would reach nobody."""
        writer, is_sent = response._payload_writer, response._eof_sent
        if writer is None and not is_sent:
            return False
        return (is_sent and request.writer.output_size == 0) or writer not in {None, request.writer}
