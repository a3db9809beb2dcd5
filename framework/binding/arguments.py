"""Where a handler's arguments come from: one reader for each part of a request."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args, get_origin

from aiohttp import hdrs, web
from marshmallow import EXCLUDE, Schema, ValidationError, fields
from multidict import MultiDict

from framework import validation
from framework.annotations import strip
from framework.binding.bodies import has_body, read_body, read_form, read_json
from framework.binding.provided import is_synchronous, taker
from framework.binding.schemas import fallback, is_schema, schema_for, schema_of_values
from framework.context import CSRF_CHECK, CSRF_FIELD, FORM, services
from framework.endpoint import Endpoint, Parameter, Provide, Source
from framework.errors import ConfigurationError, MalformedBody, UnprocessableContent
from framework.forms import Form, FormData, FormLimits, errors_by_field
from framework.http.charsets import is_encodable
from framework.http.cookies import parse_cookies
from framework.problem import Fault

Arguments = Mapping[str, Any]
Pairs = Callable[[web.Request], Iterable[tuple[str, str]]]
ReadValues = Callable[[web.Request], Arguments]
ReadPayload = Callable[[web.Request], Awaitable[dict[str, Any]]]
Take = Callable[[web.Request], Any]
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
    whole = next((parameter for parameter in parameters if not parameter.key), None)
    single = [parameter for parameter in parameters if parameter.key]
    if not single:
        return _record_reader(endpoint, parameters[0])
    if whole is None:
        return _single_reader(endpoint, single, alone=True)
    return _mixed_reader(endpoint, single, whole)


def _path_reader(endpoint: Endpoint, parameters: Sequence[Parameter]) -> ReadValues:
    load = validation.compile(schema_of_values(endpoint, parameters, unknown="raise")).load
    names = tuple(parameter.name for parameter in parameters)

    def read(request: web.Request) -> Arguments:
        segments = request.match_info
        arguments: Arguments = _loaded(load, {name: segments[name] for name in names}, "path")
        return arguments

    return read


def _record_reader(
    endpoint: Endpoint, parameter: Parameter, *, without: frozenset[str] = frozenset()
) -> ReadValues:
    """Read the query, the headers or the cookies; an empty value counts as none, as HTML forms send it.

    Args:
        without: Names that are parameters of their own.
    """
    schema = schema_for(endpoint, parameter, text=True)
    load = validation.compile(schema).load
    name, location = parameter.name, parameter.source.value
    many, known = _multiple(schema), _known(schema)
    keys = {
        key: key.replace("_", "-") if parameter.source is Source.HEADERS else key for key in _keys(schema)
    }
    pairs = _pairs(parameter.source, keys, many)

    def read(request: web.Request) -> Arguments:
        return {name: _loaded(load, _gather(pairs(request), many, known, location), location)}

    def read_rest(request: web.Request) -> Arguments:
        rest = [pair for pair in pairs(request) if pair[0] not in without]
        return {name: _loaded(load, _gather(rest, many, known, location), location)}

    return read_rest if without else read


def _single_reader(endpoint: Endpoint, parameters: Sequence[Parameter], *, alone: bool) -> ReadValues:
    """Read parameters that are one query parameter, header or cookie each.

    Args:
        alone: Nothing else of the endpoint reads this part.
    """
    source = parameters[0].source
    is_all = alone and source is Source.QUERY
    unknown = endpoint.options.conventions.option if is_all else "exclude"
    schema = schema_of_values(endpoint, parameters, unknown=unknown)
    load = validation.compile(schema).load
    names = {parameter.name: parameter.key for parameter in parameters}
    if len({*names.values()}) < len(names):
        raise ConfigurationError(
            f"{endpoint}: two parameters take the same of {source.value}: {sorted(names)}."
        )
    location, many, known = source.value, _multiple(schema), _known(schema)
    pairs = _pairs(source, {key: key for key in names.values()}, many)

    def read(request: web.Request) -> Arguments:
        values = _loaded(load, _gather(pairs(request), many, known, location), location)
        return {name: values[key] for name, key in names.items()}

    return read


def _mixed_reader(endpoint: Endpoint, single: Sequence[Parameter], whole: Parameter) -> ReadValues:
    """Read parameters of their own, and a record of all the others."""
    read_single = _single_reader(endpoint, single, alone=False)
    read_rest = _record_reader(endpoint, whole, without=frozenset(parameter.key for parameter in single))

    def read(request: web.Request) -> Arguments:
        faults: list[Fault] = []
        arguments: dict[str, Any] = {}
        for part in (read_single, read_rest):
            try:
                arguments.update(part(request))
            except UnprocessableContent as error:
                faults += error.faults
        if faults:
            raise UnprocessableContent(faults)
        return arguments

    return read


def _pairs(source: Source, keys: Mapping[str, str], many: frozenset[str]) -> Pairs:
    """Return what picks names and values out of a request.

    Args:
        keys: The names in the headers or cookies, by those in the schema.
        many: Those that stand for several values.
    """
    if source is Source.QUERY:
        return _query
    if source is Source.COOKIES:

        def cookies(request: web.Request) -> Iterable[tuple[str, str]]:
            sent = parse_cookies(request.headers.getall(hdrs.COOKIE, ()))
            return [(key, sent[name]) for key, name in keys.items() if name in sent]

        return cookies

    def headers(request: web.Request) -> Iterable[tuple[str, str]]:
        sent = request.headers
        for key, name in keys.items():
            for line in sent.getall(name, ()):
                if key in many:  # lines of one name are one list, with commas between (RFC 9110, 5.3)
                    yield from ((key, item.strip()) for item in line.split(","))
                else:
                    yield key, line

    return headers


def _query(request: web.Request) -> Iterable[tuple[str, str]]:
    return request.query.items()


def _keys(schema: Schema) -> tuple[str, ...]:
    return tuple(field.data_key or name for name, field in schema.fields.items())


def _multiple(schema: Schema) -> frozenset[str]:
    return frozenset(
        field.data_key or name
        for name, field in schema.fields.items()
        if isinstance(field, fields.List | fields.Tuple) or getattr(field, "multiple", False)
    )


def _known(schema: Schema) -> frozenset[str] | None:
    """Return the names that a schema reads, if it drops all others."""
    return frozenset(_keys(schema)) if schema.unknown == EXCLUDE else None


def _gather(
    pairs: Iterable[tuple[str, Any]], many: frozenset[str], known: frozenset[str] | None, location: str
) -> dict[str, Any]:
    """Turn name-value pairs into the mapping that a schema loads.

    Raises:
        UnprocessableContent: A name that stands for one value was sent several times.
    """
    data: dict[str, Any] = {}
    for name, value in pairs:
        if value == "":
            continue
        if not is_encodable(name) or not is_encodable(value):
            pointer = f"/{name.encode(errors='replace').decode()}"
            raise UnprocessableContent([Fault(location, pointer, "Not UTF-8.")])
        if name in many:
            data.setdefault(name, []).append(value)
        elif name in data and (known is None or name in known):
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
    default = _default(parameter)

    async def read(request: web.Request) -> dict[str, Any]:
        if optional and not await has_body(request):
            return {name: default}
        body = await read_json(request)
        try:
            return {name: load_json(body)}
        except validation.MalformedJSON as error:
            raise MalformedBody(str(error)) from error
        except ValidationError as error:
            raise UnprocessableContent(validation.faults(error, "body")) from error

    return read


def _default(parameter: Parameter) -> Any:
    return None if parameter.default is inspect.Parameter.empty else parameter.default


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


def _form_reader(endpoint: Endpoint, parameter: Parameter, limits: FormLimits) -> ReadPayload:
    annotation = strip(parameter.annotation).kind
    shown = get_origin(annotation) is Form
    inner = replace(parameter, annotation=get_args(annotation)[0]) if shown else parameter
    schema = schema_for(endpoint, inner, text=True)
    load = validation.compile(schema).load
    many, known = _multiple(schema), _known(schema)
    optional, default = parameter.optional, _default(parameter)

    async def read(request: web.Request) -> dict[str, Any]:
        if optional and not await has_body(request):
            _check_token(request, MultiDict())
            return {parameter.name: default}
        form = request[FORM] = await read_form(request, limits)
        _check_token(request, form)
        try:
            value = _loaded(load, _gather(form.items(), many, known, "form"), "form")
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


def take_reader(parameter: Parameter) -> Take | None:
    """Return what takes an argument that is at hand: the request, or a value of a battery; None for other ones."""
    if parameter.source is Source.REQUEST:
        return _request
    if parameter.provide is not None and is_synchronous(parameter.provide):
        return taker(parameter.provide, fallback(parameter))
    return None


def fetch_reader(parameter: Parameter) -> Fetch:
    """Return what fetches an argument that has to be waited for: a value of a battery, or a service."""
    provide: Provide | None = parameter.provide
    if provide is not None:
        return taker(provide, fallback(parameter))
    kind = strip(parameter.annotation).kind

    async def fetch(request: web.Request) -> Any:
        return await services(request).aget_abstract(kind)

    return fetch


def _request(request: web.Request) -> web.Request:
    return request


def _loaded(load: Callable[[Any], Any], data: Mapping[str, Any], location: str) -> Any:
    try:
        return load(data)
    except ValidationError as error:
        raise UnprocessableContent(validation.faults(error, location)) from error
