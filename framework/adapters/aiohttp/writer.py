"""The writer of a response's head."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from aiohttp import hdrs
from aiohttp.http_writer import StreamWriter, _serialize_headers
from multidict import CIMultiDict

_BODILESS = frozenset({"204", "304"})
_STATUS = slice(len("HTTP/1.1 "), len("HTTP/1.1 200"))


class Writer(StreamWriter):
    """A writer of heads that name no server software; it stays usable when a header cannot be written.

    A handler that writes its own stream is asked with HEAD, too, and may give a status that has no body: what it writes
    then is dropped, for the client would take it for the next response (RFC 9110, 6.4.1).
    """

    _is_bodiless = False

    def __init__(self, protocol: Any, loop: asyncio.AbstractEventLoop, *, is_head: bool = False) -> None:
        super().__init__(protocol, loop)
        self._is_head = is_head

    async def write_headers(self, status_line: str, headers: CIMultiDict[str]) -> None:
        # aiohttp puts in its own name and version just before; no response carries them.
        headers.popall(hdrs.SERVER, None)
        try:
            # PERF: what the parent does, without a second coroutine for each response.
            self._headers_buf = _serialize_headers(status_line, headers)
        except Exception:
            # CR, LF or NUL in a header: another response follows on this writer, with a framing of its own.
            self.length = None
            self.chunked = False
            self._compress = None
            raise
        self._headers_written = False
        self._is_bodiless = self._is_head or status_line[_STATUS] in _BODILESS
        if self._is_bodiless:
            self.length, self.chunked, self._compress = None, False, None

    def write(self, chunk: Any, *, drain: bool = True, LIMIT: int = 0x10000) -> Coroutine[Any, Any, None]:  # noqa: N803
        # PERF: no coroutine itself, to save the one around the other.
        return self._drop() if self._is_bodiless else super().write(chunk, drain=drain, LIMIT=LIMIT)

    def write_eof(self, chunk: bytes = b"") -> Coroutine[Any, Any, None]:
        return super().write_eof(b"" if self._is_bodiless else chunk)

    async def _drop(self) -> None:
        self.send_headers()
