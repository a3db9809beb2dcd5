"""Heads that need a closer look: what is refused, what waits for 100 Continue, and what asks for another protocol."""

from __future__ import annotations

from aiohttp import HttpVersion10, HttpVersion11, hdrs
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from multidict import CIMultiDict, CIMultiDictProxy

from framework.adapters.aiohttp.messages import WaitNotice
from framework.adapters.aiohttp.protocol import Connection
from framework.problem import Problem
from framework.server import request_checks


def inspect_head(
    message: RawRequestMessage, payload: StreamReader, connection: Connection, writer: AbstractStreamWriter
) -> tuple[RawRequestMessage, Problem | None]:
    """Return a head as the application will see it, and why it is refused, if it is."""
    settings, has_body = connection.config.settings, payload is not EMPTY_PAYLOAD
    refusal = request_checks.find_refusal(
        message, has_body=has_body, accept_encoded=settings.accept_encoded_bodies, hosts=settings.hosts
    )
    if refusal is not None:
        # Whatever version was asked for: the response is in ours, or the client's if that is older.
        is_old = message.version == HttpVersion10
        return message if is_old else message._replace(version=HttpVersion11), refusal
    if message.url.absolute:
        relative = request_checks.origin_form(message.url)
        message = message._replace(url=relative, path=str(relative))
    if hdrs.EXPECT in message.headers:
        if awaits_continue(connection, payload) and not payload.is_eof():
            payload._timer = WaitNotice(lambda: _send_continue(connection, writer))
        headers = CIMultiDict(message.headers)
        headers.popall(hdrs.EXPECT)  # aiohttp would answer it before any middleware has run
        message = message._replace(headers=CIMultiDictProxy(headers))
    return message, None


def awaits_continue(connection: Connection, payload: StreamReader) -> bool:
    """Tell whether this body is sent when its client is told 100 Continue."""
    body = connection.body
    return body is not None and body.awaits_continue and body.stream is payload


def _send_continue(connection: Connection, writer: AbstractStreamWriter) -> None:
    """Ask for the body, because the application waits for it now (RFC 9110, 10.1.1)."""
    body = connection.body
    if body is None or not body.awaits_continue or connection._current_request is None:
        return
    if connection.transport is None:
        return
    body.watch()
    if writer.output_size == 0:
        connection.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def decline_upgrade(connection: Connection) -> None:
    """Take what came behind a request for another protocol as requests, unless that protocol is spoken now.

    aiohttp would do so as it sends the response, and past all limits.
    """
    parser = connection._parser
    if not connection._upgraded or connection._messages or parser is None:
        return
    if connection._payload_parser is not None:
        return
    parser.set_upgraded(False)
    connection._upgraded = False
    tail, connection._message_tail = connection._message_tail, b""
    connection.data_received(tail)
    if connection._buffer_paused:
        connection._resume_reading_if_drained()
