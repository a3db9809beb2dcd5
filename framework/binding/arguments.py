"""Arguments that are at hand with the head of a request: one reader for each part of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from aiohttp import hdrs, web
from marshmallow import EXCLUDE, Schema, ValidationError

from framework import validation
from framework.adapters.aiohttp.requests import variables_of
from framework.binding.schemas import fallback, loader_of, schema_for, schema_of_values, takes_several
from framework.endpoint import Endpoint, Parameter, Source
from framework.errors import ConfigurationError, UnprocessableContent
from framework.http.charsets import is_encodable
from framework.http.cookies import parse_cookies
from framework.problem import Fault
from framework.validation.faults import segment

Arguments = Mapping[str, Any]
Pairs = Callable[[web.Request], Iterable[tuple[str, str]]]
ReadValues = Callable[[web.Request], Arguments]

VALUES = (Source.PATH, Source.QUERY, Source.HEADERS, Source.COOKIES)
"""Parts that are at hand with the head of a request."""


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
    load = loader_of(endpoint, parameters, schema_of_values(endpoint, parameters, unknown="raise"))
    names = tuple(parameter.name for parameter in parameters)

    def read(request: web.Request) -> Arguments:
        segments = variables_of(request)
        arguments: Arguments = loaded(load, {name: segments[name] for name in names}, "path")
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
    load = loader_of(endpoint, [parameter], schema)
    name, location = parameter.name, parameter.source.value
    many, known = multiple_names(schema), known_names(schema)
    keys = {
        key: key.replace("_", "-") if parameter.source is Source.HEADERS else key for key in _keys(schema)
    }
    pairs = _pairs(parameter.source, keys, many)

    absent = fallback(parameter) if parameter.optional else None

    def read(request: web.Request) -> Arguments:
        return {name: loaded(load, gather(pairs(request), many, known, location), location)}

    def read_any(request: web.Request) -> Arguments:
        data = gather(pairs(request), many, known, location)
        return {name: loaded(load, data, location) if data else absent}

    def read_rest(request: web.Request) -> Arguments:
        rest = [pair for pair in pairs(request) if pair[0] not in without]
        return {name: loaded(load, gather(rest, many, known, location), location)}

    if without:
        return read_rest
    return read_any if parameter.optional else read


def _single_reader(endpoint: Endpoint, parameters: Sequence[Parameter], *, alone: bool) -> ReadValues:
    """Read parameters that are one query parameter, header or cookie each.

    Args:
        alone: Nothing else of the endpoint reads this part.
    """
    source = parameters[0].source
    is_all = alone and source is Source.QUERY
    unknown = endpoint.options.conventions.option if is_all else "exclude"
    schema = schema_of_values(endpoint, parameters, unknown=unknown)
    load = loader_of(endpoint, parameters, schema)
    names = {parameter.name: parameter.key for parameter in parameters}
    if len({*names.values()}) < len(names):
        raise ConfigurationError(
            f"{endpoint}: two parameters take the same of {source.value}: {sorted(names)}."
        )
    location, many, known = source.value, multiple_names(schema), known_names(schema)
    pairs = _pairs(source, {key: key for key in names.values()}, many)

    def read(request: web.Request) -> Arguments:
        values = loaded(load, gather(pairs(request), many, known, location), location)
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


def multiple_names(schema: Schema) -> frozenset[str]:
    """Return the names that may stand for several values."""
    return frozenset(field.data_key or name for name, field in schema.fields.items() if takes_several(field))


def known_names(schema: Schema) -> frozenset[str] | None:
    """Return the names that a schema reads, if it drops all others."""
    return frozenset(_keys(schema)) if schema.unknown == EXCLUDE else None


def gather(
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
            raise UnprocessableContent([Fault(location, f"/{segment(name)}", "Not UTF-8.")])
        if name in many:
            data.setdefault(name, []).append(value)
        elif name in data and (known is None or name in known):
            raise UnprocessableContent([Fault(location, f"/{segment(name)}", "Send it once.")])
        else:
            data[name] = value
    return data


def loaded(load: Callable[[Any], Any], data: Mapping[str, Any], location: str) -> Any:
    """Return what a loader makes of data.

    Raises:
        UnprocessableContent: The data is not valid.
    """
    try:
        return load(data)
    except ValidationError as error:
        raise UnprocessableContent(validation.faults(error, location)) from error
