"""Where a handler's arguments come from: one reader for each part of a request."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, get_args, get_origin

import aiohttp_session
import svcs
from aiohttp import web
from marshmallow import Schema, ValidationError, fields
from multidict import MultiMapping

from framework import validation
from framework.annotations import strip, without_none
from framework.binding.bodies import read_body, read_form, read_json
from framework.context import CSRF_CHECK, CSRF_FIELD, FORM, PRINCIPAL, services
from framework.endpoint import Endpoint, Parameter, Source
from framework.errors import ConfigurationError, Fault, MalformedBody, Unauthorized, UnprocessableContent
from framework.forms import Form, FormData, FormLimits, errors_by_field
from framework.principal import Principal

Arguments = Mapping[str, Any]
ReadValues = Callable[[web.Request], Arguments]
ReadPayload = Callable[[web.Request], Awaitable[dict[str, Any]]]
Fetch = Callable[[web.Request], Awaitable[Any]]

VALUES = (Source.PATH, Source.QUERY, Source.HEADERS, Source.COOKIES)
"""Parts that are at hand with the head of a request."""

PAYLOADS = (Source.BODY, Source.FORM)
"""Parts for which the body must be read."""


def values_reader(endpoint: Endpoint, source: Source) -> ReadValues | None:
    """Return what reads the path's, query's, headers' or cookies' arguments; None if the endpoint takes none."""
    parameters = [parameter for parameter in endpoint.parameters if parameter.source is source]
    if not parameters:
        return None
    if source is Source.PATH:
        return _path_reader(endpoint, parameters)
    return _pairs_reader(endpoint, parameters[0])


def _path_reader(endpoint: Endpoint, parameters: list[Parameter]) -> ReadValues:
    annotations = {
        p.name: str if p.annotation is inspect.Parameter.empty else p.annotation for p in parameters
    }
    names = tuple(annotations)
    with _blaming(endpoint, "path"):
        load = validation.compile(
            validation.schema_from_fields(
                endpoint.origin, annotations, defaults={}, text=True, unknown="raise"
            )
        ).load

    def read(request: web.Request) -> Arguments:
        segments = request.match_info
        arguments: Arguments = _loaded(load, {name: segments[name] for name in names}, "path")
        return arguments

    return read


def _pairs_reader(endpoint: Endpoint, parameter: Parameter) -> ReadValues:
    """Read the query, the headers or the cookies; an empty value counts as none, as HTML forms send it."""
    schema = _schema(endpoint, parameter, text=True)
    load = validation.compile(schema).load
    location = parameter.source.value
    pairs = {Source.QUERY: _query, Source.HEADERS: _headers(schema), Source.COOKIES: _cookies(schema)}[
        parameter.source
    ]
    many = _multiple(schema)

    def read(request: web.Request) -> Arguments:
        return {parameter.name: _loaded(load, _gather(pairs(request), many, location), location)}

    return read


def _query(request: web.Request) -> MultiMapping[str]:
    return request.query


def _headers(schema: Schema) -> Callable[[web.Request], Mapping[str, str]]:
    names = {key: key.replace("_", "-") for key in _keys(schema)}

    def pairs(request: web.Request) -> Mapping[str, str]:
        sent = request.headers
        return {key: sent[name] for key, name in names.items() if name in sent}

    return pairs


def _cookies(schema: Schema) -> Callable[[web.Request], Mapping[str, str]]:
    names = _keys(schema)

    def pairs(request: web.Request) -> Mapping[str, str]:
        sent = request.cookies
        return {name: sent[name] for name in names if name in sent}

    return pairs


def _keys(schema: Schema) -> tuple[str, ...]:
    return tuple(field.data_key or name for name, field in schema.fields.items())


def _multiple(schema: Schema) -> frozenset[str]:
    return frozenset(
        field.data_key or name
        for name, field in schema.fields.items()
        if isinstance(field, fields.List | fields.Tuple) or getattr(field, "multiple", False)
    )


def _gather(pairs: Mapping[str, Any], many: frozenset[str], location: str) -> dict[str, Any]:
    """Turn name-value pairs into the mapping that a schema loads.

    Raises:
        UnprocessableContent: A name that stands for one value was sent several times.
    """
    data: dict[str, Any] = {}
    for name, value in pairs.items():
        if value == "":
            continue
        if name in many:
            data.setdefault(name, []).append(value)
        elif name in data:
            raise UnprocessableContent([Fault(location, f"/{name}", "Send it once.")])
        else:
            data[name] = value
    return data


def payload_reader(endpoint: Endpoint, parameter: Parameter, limits: FormLimits) -> ReadPayload:
    """Return what reads the body into the endpoint's ``body`` or ``form``."""
    if parameter.source is Source.FORM:
        return _form_reader(endpoint, parameter, limits)
    if strip(parameter.annotation).kind is bytes:
        return _bytes_reader(parameter)
    return _body_reader(endpoint, parameter)


def _bytes_reader(parameter: Parameter) -> ReadPayload:
    async def read(request: web.Request) -> dict[str, Any]:
        return {parameter.name: await read_body(request)}

    return read


def _body_reader(endpoint: Endpoint, parameter: Parameter) -> ReadPayload:
    load_json, name, optional = _json_loader(endpoint, parameter), parameter.name, parameter.optional
    default = None if parameter.default is inspect.Parameter.empty else parameter.default

    async def read(request: web.Request) -> dict[str, Any]:
        if optional and not request.can_read_body:
            return {name: default}
        body = await read_json(request)
        try:
            return {name: load_json(body)}
        except validation.MalformedJSON as error:
            raise MalformedBody(str(error)) from error
        except ValidationError as error:
            raise UnprocessableContent(validation.faults(error, "body")) from error

    return read


def _json_loader(endpoint: Endpoint, parameter: Parameter) -> Callable[[bytes], Any]:
    kind = strip(parameter.annotation).kind
    if kind in (Any, inspect.Parameter.empty, dict, list) or _is_free_form(parameter.annotation):
        return validation.decode
    return validation.compile(_schema(endpoint, parameter)).load_json


def _is_free_form(annotation: Any) -> bool:
    stripped = strip(annotation)
    return get_origin(stripped.kind) is dict and not stripped.extras and get_args(stripped.kind)[1] is Any


def _form_reader(endpoint: Endpoint, parameter: Parameter, limits: FormLimits) -> ReadPayload:
    annotation = strip(parameter.annotation).kind
    shown = get_origin(annotation) is Form
    inner = Parameter(parameter.name, Source.FORM, get_args(annotation)[0]) if shown else parameter
    schema = _schema(endpoint, inner, text=True)
    load = validation.compile(schema).load
    many = _multiple(schema)

    async def read(request: web.Request) -> dict[str, Any]:
        form = request[FORM] = await read_form(request, limits)
        _check_token(request, form)
        try:
            value = _loaded(load, _gather(form, many, "form"), "form")
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


def later_reader(endpoint: Endpoint, parameter: Parameter) -> Fetch:
    """Return what fetches an argument that needs no validation: request, principal, session or service."""
    if parameter.source is Source.REQUEST:
        return _request
    if parameter.source is Source.PRINCIPAL:
        return _principal_or_none if parameter.optional else _principal
    if parameter.source is Source.SESSION:
        return aiohttp_session.get_session
    return _service_reader(endpoint, parameter)


async def _request(request: web.Request) -> web.Request:
    return request


async def _principal(request: web.Request) -> Principal:
    if PRINCIPAL not in request:
        raise Unauthorized
    return request[PRINCIPAL]


async def _principal_or_none(request: web.Request) -> Principal | None:
    return request.get(PRINCIPAL)


def _service_reader(endpoint: Endpoint, parameter: Parameter) -> Fetch:
    kind = strip(parameter.annotation).kind

    async def fetch(request: web.Request) -> Any:
        container: svcs.Container = services(request)
        return await container.aget_abstract(kind)

    return fetch


def _loaded(load: Callable[[Any], Any], data: Mapping[str, Any], location: str) -> Any:
    try:
        return load(data)
    except ValidationError as error:
        raise UnprocessableContent(validation.faults(error, location)) from error


def _schema(endpoint: Endpoint, parameter: Parameter, *, text: bool = False) -> Schema:
    with _blaming(endpoint, parameter.name):
        return validation.schema_of(without_none(parameter.annotation), text=text)


class _blaming:  # noqa: N801 - reads as a verb
    """Name the endpoint and the parameter in an error about a type."""

    def __init__(self, endpoint: Endpoint, parameter: str) -> None:
        self._where = f"{endpoint}: parameter '{parameter}'"

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, ConfigurationError):
            raise ConfigurationError(f"{self._where}: {error}") from error
