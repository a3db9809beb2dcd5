"""Files on their way to a client: with ranges, and with errors that are problems like any others."""

from __future__ import annotations

import asyncio
import math
import mimetypes
import re
import secrets
import stat
from collections.abc import Mapping
from os import stat_result
from pathlib import Path
from typing import Any, BinaryIO

from aiohttp import ETag, hdrs, web
from multidict import CIMultiDict

from framework.errors import NotFound, RangeNotSatisfiable
from framework.http.ranges import Span, several_ranges

_RANGE = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))", re.IGNORECASE)

_CHUNK_BYTES = 256 * 1024
_CONDITIONS = (hdrs.IF_MATCH, hdrs.IF_NONE_MATCH, hdrs.IF_MODIFIED_SINCE, hdrs.IF_UNMODIFIED_SINCE)

_OF_ENCODING = {
    "gzip": "application/gzip",
    "bzip2": "application/x-bzip2",
    "xz": "application/x-xz",
    "compress": "application/x-compress",
}


def headers_for(name: str) -> dict[str, str]:
    """Return the type of a file by its name, and its encoding if that is part of the format.

    A compressed file is an archive, and not the text within it: ``data.csv.gz`` is no ``text/csv``.
    """
    kind, encoding = mimetypes.guess_type(name)
    if encoding is None:
        return {hdrs.CONTENT_TYPE: kind or "application/octet-stream"}
    if kind == "image/svg+xml" and encoding == "gzip":
        return {hdrs.CONTENT_TYPE: kind, hdrs.CONTENT_ENCODING: encoding}
    return {hdrs.CONTENT_TYPE: _OF_ENCODING.get(encoding, "application/octet-stream")}


class SentFile(web.FileResponse):
    """A file that is sent.

    NOTE: aiohttp answers with the headers that were meant for the file when it is gone or lacks the range, so that the
    error is kept for a year or downloaded; takes any ``If-Range`` that is no date for a match, units of others for a
    broken range, and the last no bytes for all of them.
    """

    def __init__(self, path: Path, headers: Mapping[str, str]) -> None:
        super().__init__(path, headers=headers)
        self._sent_path = path

    async def prepare(self, request: web.BaseRequest) -> Any:
        """Send the head and the file.

        Raises:
            NotFound: The file is gone, or nothing that can be sent.
            RangeNotSatisfiable: It has none of the bytes that are asked for.
        """
        if self.prepared:
            return await super().prepare(request)
        try:
            found = await asyncio.to_thread(self._sent_path.stat)
        except OSError as error:
            raise NotFound("file", self._sent_path.name) from error
        if not stat.S_ISREG(found.st_mode):
            raise NotFound("file", self._sent_path.name)
        asked = request.headers.get(hdrs.RANGE)
        spans = None if asked is None else several_ranges(asked, found.st_size)
        if spans is not None and _may_be_several(request, found):
            if not spans:
                raise _nothing_of(found)
            if len(spans) > 1:
                return await self._send_several(request, found, spans)
            asked = "bytes={}-{}".format(*spans[0])
        elif asked is not None and not _takes_range(request, found):
            asked = None
        return await super().prepare(_asking(request, asked))

    async def _send_several(self, request: web.BaseRequest, found: stat_result, spans: list[Span]) -> Any:
        """Send several ranges as ``multipart/byteranges`` (RFC 9110, 14.6)."""
        boundary, kind = (
            secrets.token_hex(16),
            self.headers.get(hdrs.CONTENT_TYPE, "application/octet-stream"),
        )
        heads = [
            f"\r\n--{boundary}\r\nContent-Type: {kind}\r\n"
            f"Content-Range: bytes {first}-{last}/{found.st_size}\r\n\r\n".encode()
            for first, last in spans
        ]
        end = f"\r\n--{boundary}--\r\n".encode()
        self.set_status(206)
        self.headers[hdrs.CONTENT_TYPE] = f"multipart/byteranges; boundary={boundary}"
        self.headers[hdrs.ACCEPT_RANGES] = "bytes"
        self.etag, self.last_modified = _tag(found), found.st_mtime
        self.content_length = sum(map(len, heads)) + sum(last - first + 1 for first, last in spans) + len(end)
        source = await asyncio.to_thread(self._sent_path.open, "rb")
        try:
            writer = await web.StreamResponse.prepare(self, request)
            for head, (first, last) in zip(heads, spans, strict=True):
                await self.write(head)
                for start in range(first, last + 1, _CHUNK_BYTES):
                    await self.write(
                        await asyncio.to_thread(_read, source, start, min(_CHUNK_BYTES, last + 1 - start))
                    )
            await self.write(end)
        finally:
            source.close()
        return writer


def _read(source: BinaryIO, start: int, size: int) -> bytes:
    source.seek(start)
    return source.read(size)


def _asking(request: web.BaseRequest, asked: str | None) -> web.BaseRequest:
    """Return a request with this range or none, and without a choice among compressed siblings.

    NOTE: aiohttp would look for those beside each file, for whoever names their coding, be it to refuse it.
    """
    headers = CIMultiDict(request.headers)
    codings = headers.get(hdrs.ACCEPT_ENCODING, "").lower()
    if headers.get(hdrs.RANGE) == asked and "br" not in codings and "gzip" not in codings:
        return request
    headers.popall(hdrs.ACCEPT_ENCODING, None)
    headers.popall(hdrs.RANGE, None)
    if asked is not None:
        headers[hdrs.RANGE] = asked
    return request.clone(headers=headers)


def _may_be_several(request: web.BaseRequest, found: stat_result) -> bool:
    """Tell whether several ranges count: with other conditions than ``If-Range`` the whole is what they are about."""
    if request.method != hdrs.METH_GET or any(name in request.headers for name in _CONDITIONS):
        return False
    return _is_same(request, found)


def _nothing_of(found: stat_result) -> RangeNotSatisfiable:
    size = {"Content-Range": f"bytes */{found.st_size}"}
    return RangeNotSatisfiable(f"There are {found.st_size} bytes.", headers=size)


def _takes_range(request: web.BaseRequest, found: stat_result) -> bool:
    """Tell whether a request's range counts (RFC 9110, 14.2).

    Raises:
        RangeNotSatisfiable: The file has none of its bytes.
    """
    match = _RANGE.fullmatch(request.headers[hdrs.RANGE].strip())
    if request.method != hdrs.METH_GET or match is None or not _is_same(request, found):
        return False
    first, last, suffix = match.groups()
    if last and int(last) < int(first):
        return False
    is_beyond = int(suffix) == 0 if first is None else int(first) >= found.st_size
    if is_beyond and not _is_known(request, found):
        raise _nothing_of(found)
    return True


def _is_same(request: web.BaseRequest, found: stat_result) -> bool:
    """Tell whether ``If-Range`` names the file as it is now (RFC 9110, 13.1.5)."""
    condition = request.headers.get(hdrs.IF_RANGE)
    if condition is None:
        return True
    date = request.if_range
    if date is not None:
        return math.ceil(found.st_mtime) == int(date.timestamp())  # as Last-Modified is made
    return condition.strip() == f'"{_tag(found)}"'


def _is_known(request: web.BaseRequest, found: stat_result) -> bool:
    """Tell whether the client has the file already, which counts before its range does (RFC 9110, 13.2.2)."""
    tags = request.if_none_match or ()
    return ETag(value=_tag(found), is_weak=False) in tags or any(tag.value == "*" for tag in tags)


def _tag(found: stat_result) -> str:
    return f"{found.st_mtime_ns:x}-{found.st_size:x}"
