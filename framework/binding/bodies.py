"""Request bodies, read within their limits, and what JSON in them becomes."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, get_args, get_origin

from aiohttp import hdrs, web
from marshmallow import ValidationError

from framework import validation
from framework.adapters.aiohttp.requests import body_limit, read_all, take_whole_body
from framework.annotations import strip
from framework.binding.schemas import is_schema, schema_for
from framework.endpoint import Endpoint, Parameter
from framework.errors import ContentTooLarge, MalformedBody, UnprocessableContent, UnsupportedMediaType

JSON = "application/json"
_CONTENT_TYPE = hdrs.CONTENT_TYPE

# JSON is UTF-8 (RFC 8259, 8.1), and ASCII is that too.
_JSON_CHARSETS = frozenset({"", "utf-8", "utf8", "us-ascii", "ascii"})

Arguments = dict[str, Any]
ReadPayload = Callable[[web.Request], Arguments | Awaitable[Arguments]]
"""What reads arguments from a request: at once where all of them are here, or in a while."""


def body_reader(endpoint: Endpoint, parameter: Parameter) -> ReadPayload:
    """Return what reads the body into the endpoint's ``body``."""
    if strip(parameter.annotation).kind is bytes:
        return _bytes_reader(parameter)
    loaded, name = _loading(endpoint, parameter), parameter.name
    default = default_of(parameter)

    async def read_later(request: web.Request) -> Arguments:
        return loaded(await read_body(request))

    async def read_if_sent(request: web.Request) -> Arguments:
        if not await has_body(request):
            return {name: default}
        arguments = read(request)
        return arguments if isinstance(arguments, dict) else await arguments

    def read(request: web.Request) -> Arguments | Awaitable[Arguments]:
        # PERF: what nearly all clients write needs no parsing.
        if request.headers.get(_CONTENT_TYPE) != JSON:
            _ensure_json(request)
        # PERF: nor has a body to be waited for that came with its head.
        body = take_whole_body(request)
        return read_later(request) if body is None else loaded(body)

    return read_if_sent if parameter.optional else read


def _loading(endpoint: Endpoint, parameter: Parameter) -> Callable[[bytes], Arguments]:
    """Return what makes the argument of a body."""
    load_json, name = _json_loader(endpoint, parameter), parameter.name

    def loaded(body: bytes) -> Arguments:
        try:
            return {name: load_json(body)}
        except validation.MalformedJSON as error:
            raise MalformedBody(str(error)) from error
        except ValidationError as error:
            raise UnprocessableContent(validation.faults(error, "body")) from error

    return loaded


def default_of(parameter: Parameter) -> Any:
    """Return what stands for a body that was not sent."""
    return None if parameter.default is inspect.Parameter.empty else parameter.default


def _bytes_reader(parameter: Parameter) -> ReadPayload:
    async def read(request: web.Request) -> Arguments:
        return {parameter.name: await read_body(request)}

    return read


def _json_loader(endpoint: Endpoint, parameter: Parameter) -> Callable[[bytes], Any]:
    kind, optional, extras = strip(parameter.annotation)
    if not any(is_schema(each) for each in extras):
        if any(kind is each for each in (Any, object, inspect.Parameter.empty)):
            return validation.decode
        origin, args = get_origin(kind) or kind, get_args(kind)
        for free, wanted in _FREE_FORM.items():
            if origin in wanted and {*args} <= {str, Any, object} and args[-1:] != (str,):
                return _free_form(free, optional)
    return validation.compile(schema_for(endpoint, parameter)).load_json


_FREE_FORM: dict[type, tuple[Any, ...]] = {dict: (dict, Mapping), list: (list, Sequence)}


def _free_form(kind: type, optional: bool) -> Callable[[bytes], Any]:
    """Return what reads JSON of which only that it is an object, or an array, was said."""
    name = "an object" if kind is dict else "an array"

    def load_json(document: bytes) -> Any:
        value = validation.decode(document)
        if type(value) is kind or (value is None and optional):
            return value
        raise ValidationError(f"Not a valid JSON document here: send {name}.")

    return load_json


def _ensure_json(request: web.Request) -> None:
    """Check that a body is declared as JSON.

    Raises:
        UnsupportedMediaType: It is declared as something else, or in another charset than UTF-8.
    """
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
    if request.content_type.startswith("multipart/"):
        return True  # at least a boundary; it is read part by part
    return bool(await read_body(request))


async def read_body(request: web.Request) -> bytes:
    """Return the whole body; it is kept, so that it can be read again.

    Raises:
        ContentTooLarge: It is longer than the endpoint's limit; nothing beyond the limit was read.
    """
    body = take_whole_body(request)
    if body is not None:
        return body
    limit = body_limit(request)
    if (request.content_length or 0) > limit:
        raise ContentTooLarge(limit)
    try:
        body = await read_all(request, limit)
    except web.HTTPRequestEntityTooLarge as error:
        raise ContentTooLarge(limit) from error
    if len(body) > limit:
        raise ContentTooLarge(limit)
    return body
