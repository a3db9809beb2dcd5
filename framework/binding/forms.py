"""Forms, urlencoded and multipart, read within their limits."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast, get_args, get_origin

from aiohttp import BodyPartReader, hdrs, web
from aiohttp.http_exceptions import BadHttpMessage
from multidict import MultiDict

from framework.adapters.aiohttp.requests import body_limit
from framework.annotations import strip
from framework.binding.arguments import gather, known_names, loaded, multiple_names
from framework.binding.bodies import ReadPayload, default_of, has_body, read_body
from framework.binding.schemas import loader_of, schema_for
from framework.context import CSRF_CHECK, CSRF_FIELD, FORM
from framework.endpoint import Endpoint, Parameter
from framework.errors import ContentTooLarge, MalformedBody, UnprocessableContent, UnsupportedMediaType
from framework.forms import Form, FormData, FormLimits, UploadedFile, errors_by_field
from framework.http.urlencoded import parse_urlencoded
from framework.problem import Fault
from framework.responses import safe_filename
from framework.validation.faults import segment

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

# What such a transfer encoding says is that nothing is encoded (RFC 2045, 6.2); some clients always say it.
_IDENTITY = frozenset({"", "7bit", "8bit", "binary", "identity"})
# A type, and parameters in printable ASCII (RFC 9110, 8.3.1).
_MEDIA_TYPE = re.compile(r"[!#$&^_.+\w-]{1,127}/[!#$&^_.+*\w-]{1,127}(?:[ \t]*;[\t -~]*)?", re.ASCII)
_MEMORY_BYTES = 256 * 1024
_CHUNK_BYTES = 64 * 1024
# NOTE: aiohttp's multipart parser reports broken input with whatever exception it stumbles over.
_MALFORMED = (ValueError, LookupError, AssertionError, RuntimeError, BadHttpMessage, web.HTTPException)


def form_reader(endpoint: Endpoint, parameter: Parameter, limits: FormLimits) -> ReadPayload:
    """Return what reads the form into the endpoint's ``form``."""
    annotation = strip(parameter.annotation).kind
    shown = get_origin(annotation) is Form
    inner = replace(parameter, annotation=get_args(annotation)[0]) if shown else parameter
    schema = schema_for(endpoint, inner, text=True)
    load = loader_of(endpoint, [inner], schema)
    many, known = multiple_names(schema), known_names(schema)
    optional, default = parameter.optional, default_of(parameter)

    async def read(request: web.Request) -> dict[str, Any]:
        if optional and not await has_body(request):
            _check_token(request, MultiDict())
            return {parameter.name: default}
        form = request[FORM] = await read_form(request, limits)
        _check_token(request, form)
        try:
            value = loaded(load, gather(form.items(), many, known, "form"), "form")
        except UnprocessableContent as error:
            if not shown:
                raise
            return {parameter.name: Form(data=_texts(form), errors=errors_by_field(error.faults))}
        return {parameter.name: Form(value, _texts(form)) if shown else value}

    return read


def _check_token(request: web.Request, form: FormData) -> None:
    """Take the token out of the form; if it is what the request hangs on, check it."""
    tokens = form.popall(CSRF_FIELD, [])
    check = request.get(CSRF_CHECK)
    if check is not None:
        check(tokens[0] if tokens and isinstance(tokens[0], str) else None)


def _texts(form: FormData) -> dict[str, str]:
    return {name: value for name, value in form.items() if isinstance(value, str)}


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
        raise UnprocessableContent(
            [Fault("form", f"/{segment(part.name)}", "Its Content-Type is no media type.")]
        )
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
