"""The writer of a response's head."""

from __future__ import annotations

from aiohttp import hdrs
from aiohttp.http_writer import StreamWriter, _serialize_headers
from multidict import CIMultiDict


class Writer(StreamWriter):
    """A writer of heads that name no server software; it stays usable when a header cannot be written."""

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
