"""JSON Schemas of annotations: the marshmallow fields that validate a value also describe it."""

from __future__ import annotations

import inspect
import re
import warnings
from collections import Counter
from collections.abc import Mapping
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema, fields

from framework import validation
from framework.errors import ConfigurationError
from framework.forms import UploadedFileField
from framework.validation.conventions import UNSAID, Conventions

JSONSchema = dict[str, Any]

_FORMATS: Mapping[type, Mapping[str, Any]] = {
    **validation.SHAPES,
    fields.Time: {"format": "time"},
    fields.URL: {"format": "uri"},
    UploadedFileField: {
        "type": "string",
        "format": "binary",
        "contentMediaType": "application/octet-stream",
    },
}

_TYPING = frozenset({"type", "enum", "$ref", "allOf", "anyOf", "oneOf"})


class Schemas:
    """The descriptions of types, that of each class once, under its name."""

    def __init__(self, spec: APISpec, plugin: MarshmallowPlugin, taken: Counter[str]) -> None:
        self._spec = spec
        self._taken = taken
        converter: Any = plugin.converter
        self._converter = converter
        for refine in (_format, _decimal, _tuple):
            # NOTE: apispec adds it to this converter; `map_to_openapi_type` would change all of the process.
            converter.add_attribute_function(refine)

    def of(self, annotation: Any, *, text: bool = False, conventions: Conventions = UNSAID) -> JSONSchema:
        """Return the schema of a type, by reference where it has a name; of no type, one that takes anything.

        Args:
            annotation: What stands in a handler's signature, or a marshmallow Schema.
            text: Whether the values arrive as text.
            conventions: Those of the endpoint.
        """
        if annotation is inspect.Parameter.empty:
            return {}
        if isinstance(annotation, Schema) or (
            isinstance(annotation, type) and issubclass(annotation, Schema)
        ):
            written = validation.schema_of(annotation, conventions=conventions)
            schema: JSONSchema = self._converter.resolve_nested_schema(written)
            return schema
        found: JSONSchema = self._converter.field2property(_field(annotation, text, conventions))
        return found

    def inline(self, annotation: Any, conventions: Conventions) -> JSONSchema:
        """Return the schema of a form: a component of its own would be a second one of the same name."""
        schema = validation.schema_of(annotation, text=True, conventions=conventions)
        found: JSONSchema = self._converter.schema2jsonschema(schema)
        return found

    def parameters(self, annotation: Any, location: str, conventions: Conventions | None) -> list[JSONSchema]:
        """Return the parameters that the fields of a type are in a query, in headers or in cookies."""
        schema = validation.schema_of(annotation, text=True, conventions=conventions)
        found: list[JSONSchema] = self._converter.schema2parameters(schema, location=location)
        for each in found:
            if not _TYPING.intersection(each["schema"]):
                each["schema"]["type"] = (
                    "string"  # whatever a field of the service's own reads, it reads text
                )
                if each["schema"].get("default", "") is None:
                    del each["schema"]["default"]
        return found

    def add(self, name: str, schema: JSONSchema) -> JSONSchema:
        """Keep a schema under a name, with a number when it is taken, and return the reference to it."""
        name = numbered(self._taken, name)
        self._spec.components.schema(name, schema)
        reference: JSONSchema = self._spec.components.get_ref("schema", name)
        return reference

    def add_response(self, name: str, response: JSONSchema) -> JSONSchema:
        """Keep a response under a name, with a number when another has it, and return the reference to it."""
        kept, number = self._spec.components.responses, 1
        own = name
        while kept.get(own, response) != response:
            number += 1
            own = f"{name}{number}"
        name = own
        if name not in kept:
            self._spec.components.response(name, response)
        reference: JSONSchema = self._spec.components.get_ref("response", name)
        return reference


def _field(annotation: Any, text: bool, conventions: Conventions) -> fields.Field[Any]:
    try:
        schema = validation.schema_from_fields(
            "openapi",
            {"value": annotation},
            defaults={},
            text=text,
            unknown="raise",
            conventions=conventions,
        )
    except ConfigurationError:
        return (
            fields.Raw()
        )  # it can be written as JSON, or binding would have refused it; nobody knows its shape
    return schema.fields["value"]


def named(taken: Counter[str], schema: Any) -> str:
    """Return the name of a schema's class without the suffix, and with a number when another class has it."""
    kind = schema if isinstance(schema, type) else type(schema)
    name = re.sub(r"[^A-Za-z0-9._-]", "_", kind.__name__.removesuffix("Schema")) or "Schema"
    return numbered(taken, name)


def numbered(taken: Counter[str], name: str) -> str:
    """Take a name, and return it with a number when it was taken before."""
    taken[name] += 1
    return name if taken[name] == 1 else f"{name}{taken[name]}"


def make_spec(title: str, version: str, **options: Any) -> tuple[APISpec, Schemas]:
    """Return an empty document, and what describes types in it."""
    taken: Counter[str] = Counter()
    plugin = MarshmallowPlugin(schema_name_resolver=lambda schema: named(taken, schema))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spec = APISpec(title=title, version=version, openapi_version="3.1.0", plugins=[plugin], **options)
    return spec, Schemas(spec, plugin, taken)


def _format(_: object, field: fields.Field[Any], *, ret: JSONSchema) -> JSONSchema:
    found = next((_FORMATS[kind] for kind in type(field).__mro__ if kind in _FORMATS), {})
    nullable = field.allow_none and "type" in found
    return {**found, "type": [found["type"], "null"]} if nullable else dict(found)


def _decimal(_: object, field: fields.Field[Any], *, ret: JSONSchema) -> JSONSchema:
    """Describe a Decimal that is text in JSON; bounds are for numbers."""
    if not (isinstance(field, fields.Decimal) and field.as_string):
        return {}
    bounds = {f"x-{name}": ret.pop(name) for name in ("minimum", "maximum") if name in ret}
    return {"type": ["string", "null"] if field.allow_none else "string", "format": "decimal", **bounds}


def _tuple(converter: Any, field: fields.Field[Any], *, ret: JSONSchema) -> JSONSchema:
    if not isinstance(field, fields.Tuple):
        return {}
    items = [converter.field2property(each) for each in field.tuple_fields]
    kind = ["array", "null"] if field.allow_none else "array"
    return {"type": kind, "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
