"""What each response is asked for: aiohttp's own fields, or its public properties."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Final, TypeVar

from aiohttp import web
from multidict import CIMultiDict

from framework.adapters.versions import is_plain

T = TypeVar("T")

_IS_PLAIN: Final = is_plain("aiohttp")


def _field(name: str, public: Callable[[web.StreamResponse], T]) -> Callable[[web.StreamResponse], T]:
    return public if _IS_PLAIN else attrgetter(name)


#: The headers; each stamp asks for them (PERF: 0.05 us less than the property).
headers: Final[Callable[[web.StreamResponse], CIMultiDict[str]]] = _field(
    "_headers", lambda response: response.headers
)

#: The status, likewise.
status: Final[Callable[[web.StreamResponse], int]] = _field("_status", lambda response: response.status)


def is_spent(response: web.StreamResponse, request: web.BaseRequest) -> bool:
    """Tell whether a response was prepared for another request; sent again it would be empty, or reach nobody.

    In public a response does not say for whom it was prepared, so only a whole one is known there: one of which
    nothing has left although it is prepared.
    """
    is_begun = request.writer.output_size > 0
    if _IS_PLAIN:
        return isinstance(response, web.Response) and response.prepared and not is_begun
    is_sent = response._eof_sent and not is_begun
    return is_sent or response._payload_writer not in {None, request.writer}
