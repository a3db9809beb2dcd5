"""What each response is asked for: aiohttp's own fields, or its public properties."""

from __future__ import annotations

from typing import Final

from aiohttp import web
from multidict import CIMultiDict

from framework.adapters.versions import is_plain

_IS_PLAIN: Final = is_plain("aiohttp")


def headers(response: web.StreamResponse) -> CIMultiDict[str]:
    """Return a response's headers; each stamp asks for them (PERF: two thirds of the property's cost)."""
    return response.headers if _IS_PLAIN else response._headers


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
