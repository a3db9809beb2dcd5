"""The limits of a WebSocket whose handler has set none."""

from __future__ import annotations

from aiohttp import WebSocketError, web

from framework.adapters.versions import is_plain

_STOCK_MESSAGE = 4 * 1024 * 1024
_UNLIMITED = 0


def bound(socket: web.WebSocketResponse, *, heartbeat_seconds: float, max_message: int) -> None:
    """Give a WebSocket whose handshake is being answered a heartbeat and the largest message, in bytes.

    What its handler has set itself stays, unless that is no limit at all.
    """
    if is_plain("aiohttp"):
        return
    # aiohttp reads these when the head of the handshake has left, behind the signal ``on_response_prepare``.
    if socket._heartbeat is None:
        socket._heartbeat, socket._pong_heartbeat = heartbeat_seconds, heartbeat_seconds / 2
    if socket._max_msg_size in (_STOCK_MESSAGE, _UNLIMITED):
        socket._max_msg_size = max_message


def is_misspoken(socket: web.WebSocketResponse) -> bool:
    """Tell whether a WebSocket was closed because its peer has broken the protocol or sent more than is taken."""
    if is_plain("aiohttp") or socket._reader is None:
        return False
    return isinstance(socket._reader.exception(), WebSocketError)
