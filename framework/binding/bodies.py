"""Request bodies, read within their limits: JSON, urlencoded forms and multipart forms."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Iterable
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from aiohttp import BodyPartReader, hdrs, web
from aiohttp.http_exceptions import BadHttpMessage
from multidict import MultiDict

from framework.adapters.aiohttp.requests import body_limit, read_all, take_whole_body
from framework.errors import ContentTooLarge, MalformedBody, UnprocessableContent, UnsupportedMediaType
from framework.forms import FormData, FormLimits, UploadedFile
from framework.http.urlencoded import parse_urlencoded
from framework.problem import Fault
from framework.responses import safe_filename

JSON = "application/json"
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

# JSON is UTF-8 (RFC 8259, 8.1), and ASCII is that too.
_JSON_CHARSETS = frozenset({"", "utf-8", "utf8", "us-ascii", "ascii"})
# What such a transfer encoding says is that nothing is encoded (RFC 2045, 6.2); some clients always say it.
_IDENTITY = frozenset({"", "7bit", "8bit", "binary", "identity"})
# A type, and parameters in printable ASCII (RFC 9110, 8.3.1).
_MEDIA_TYPE = re.compile(r"[!#$&^_.+\w-]{1,127}/[!#$&^_.+*\w-]{1,127}(?:[ \t]*;[\t -~]*)?", re.ASCII)
_MEMORY_BYTES = 256 * 1024
_CHUNK_BYTES = 64 * 1024
# NOTE: aiohttp's multipart parser reports broken input with whatever exception it stumbles over.
_MALFORMED = (ValueError, LookupError, AssertionError, RuntimeError, BadHttpMessage, web.HTTPException)


def read_json(request: web.Request) -> Awaitable[bytes]:
    """Return the bytes of a body that is declared as JSON.

    Raises:
        UnsupportedMediaType: It is declared as something else, or in another charset than UTF-8.
        ContentTooLarge: It is longer than the endpoint's limit.
    """
    # PERF: what nearly all clients write needs no parsing.
    if request.headers.get(hdrs.CONTENT_TYPE) != JSON:
        _ensure_json(request)
    return read_body(request)


def _ensure_json(request: web.Request) -> None:
    media_type = request.content_type
    if media_type != JSON and not (media_type.startswith("application/") and media_type.endswith("+json")):
        raise UnsupportedMediaType(request.headers.get(hdrs.CONTENT_TYPE, ""), [JSON])
    charset = request.charset
    if charset is not None and charset.lower() not in _JSON_CHARSETS:
        raise UnsupportedMediaType(request.headers[hdrs.CONTENT_TYPE], [JSON])


async def has_body(request: web.Request) -> bool:
    """Tell whether a request brings a body of at least one byte.

    Raises:
        ContentTooLarge: It has to be read to know, and is longer than the endpoint's limit.
    """
    if not request.can_read_body or request.content_length is not None:
        return request.can_read_body
    # NOTE: a chunked body has begun when its head has come, and may yet turn out to be empty.
    if request.content_type == MULTIPART:
        return True  # at least a boundary; it is read part by part
    return bool(await read_body(request))


async def read_body(request: web.Request) -> bytes:
    """Return the whole body; it is kept, so that it can be read again.

    Raises:
        ContentTooLarge: It is longer than the endpoint's limit; nothing beyond the limit was read.
    """
    limit = body_limit(request)
    if (request.content_length or 0) > limit:
        raise ContentTooLarge(limit)
    body = take_whole_body(request)
    try:
        body = await read_all(request, limit) if body is None else body
    except web.HTTPRequestEntityTooLarge as error:
        raise ContentTooLarge(limit) from error
    if len(body) > limit:
        raise ContentTooLarge(limit)
    return body


async def read_form(request: web.Request, limits: FormLimits) -> FormData:
    """Read a form; `close_files` drops its files.

    Raises:
        UnsupportedMediaType: The body is no form.
        MalformedBody: The form cannot be read, or has too many fields or files.
        ContentTooLarge: The body or a field is longer than its limit.
    """
    form: FormData = MultiDict()
    if request.content_type == URLENCODED:
        form.extend(parse_urlencoded(await read_body(request), limits.fields))
        return form
    if request.content_type != MULTIPART:
        raise UnsupportedMediaType(request.headers.get(hdrs.CONTENT_TYPE, ""), [URLENCODED, MULTIPART])
    try:
        await _read_multipart(request, form, limits)
    except BaseException:
        close_files(form.values())
        raise
    return form


def close_files(values: Iterable[object]) -> None:
    """Drop the temporary files among these values."""
    for value in values:
        if isinstance(value, UploadedFile):
            value.close()


def _too_many(what: str, limit: int) -> MalformedBody:
    return MalformedBody(f"The form has more than {limit} {what}.")


async def _read_multipart(request: web.Request, form: FormData, limits: FormLimits) -> None:
    limit = body_limit(request)
    if (request.content_length or 0) > limit:
        raise ContentTooLarge(limit)
    try:
        async for part in await request.multipart():
            if request.content.total_bytes > limit:
                raise ContentTooLarge(limit)
            if not isinstance(part, BodyPartReader) or part.name is None:
                raise MalformedBody("A part of the form has no name.")
            if len(form) >= min(limits.fields, limits.parts):
                raise _too_many("fields", min(limits.fields, limits.parts))
            form.add(part.name, await _read_part(request, part, form, limits))
    except (MalformedBody, UnprocessableContent):
        raise
    except _MALFORMED as error:
        raise MalformedBody("The form is not well-formed multipart/form-data.") from error


async def _read_part(
    request: web.Request, part: BodyPartReader, form: FormData, limits: FormLimits
) -> str | UploadedFile:
    encodings = (
        part.headers.get(hdrs.CONTENT_TRANSFER_ENCODING, ""),
        part.headers.get(hdrs.CONTENT_ENCODING, ""),
    )
    if any(encoding.strip().lower() not in _IDENTITY for encoding in encodings):
        raise MalformedBody(
            f"The part '{str(part.name)[:100]}' is encoded; send it as it is (RFC 7578, 4.7)."
        )
    if part.filename is None:
        return (await _read_text(request, part, limits)).decode()
    is_full = sum(isinstance(value, UploadedFile) for value in form.values()) >= limits.files
    if is_full and part.filename:
        raise _too_many("files", limits.files)
    file = await _read_file(request, part)
    if part.filename or file.size:
        if is_full:
            file.close()
            raise _too_many("files", limits.files)
        return file
    file.close()
    return ""  # what a browser sends of a file input that was left blank


async def _read_text(request: web.Request, part: BodyPartReader, limits: FormLimits) -> bytes:
    text = bytearray()
    async for chunk in _chunks(request, part):
        text += chunk
        if len(text) > limits.field_bytes:
            raise ContentTooLarge(limits.field_bytes, "field")
    return bytes(text)


async def _read_file(request: web.Request, part: BodyPartReader) -> UploadedFile:
    content_type = part.headers.get(hdrs.CONTENT_TYPE, "application/octet-stream")
    if not _MEDIA_TYPE.fullmatch(content_type):
        name = str(part.name).encode(errors="replace").decode()
        raise UnprocessableContent([Fault("form", f"/{name}", "Its Content-Type is no media type.")])
    spool = SpooledTemporaryFile(_MEMORY_BYTES)  # noqa: SIM115 - it outlives this function
    size = 0
    try:
        async for chunk in _chunks(request, part):
            size += len(chunk)
            if size > _MEMORY_BYTES:
                await asyncio.to_thread(spool.write, chunk)
            else:
                spool.write(chunk)
    except BaseException:
        spool.close()
        raise
    spool.seek(0)
    return UploadedFile(safe_filename(part.filename or ""), content_type, size, cast(BinaryIO, spool))


async def _chunks(request: web.Request, part: BodyPartReader) -> AsyncIterator[bytes]:
    limit = body_limit(request)
    while chunk := await part.read_chunk(_CHUNK_BYTES):
        if request.content.total_bytes > limit:
            raise ContentTooLarge(limit)
        yield chunk
