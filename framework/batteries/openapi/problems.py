"""The errors that an endpoint can be answered with: by its signature, its marks, its batteries, and what it calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import CodeType
from typing import Any

from framework.annotations import strip
from framework.batteries.openapi.headers import headers_of_error
from framework.batteries.openapi.schemas import JSONSchema, Schemas
from framework.binding.declared import may_be_none, returns_file
from framework.endpoint import Endpoint, Parameter, Source, function_of, marks_of
from framework.errors import ServiceError
from framework.marks import Raises
from framework.problem import PROBLEM_DOCUMENT, Renderer, phrase

Told = Callable[[Endpoint], Iterable[int]]
Kinds = dict[int, list[type[ServiceError]]]

_BODY = frozenset({Source.BODY, Source.FORM})
_VALUES = frozenset({Source.PATH, Source.QUERY, Source.HEADERS, Source.COOKIES})
_TAKEN = frozenset({Source.SERVICE, Source.BATTERY})


def errors_of(endpoint: Endpoint, told: Sequence[Told] = ()) -> Kinds:
    """Return the classes of errors that an endpoint can be answered with, by their statuses.

    Args:
        told: What the service's batteries say of it, as `Battery.problems`.
    """
    found: Kinds = {}
    for kind in declared(endpoint):
        kinds = found.setdefault(kind.status, [])
        if kind not in kinds:
            kinds.append(kind)
    statuses = {*_by_signature(endpoint), *(status for mark in endpoint.marks for status in mark.problems)}
    statuses.update(status for tell in told for status in tell(endpoint))
    for status in statuses:
        kinds, usual = found.setdefault(status, []), usual_error(status)
        if usual not in kinds:
            kinds.append(usual)
    return dict(sorted(found.items()))


def is_strict(endpoint: Endpoint) -> bool:
    """Tell whether a handler names its errors, so that it may raise no others."""
    return endpoint.find(Raises) is not None


def declared(endpoint: Endpoint) -> Iterator[type[ServiceError]]:
    """Yield the errors that the handler's own marks name, and those of the functions and methods that it calls."""
    function = function_of(endpoint.handler)
    if isinstance(function, type):
        function = getattr(function, endpoint.method.lower(), function)
    for mark in (*endpoint.marks, *_marks_of_callees(function, endpoint.parameters)):
        if isinstance(mark, Raises):
            yield from mark.errors


def _marks_of_callees(function: Any, parameters: Iterable[Parameter]) -> Iterator[Any]:
    code = getattr(function, "__code__", None)
    if code is None:
        return
    services = [strip(each.annotation).kind for each in parameters if each.source in _TAKEN]
    places = [function.__globals__, *(_members(each) for each in services if isinstance(each, type))]
    for name in _names(code):
        for place in places:
            if callable(place.get(name)):
                yield from marks_of(place[name])


def _members(kind: type) -> dict[str, Any]:
    return {name: value for each in reversed(kind.__mro__) for name, value in vars(each).items()}


def _names(code: CodeType) -> Iterator[str]:
    """Yield the names of what is called in a function and in those that it defines."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _by_signature(endpoint: Endpoint) -> Iterator[int]:
    sources = {parameter.source for parameter in endpoint.parameters}
    if sources & _BODY:
        yield from (400, 413, 415, 422)
    if sources & _VALUES:
        yield 422
    if "{" in endpoint.path and (not is_strict(endpoint) or ":" in endpoint.path):
        yield 404
    if returns_file(endpoint):
        yield 416
    for each in endpoint.parameters:
        # A value that a request may lack, such as the principal of somebody unknown.
        absent = each.provide.absent if each.provide is not None else None
        error = absent() if absent is not None and not may_be_none(each.annotation) else None
        if isinstance(error, ServiceError):
            yield error.status


def usual_error(status: int) -> type[ServiceError]:
    """Return the class of `framework.errors` for a status; ServiceError where it has none."""
    kinds = [each for each in ServiceError.__subclasses__() if each.__module__ == ServiceError.__module__]
    return next((each for each in kinds if each.status == status), ServiceError)


class Problems:
    """The descriptions of errors, that of each class once."""

    def __init__(self, schemas: Schemas, renderer: Renderer) -> None:
        self._schemas = schemas
        self._renderer = renderer
        self._shown: dict[type[ServiceError], JSONSchema] = {}
        self._responses: dict[tuple[type[ServiceError], ...], JSONSchema] = {}
        shape = renderer.schema
        self._shape = schemas.add("Problem", dict(shape)) if isinstance(shape, Mapping) else schemas.of(shape)

    def responses(self, kinds: Kinds) -> dict[str, JSONSchema]:
        """Return the responses of an operation for these errors, and for any other."""
        found = {str(status): self._response(status, tuple(each)) for status, each in kinds.items()}
        other = {"description": "Any other error", "content": self._content(self._shape)}
        return {**found, "default": self._schemas.add_response("Error", other)}

    def _response(self, status: int, kinds: tuple[type[ServiceError], ...]) -> JSONSchema:
        if kinds in self._responses:
            return self._responses[kinds]
        kind, *others = kinds
        name = "".join(word.capitalize() for word in phrase(status).split())
        schemas = [self._schema(each, name, status) for each in kinds]
        content = schemas[0] if len(schemas) == 1 or schemas[0] == schemas[-1] else {"anyOf": schemas}
        response: JSONSchema = {"description": phrase(status), "content": self._content(content)}
        headers = headers_of_error(status)
        if headers:
            response["headers"] = headers
        if others:
            return response
        own = name if kind is ServiceError else kind.__name__
        found = self._responses[kinds] = self._schemas.add_response(own, response)
        return found

    def _content(self, schema: JSONSchema) -> JSONSchema:
        return {self._renderer.media_type: {"schema": schema}}

    def _schema(self, kind: type[ServiceError], name: str, status: int) -> JSONSchema:
        if self._renderer is not PROBLEM_DOCUMENT:
            return self._shape
        if kind is ServiceError:
            return {"allOf": [self._shape, {"properties": {"status": {"const": status}}}]}
        if kind not in self._shown:
            own = self._members(kind)
            self._shown[kind] = self._schemas.add(f"{kind.__name__}Problem", {"allOf": [self._shape, own]})
        return self._shown[kind]

    def _members(self, kind: type[ServiceError]) -> JSONSchema:
        properties: JSONSchema = {"status": {"type": "integer", "const": kind.status}}
        for name in ("type", "title"):
            value = getattr(kind, name)
            if value != getattr(ServiceError, name):
                properties[name] = {"type": "string", "const": value}
        required = []
        for name, member in kind.members.items():
            is_schema = isinstance(member, Mapping)
            properties[name] = dict(member) if is_schema else self._schemas.of(strip(member).kind)
            if is_schema or not strip(member).optional:
                required.append(name)
        summary = (kind.__doc__ or "").strip().partition("\n")[0]
        return {
            "type": "object",
            **({"description": summary} if summary else {}),
            "properties": properties,
            **({"required": required} if required else {}),
        }
