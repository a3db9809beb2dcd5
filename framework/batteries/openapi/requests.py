"""What an endpoint reads: its parameters and its body."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args, get_origin

from framework.annotations import strip
from framework.batteries.openapi.answers import BINARY
from framework.batteries.openapi.paths import Template
from framework.batteries.openapi.schemas import STORABLE, JSONSchema, Schemas
from framework.binding.bodies import JSON
from framework.binding.forms import MULTIPART, URLENCODED
from framework.binding.schemas import conventions_for, schema_of_values
from framework.endpoint import Endpoint, Parameter, Source
from framework.forms import Form
from framework.validation.conventions import Conventions

_LOCATIONS = {Source.QUERY: "query", Source.HEADERS: "header", Source.COOKIES: "cookie"}


def parameters_of(endpoint: Endpoint, template: Template, schemas: Schemas) -> list[JSONSchema]:
    """Return the parameters of an operation: those of the path first, then in the order of the signature."""
    promised = (dict(each) for mark in endpoint.marks for each in mark.parameters())
    return [*_path(endpoint, template, schemas), *_values(endpoint, schemas), *promised]


def _path(endpoint: Endpoint, template: Template, schemas: Schemas) -> Iterator[JSONSchema]:
    annotations = {p.name: p.annotation for p in endpoint.parameters if p.source is Source.PATH}
    for name, shown in template.names.items():
        schema = schemas.of(annotations.get(name, str), text=True) or {"type": "string"}
        is_free = schema.get("type") == "string" and schema.get("pattern", STORABLE) == STORABLE
        if name in template.patterns and is_free:
            schema["pattern"] = f"^(?:{template.patterns[name]})$"
        yield {"in": "path", "name": shown, "required": True, "schema": schema}


def _values(endpoint: Endpoint, schemas: Schemas) -> Iterator[JSONSchema]:
    for each in _sent(endpoint, schemas):
        # HTML forms send empty texts for fields left blank: they count as no value.
        may_be_empty = each["in"] == "query" and not each.get("required")
        yield {**each, "allowEmptyValue": True} if may_be_empty else each


def _sent(endpoint: Endpoint, schemas: Schemas) -> Iterator[JSONSchema]:
    for parameter in endpoint.parameters:
        location = _LOCATIONS.get(parameter.source)
        if location is None:
            continue
        if parameter.key:
            schema = schema_of_values(endpoint, [parameter], unknown="exclude")
            yield from schemas.parameters(schema, location, None)
            continue
        conventions = conventions_for(endpoint, parameter)
        for each in schemas.parameters(parameter.annotation, location, conventions):
            name = each["name"].replace("_", "-") if location == "header" else each["name"]
            yield {**each, "name": name}


def body_of(endpoint: Endpoint, schemas: Schemas) -> JSONSchema | None:
    """Return the body that an operation takes, if it takes one."""
    body, form = endpoint.parameter(Source.BODY), endpoint.parameter(Source.FORM)
    if form is not None:
        return {"required": True, "content": _form(form, endpoint.options.conventions, schemas)}
    if body is None:
        return None
    if strip(body.annotation).kind is bytes:
        return {"required": not body.optional, "content": {BINARY: {}}}
    schema = schemas.of(body.annotation, conventions=endpoint.options.conventions)
    return {"required": not body.optional, "content": {JSON: {"schema": schema}}}


def _form(form: Parameter, conventions: Conventions, schemas: Schemas) -> JSONSchema:
    schema = schemas.inline(form_type(form), conventions)
    has_files = any(_is_file(each) for each in schema["properties"].values())
    return {name: {"schema": schema} for name in ((MULTIPART,) if has_files else (URLENCODED, MULTIPART))}


def form_type(form: Parameter) -> object:
    """Return the type of a form's fields."""
    kind = strip(form.annotation).kind
    return get_args(kind)[0] if get_origin(kind) is Form else form.annotation


def _is_file(schema: JSONSchema) -> bool:
    return schema.get("format") == "binary" or schema.get("items", {}).get("format") == "binary"
