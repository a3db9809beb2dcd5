"""The document: an operation for each endpoint."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, get_args, get_origin

from aiohttp import web

from framework.annotations import strip
from framework.batteries.openapi.paths import Template, Templates
from framework.batteries.openapi.schemas import JSONSchema, Schemas, make_spec
from framework.binding.bodies import JSON, MULTIPART, URLENCODED
from framework.binding.declared import returned_type
from framework.binding.schemas import conventions_for, schema_of_values
from framework.endpoint import Endpoint, Parameter, Renders, Source, function_of
from framework.forms import Form
from framework.marks import Public, Requires, Undocumented
from framework.problem import PROBLEM_DOCUMENT, Renderer, phrase
from framework.validation.conventions import Conventions

SESSION = "session"

_ANY_METHOD = ("get", "put", "post", "patch", "delete")
_LOCATIONS = {Source.QUERY: "query", Source.HEADERS: "header", Source.COOKIES: "cookie"}


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """The parts of the document that endpoints do not say.

    Attributes:
        schemes: The security schemes by their names, as OpenAPI writes them.
        servers: The addresses of the service.
        pages: Whether endpoints that answer with pages are described.
        errors: How the service writes errors.
    """

    title: str
    version: str
    description: str = ""
    schemes: Mapping[str, JSONSchema] = field(default_factory=dict)
    servers: Sequence[str] = ()
    pages: bool = False
    errors: Renderer = PROBLEM_DOCUMENT


def describe(endpoints: Iterable[Endpoint], about: About) -> dict[str, Any]:
    """Return the OpenAPI document of these endpoints."""
    options: dict[str, Any] = {"info": {"description": about.description}} if about.description else {}
    if about.servers:
        options["servers"] = [{"url": url} for url in about.servers]
    spec, schemas = make_spec(about.title, about.version, **options)
    for name, scheme in about.schemes.items():
        spec.components.security_scheme(name, dict(scheme))
    operations = _Operations(schemas, tuple(about.schemes), about.errors)
    for endpoint in endpoints:
        if is_described(endpoint, pages=about.pages):
            operations.add(endpoint)
    for path, described in operations.paths.items():
        spec.path(path=path, operations=described)
    document: dict[str, Any] = spec.to_dict()
    return document


def is_described(endpoint: Endpoint, *, pages: bool) -> bool:
    """Tell whether an endpoint is part of the document."""
    is_page = endpoint.find(Renders) is not None
    return endpoint.find(Undocumented) is None and (pages or not is_page)


class _Operations:
    """What the endpoints do, path by path."""

    def __init__(self, schemas: Schemas, schemes: Sequence[str], errors: Renderer) -> None:
        self.paths: dict[str, dict[str, Any]] = {}
        self._schemas = schemas
        self._schemes = schemes
        self._templates = Templates()
        self._ids: set[str] = set()
        self._problem = {errors.media_type: {"schema": _schema_of(errors, schemas)}}

    def add(self, endpoint: Endpoint) -> None:
        template = self._templates.template(endpoint.path)
        methods = _ANY_METHOD if endpoint.method == "*" else (endpoint.method.lower(),)
        for method in methods:
            # The first one that fits answers; a second one of the same shape differs by its pattern alone.
            self.paths.setdefault(template.path, {}).setdefault(
                method, self._operation(endpoint, template, method)
            )

    def _operation(self, endpoint: Endpoint, template: Template, method: str) -> dict[str, Any]:
        summary, description = texts(endpoint)
        operation: dict[str, Any] = {
            "operationId": self._id(endpoint, method),
            "summary": summary,
            "description": description,
            "tags": list(endpoint.options.tags),
            "parameters": [*self._path_parameters(endpoint, template), *self._parameters(endpoint)],
            "requestBody": self._request_body(endpoint),
            "responses": {**self._answers(endpoint), **self._problems(endpoint)},
            "deprecated": getattr(endpoint.handler, "__deprecated__", None) is not None,
        }
        kept = {name: value for name, value in operation.items() if value}
        security = requirements(endpoint, self._schemes)
        return kept if security is None else {**kept, "security": security}

    def _id(self, endpoint: Endpoint, method: str) -> str:
        name = str(endpoint.options.name or getattr(function_of(endpoint.handler), "__name__", method))
        several = endpoint.method == "*" or inspect.isclass(endpoint.handler)
        wanted = f"{name}_{method}" if several else name
        number = next(n for n in range(1, len(self._ids) + 2) if _numbered(wanted, n) not in self._ids)
        found = _numbered(wanted, number)
        self._ids.add(found)
        return found

    def _path_parameters(self, endpoint: Endpoint, template: Template) -> list[JSONSchema]:
        annotations = {p.name: p.annotation for p in endpoint.parameters if p.source is Source.PATH}
        found = []
        for name, shown in template.names.items():
            schema = self._schemas.of(annotations.get(name, str), text=True) or {"type": "string"}
            if name in template.patterns and schema.get("type") == "string":
                schema.setdefault("pattern", f"^(?:{template.patterns[name]})$")
            found.append({"in": "path", "name": shown, "required": True, "schema": schema})
        return found

    def _parameters(self, endpoint: Endpoint) -> list[JSONSchema]:
        found: list[JSONSchema] = []
        for parameter in endpoint.parameters:
            location = _LOCATIONS.get(parameter.source)
            if location is None:
                continue
            if parameter.key:
                schema = schema_of_values(endpoint, [parameter], unknown="exclude")
                found += self._schemas.parameters(schema, location, None)
                continue
            conventions = conventions_for(endpoint, parameter)
            for each in self._schemas.parameters(parameter.annotation, location, conventions):
                name = each["name"].replace("_", "-") if location == "header" else each["name"]
                found.append({**each, "name": name})
        return found

    def _request_body(self, endpoint: Endpoint) -> JSONSchema | None:
        body, form = endpoint.parameter(Source.BODY), endpoint.parameter(Source.FORM)
        if form is not None:
            return {"required": True, "content": self._form(form, endpoint.options.conventions)}
        if body is None:
            return None
        content = self._body(body, endpoint.options.conventions)
        return {"required": not body.optional, "content": content}

    def _body(self, body: Parameter, conventions: Conventions) -> JSONSchema:
        if strip(body.annotation).kind is bytes:
            return {"application/octet-stream": {}}
        return {JSON: {"schema": self._schemas.of(body.annotation, conventions=conventions)}}

    def _form(self, form: Parameter, conventions: Conventions) -> JSONSchema:
        kind = strip(form.annotation).kind
        annotation = get_args(kind)[0] if get_origin(kind) is Form else form.annotation
        schema = self._schemas.inline(annotation, conventions)
        has_files = any(_is_file(each) for each in schema["properties"].values())
        return {name: {"schema": schema} for name in ((MULTIPART,) if has_files else (URLENCODED, MULTIPART))}

    def _answers(self, endpoint: Endpoint) -> dict[str, JSONSchema]:
        status, content = endpoint.options.status, self._content(endpoint)
        kind = strip(endpoint.returns).kind
        if endpoint.find(Renders) is None and kind in (None, NoneType) and status == 200:
            status, content = 204, {}
        if _is_class(kind, web.WebSocketResponse):
            status = 101
        answer: JSONSchema = {"description": phrase(status)}
        return {str(status): {**answer, "content": content} if content else answer}

    def _content(self, endpoint: Endpoint) -> JSONSchema:
        if endpoint.find(Renders) is not None:
            return {"text/html": {"schema": {"type": "string"}}}
        kind = strip(endpoint.returns).kind
        if _is_class(kind, web.FileResponse):
            return {"application/octet-stream": {}}
        if kind in (None, NoneType, inspect.Signature.empty) or _is_class(kind, web.StreamResponse):
            return {}
        conventions = endpoint.options.conventions
        return {JSON: {"schema": self._schemas.of(returned_type(endpoint), conventions=conventions)}}

    def _problems(self, endpoint: Endpoint) -> dict[str, JSONSchema]:
        statuses = problem_statuses(endpoint, known=bool(self._schemes))
        return {
            **{str(status): self._problem_response(phrase(status)) for status in statuses},
            "default": self._problem_response("Error"),
        }

    def _problem_response(self, title: str) -> JSONSchema:
        name = "".join(word.capitalize() for word in title.split())
        return self._schemas.add_response(name, {"description": title, "content": self._problem})


def _schema_of(errors: Renderer, schemas: Schemas) -> JSONSchema:
    if isinstance(errors.schema, Mapping):
        return schemas.add("Problem", dict(errors.schema))
    return schemas.of(errors.schema)


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}_{number}"


def _is_class(kind: Any, wanted: type) -> bool:
    return isinstance(kind, type) and issubclass(kind, wanted)


def _is_file(schema: JSONSchema) -> bool:
    return schema.get("format") == "binary" or schema.get("items", {}).get("format") == "binary"


def texts(endpoint: Endpoint) -> tuple[str, str]:
    """Return an endpoint's summary and description: the first line of its docstring, and the rest."""
    text, handler = endpoint.description, endpoint.handler
    if inspect.isclass(handler):
        text = inspect.getdoc(getattr(handler, endpoint.method.lower(), handler)) or ""
    first, _, rest = text.partition("\n")
    return endpoint.options.summary or first.strip().removesuffix("."), rest.strip()


def problem_statuses(endpoint: Endpoint, *, known: bool) -> list[int]:
    """Return the statuses of the errors that an endpoint's signature and marks can answer with.

    Args:
        known: Whether the service knows callers at all.
    """
    sources = {parameter.source for parameter in endpoint.parameters}
    found = {status for mark in endpoint.marks for status in mark.problems}
    if known and endpoint.find(Public) is None:
        found |= {401, 403}
    if "{" in endpoint.path:
        found.add(404)
    if sources & {Source.BODY, Source.FORM}:
        found |= {400, 413, 415, 422}
    if sources & {Source.PATH, *_LOCATIONS}:
        found.add(422)
    return sorted(found)


def requirements(endpoint: Endpoint, schemes: Sequence[str]) -> list[dict[str, list[str]]] | None:
    """Return who may call an endpoint, as alternatives; an empty list says anybody, None says nothing."""
    if not schemes:
        return None
    if endpoint.find(Public) is not None:
        return []
    scopes = sorted({scope for mark in endpoint.marks if isinstance(mark, Requires) for scope in mark.scopes})
    return [{name: scopes} for name in schemes]
