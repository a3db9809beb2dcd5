"""Files on their way to a client: with single ranges, and with errors that are problems like any others."""

from __future__ import annotations

import asyncio
import math
import mimetypes
import re
import stat
from collections.abc import Mapping
from os import stat_result
from pathlib import Path
from typing import Any

from aiohttp import ETag, hdrs, web
from multidict import CIMultiDict

from framework.errors import NotFound, RangeNotSatisfiable

_RANGE = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))", re.IGNORECASE)

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
        if hdrs.RANGE in request.headers and not _takes_range(request, found):
            headers = CIMultiDict(request.headers)
            headers.popall(hdrs.RANGE)
            request = request.clone(headers=headers)
        return await super().prepare(request)


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
        size = {"Content-Range": f"bytes */{found.st_size}"}
        raise RangeNotSatisfiable(f"There are {found.st_size} bytes.", headers=size)
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
