"""Multipart bodies within limits: aiohttp's reader, with bounds around what it takes line by line (RFC 2046, 5.1.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from aiohttp import BodyPartReader, MultipartReader, hdrs, web
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.http_parser import HeadersParser
from aiohttp.streams import StreamReader
from multidict import CIMultiDictProxy

from framework.errors import ContentTooLarge, MalformedBody, ServiceError, UnsupportedMediaType
from framework.forms import FormLimits
from framework.http.charsets import find_charset
from framework.http.parameters import parse_parameters
from framework.server.request_checks import CONTENT_TYPE_LENGTH

#: Lines in front of the first boundary, of at most so many bytes each: nobody reads them, and nearly nobody writes any.
PREAMBLE_LINES: Final = 16
LINE_BYTES: Final = 1024
PART_HEADERS: Final = 32
_CHARSET_FIELD = "_charset_"
_CHARSET_BYTES = 64


class MalformedForm(MalformedBody, ValueError):
    """A form that cannot be read; a ValueError too, as aiohttp's own errors here are."""


@contextmanager
def explained() -> Iterator[None]:
    """Tell the client of whatever aiohttp's reader stumbles over in a body.

    Raises:
        MalformedForm: The body is not well-formed.
    """
    try:
        yield
    except (ServiceError, web.RequestPayloadError):
        raise
    except (ValueError, LookupError, AssertionError, RuntimeError, BadHttpMessage) as error:
        raise MalformedForm("The form is not well-formed multipart/form-data.") from error


class Bounds:
    """What one body may still hold, nested multipart bodies included.

    Args:
        body_bytes: The limit of the whole body.
    """

    def __init__(self, limits: FormLimits, body_bytes: int) -> None:
        self.limits = limits
        self._body_bytes = body_bytes
        self._parts = 0

    def ensure_bytes(self, content: StreamReader) -> None:
        """Check how much has arrived.

        Raises:
            ContentTooLarge: It is more than the whole body may have.
        """
        if 0 < self._body_bytes < content.total_bytes:
            raise ContentTooLarge(self._body_bytes)

    def count_part(self) -> None:
        """Count a part.

        Raises:
            MalformedForm: There are too many.
        """
        self._parts += 1
        if self._parts > self.limits.parts:
            raise MalformedForm(f"The form has more than {self.limits.parts} parts.")


class Part(BodyPartReader):
    """One part of a multipart body."""

    bounds: Bounds

    def __init__(self, boundary: bytes, headers: CIMultiDictProxy[str], *args: Any, **options: Any) -> None:
        super().__init__(boundary, headers, *args, **options)
        disposition = headers.get(hdrs.CONTENT_DISPOSITION)
        self._parameters: Mapping[str, str] = {} if disposition is None else parse_parameters(disposition)[1]

    @property
    def name(self) -> str | None:
        """The field's name; None if there is none.

        aiohttp's own reading takes the square of the parameters' number, and warns of each.
        """
        return self._parameters.get("name")

    @property
    def filename(self) -> str | None:
        """The client's name for the file; None for a field that is no file."""
        return self._parameters.get("filename")

    async def read_chunk(self, size: int = BodyPartReader.chunk_size) -> bytes:
        with explained():
            chunk = await super().read_chunk(size)
        self.bounds.ensure_bytes(self._content)
        return chunk

    async def text(self, *, encoding: str | None = None) -> str:
        with explained():
            return await super().text(encoding=encoding)

    async def json(self, *, encoding: str | None = None) -> dict[str, Any] | None:
        with explained():
            return await super().json(encoding=encoding)

    async def form(self, *, encoding: str | None = None) -> list[tuple[str, str]]:
        with explained():
            return await super().form(encoding=encoding)

    def get_charset(self, default: str) -> str:
        """Return the encoding of its text.

        Raises:
            UnsupportedMediaType: It is none that text is sent in.
        """
        charset = find_charset(super().get_charset(default))
        if charset is None:
            raise UnsupportedMediaType(self.headers.get(hdrs.CONTENT_TYPE, ""), ["text/plain; charset=utf-8"])
        return charset


class Multipart(MultipartReader):
    """A multipart body whose preamble, parts, headers of parts and epilogue are counted as they come."""

    part_reader_cls = Part
    bounds: Bounds
    is_whole = False

    async def next(self) -> MultipartReader | BodyPartReader | None:
        """Return the next part, or None behind the last one.

        Raises:
            MalformedForm: The body is not well-formed, or has too many parts.
            ContentTooLarge: More has arrived than the body may have.
        """
        with explained():
            part = await self._next()
            if part is None and self.is_whole:
                while await self._content.readany():  # the epilogue
                    self.bounds.ensure_bytes(self._content)
            return part

    async def _next(self) -> MultipartReader | BodyPartReader | None:
        if self._at_eof:
            return None
        await self._maybe_release_last_part()
        is_first, self._at_bof = self._at_bof, False
        await (self._read_until_first_boundary() if is_first else self._read_boundary())
        if self.at_eof():
            return None
        part = self._last_part = await self.fetch_next_part()
        if is_first and isinstance(part, BodyPartReader) and part.name == _CHARSET_FIELD:
            # What the fields are written in, unless they say so themselves (RFC 7578, 4.6).
            charset = find_charset((await part.read_chunk(_CHARSET_BYTES)).decode("ascii").strip())
            if charset is None:
                raise MalformedForm("The form names an encoding that text is not sent in.")
            self._default_charset = charset
            return await self._next()
        return part

    async def fetch_next_part(self) -> MultipartReader | BodyPartReader:
        self.bounds.count_part()
        part = await super().fetch_next_part()
        part.bounds = self.bounds  # type: ignore[union-attr] # both kinds are ours
        return part

    async def _read_until_first_boundary(self) -> None:
        for _ in range(PREAMBLE_LINES):
            line = (await self._readline()).rstrip(b" \t\r\n")
            if line in (self._boundary, self._boundary + b"--"):
                self._at_eof = line.endswith(b"--") and line != self._boundary
                return
        raise ValueError(f"There is no boundary within {PREAMBLE_LINES} lines.")

    async def _readline(self) -> bytes:
        if self._unread:
            return self._unread.pop()
        line = await self._content.readline(max_line_length=LINE_BYTES)
        self.bounds.ensure_bytes(self._content)
        return line

    async def _read_headers(self) -> CIMultiDictProxy[str]:
        limit, size = self.bounds.limits.part_header_bytes, 0
        lines: list[bytes] = []
        while line := (await self._content.readline(max_line_length=limit)).rstrip(b"\r\n"):
            size += len(line) + len(b"\r\n")
            lines.append(line)
            if size > limit or len(lines) > PART_HEADERS:
                raise MalformedForm(f"A part may have {PART_HEADERS} headers, of {limit} bytes together.")
        self.bounds.ensure_bytes(self._content)
        headers, _ = HeadersParser(max_field_size=limit).parse_headers([*lines, b""])
        if len(headers.get(hdrs.CONTENT_TYPE, "")) > CONTENT_TYPE_LENGTH:
            raise MalformedForm(f"The Content-Type of a part must be within {CONTENT_TYPE_LENGTH} bytes.")
        return headers


def multipart_of(
    headers: CIMultiDictProxy[str], content: StreamReader, limits: FormLimits, body_bytes: int
) -> Multipart:
    """Return what reads a multipart body.

    Raises:
        UnsupportedMediaType: It is none.
        MalformedForm: Its boundary cannot be used.
    """
    media_type = headers.get(hdrs.CONTENT_TYPE, "")
    if not media_type.lower().startswith("multipart/"):
        raise UnsupportedMediaType(media_type, ["multipart/form-data"])
    with explained():
        reader = Multipart(
            headers,
            content,
            client_max_size=body_bytes,
            max_headers=PART_HEADERS,
            max_size_error_cls=web.HTTPRequestEntityTooLarge,
        )
    reader.bounds, reader.is_whole = Bounds(limits, body_bytes), True
    return reader
