"""What each request is asked for: aiohttp's own fields, or its public properties.

PERF: logs, stamps and sessions ask a dozen times for each request. A call costs more than what it reads, so each place
gets all that it needs in one; together that is a fiftieth of a small request.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, TypeVar

from aiohttp import web
from multidict import CIMultiDictProxy

from framework.adapters.versions import is_plain

T = TypeVar("T")
State = MutableMapping[Any, Any]


if is_plain("aiohttp"):

    def state(request: web.BaseRequest) -> State:
        """Return what is kept on a request, by key."""
        return request

    def find(request: web.BaseRequest, key: web.RequestKey[T]) -> T | None:
        """Return what a request keeps under a key; None if there is nothing."""
        return request.get(key)

    def arrival(request: web.BaseRequest) -> tuple[State, CIMultiDictProxy[str]]:
        """Return what is kept on the request, and its headers."""
        return request, request.headers

    def body_at_hand(request: web.Request) -> bytes | None:
        """Return None: only ``read()`` will do."""
        return None

else:

    def state(request: web.BaseRequest) -> State:
        """Return what is kept on a request, by key."""
        return request._state

    def find(request: web.BaseRequest, key: web.RequestKey[T]) -> T | None:
        """Return what a request keeps under a key; None if there is nothing."""
        # PERF: request.get() raises and catches a KeyError for each key that is not there, half a microsecond.
        value: T | None = request._state.get(key)
        return value

    def arrival(request: web.BaseRequest) -> tuple[State, CIMultiDictProxy[str]]:
        """Return what is kept on the request, and its headers."""
        return request._state, request._headers

    def body_at_hand(request: web.Request) -> bytes | None:
        """Return the body if all of it has come and nobody has read it yet; None if only ``read()`` will do.

        PERF: so it is with nearly every body; ``read()`` waits for each chunk and copies twice (3 us).
        """
        content = request.content
        if not content.is_eof() or content.exception() is not None or request._read_bytes is not None:
            return None
        # Whoever asks aiohttp for the body later gets the same.
        body = request._read_bytes = content.read_nowait()
        return body
