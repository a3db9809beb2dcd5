"""JSON Schemas of annotations: the marshmallow fields that validate a value also describe it."""

from __future__ import annotations

import inspect
import re
import warnings
from collections import Counter
from collections.abc import Mapping
from enum import Enum
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema, fields, validate

from framework import validation
from framework.errors import ConfigurationError
from framework.forms import UploadedFileField
from framework.validation.conventions import UNSAID, Conventions
from framework.validation.fields import Flags, Members, Row
from framework.validation.limits import Span, flat
from framework.validation.schemas import field_of
from framework.validation.schemas.classes import VALUE, ValueSchema
from framework.validation.schemas.foreign import REFERENCE, Foreign
from framework.validation.schemas.validators import MultipleOf
from framework.validation.unions import Choices, Union

JSONSchema = dict[str, Any]

_FORMATS: Mapping[type, Mapping[str, Any]] = {
    **validation.SHAPES,
    fields.Time: {"format": "time"},
    fields.IPv4Interface: {"type": "string", "pattern": r"^[0-9.]{7,15}(/[0-9]{1,2})?$"},
    fields.IPv6Interface: {"type": "string", "pattern": r"^[0-9A-Fa-f:.]{2,45}(/[0-9]{1,3})?$"},
    fields.URL: {"format": "uri"},
    UploadedFileField: {
        "type": "string",
        "format": "binary",
        "contentMediaType": "application/octet-stream",
    },
}

SPAN = r"^P(?=.)([0-9]{1,6}W)?([0-9]{1,6}D)?(T(?=[0-9])([0-9]{1,6}H)?([0-9]{1,6}M)?([0-9]{1,9}([.][0-9]{1,6})?S)?)?$"
DECIMAL = r"^[+-]?[0-9]{1,100}(\.[0-9]{1,100})?$"
_TYPING = frozenset({"type", "enum", "$ref", "allOf", "anyOf", "oneOf"})


class Schemas:
    """The descriptions of types, that of each class once, under its name."""

    def __init__(self, spec: APISpec, plugin: MarshmallowPlugin, taken: Counter[str]) -> None:
        self._spec = spec
        self._taken = taken
        converter: Any = plugin.converter
        self._converter = converter
        for refine in (
            _format,
            _decimal,
            _tuple,
            _union,
            _enum,
            _foreign,
            _alias,
            _duration,
            _bounds,
            _mapping,
            _text,
        ):
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
        return field_of(annotation, text=text, conventions=conventions)
    except ConfigurationError:
        return (
            fields.Raw()
        )  # it can be written as JSON, or binding would have refused it; nobody knows its shape


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
    return {
        "type": ["string", "null"] if field.allow_none else "string",
        "format": "decimal",
        "pattern": DECIMAL,
        **bounds,
    }


def _union(converter: Any, field: fields.Field[Any], *, ret: JSONSchema) -> JSONSchema:
    if not isinstance(field, Union):
        return {}
    key = field.tag[0]
    members = [converter.field2property(each) for each in field.members]
    if key:
        # What tells objects apart has to be sent, even where the type has a default for it.
        members = [
            {**each, "required": [key]} if member in field.objects else each
            for each, member in zip(members, field.members, strict=True)
        ]
    return {"anyOf": [*members, *([{"type": "null"}] if field.allow_none else [])]}


def _row(converter: Any, field: Row) -> JSONSchema:
    """Describe a named tuple: an array, or an object when it is read."""
    items = [converter.field2property(each) for each in field.tuple_fields]
    array = {
        "type": "array",
        "prefixItems": items,
        "minItems": len(field.needed),
        "maxItems": len(items),
    }
    record = {
        "type": "object",
        "properties": dict(zip(field.names, items, strict=True)),
        "additionalProperties": False,
    }
    if field.needed:
        record["required"] = [*field.needed]
    return {"anyOf": [array, record, *([{"type": "null"}] if field.allow_none else [])]}


def _enum(_: object, field: fields.Field[Any], *, ret: JSONSchema) -> JSONSchema:
    """Describe what apispec does not know of enumerations: sums of flags, values of other types, chosen members."""
    null = [None] if field.allow_none else []
    if isinstance(field, Flags):
        ret.pop("enum", None)
        most = sum({member.value for member in field.enum if member.value.bit_count() == 1})
        return {"minimum": 0, "maximum": most}
    if isinstance(field, Members):
        return {"enum": [*(written for _, written in field.written), *null]}
    for choices in field.validators:
        if isinstance(choices, Choices):
            values = [each.value if isinstance(each, Enum) else each for each in choices.choices]
            return {"enum": [*values, *null]}
    return {}


def _foreign(converter: Any, field: fields.Field[Any], *, ret: JSONSchema) -> JSONSchema:
    """Describe a class of another library as that does, what it refers to as components."""
    if not isinstance(field, Foreign):
        return {}
    schema, more = field.described()
    for name, each in more.items():
        if name not in converter.spec.components.schemas:
            converter.spec.components.schema(name, dict(each))
    return dict(schema)


def _alias(converter: Any, field: fields.Field[Any], *, ret: JSONSchema) -> JSONSchema:
    """Let the component of a type that speaks of itself describe the value, and not the schema around it."""
    if isinstance(field, fields.Nested) and isinstance(field.schema, ValueSchema):
        name = re.search(REFERENCE + r"([\w.-]+)", str(ret))
        component = converter.spec.components.schemas.get(name[1]) if name else None
        if component and VALUE in component.get("properties", {}):
            described = component["properties"][VALUE]
            component.clear()
            component.update(described)
    return {}


def _duration(_: object, field: fields.Field[Any], *, ret: JSONSchema) -> JSONSchema:
    """Describe a span of time: a number of seconds, or text as ISO 8601 writes it."""
    if not isinstance(field, fields.TimeDelta) or not any(isinstance(each, Span) for each in field.pre_load):
        return {}
    kinds = (
        [ret.get("type", "number")] if isinstance(ret.get("type"), str) else list(ret.get("type", ["number"]))
    )
    return {"type": [*kinds, "string"], "pattern": SPAN}


def _bounds(_: object, field: fields.Field[Any], *, ret: JSONSchema) -> JSONSchema:
    """Describe bounds that are no values themselves, multiples, and the forms of text."""
    found: JSONSchema = {}
    for each in flat(field.validators):
        if isinstance(each, validate.Range):
            found |= _exclusive(each, ret)
        elif isinstance(each, MultipleOf):
            found["multipleOf"] = each.factor
        elif isinstance(each, validate.Email):
            found["format"] = "email"
        elif isinstance(each, validate.URL):
            found["format"] = "uri"
        elif isinstance(each, validate.Regexp):
            found["pattern"] = _ecma(str(each.regex.pattern))
    return found


def _text(_: object, field: fields.Field[Any], *, ret: JSONSchema) -> JSONSchema:
    """Describe what any text must be of which nothing else is said."""
    if "enum" in ret and ret.get("pattern") == STORABLE:  # of the field that writes an enumeration's values
        del ret["pattern"]
    is_chosen = any(isinstance(each, validate.OneOf | validate.Equal) for each in flat(field.validators))
    is_free = type(field) is fields.String and not is_chosen and not {"pattern", "format", "enum"} & {*ret}
    return {"pattern": STORABLE} if is_free else {}


#: No text that is taken holds U+0000, which databases cannot store.
STORABLE = "^[^\\u0000]*$"


def _exclusive(bounds: validate.Range, ret: JSONSchema) -> JSONSchema:
    found = {}
    if not bounds.min_inclusive and "minimum" in ret:
        found["exclusiveMinimum"] = ret.pop("minimum")
    if not bounds.max_inclusive and "maximum" in ret:
        found["exclusiveMaximum"] = ret.pop("maximum")
    return found


def _ecma(pattern: str) -> str:
    """Return a pattern as ECMA 262 writes it; Python's match begins at the beginning."""
    written = pattern.replace("\\A", "^").replace("\\Z", "$").replace("(?P<", "(?<")
    return written if written.startswith("^") else f"^(?:{written})"


def _mapping(converter: Any, field: fields.Field[Any], *, ret: JSONSchema) -> JSONSchema:
    """Describe the keys of an object, and how many there may be."""
    if isinstance(field, fields.List) and isinstance(field.metadata.get("max_items"), int):
        return {"maxItems": field.metadata["max_items"]}
    if not isinstance(field, fields.Mapping):
        return {}
    found = {
        f"{bound}Properties": ret.pop(f"{bound}{unit}")
        for bound in ("min", "max")
        for unit in ("Length", "Items")
        if f"{bound}{unit}" in ret
    }
    keys = field.key_field
    if keys is None or (type(keys) is fields.String and not keys.validators):
        return found
    if isinstance(keys, fields.Boolean):
        return {**found, "propertyNames": {"enum": ["true", "false"]}}
    described = converter.field2property(keys)
    if described.get("type") in ("integer", "number"):
        pattern = r"^[+-]?[0-9]+$" if described["type"] == "integer" else r"^[+-]?[0-9.eE+-]+$"
        described = (
            {"pattern": pattern} if "enum" not in described else {"enum": [str(x) for x in described["enum"]]}
        )
    return {**found, "propertyNames": described}


def _tuple(converter: Any, field: fields.Field[Any], *, ret: JSONSchema) -> JSONSchema:
    if not isinstance(field, fields.Tuple):
        return {}
    if isinstance(field, Row):
        return _row(converter, field)
    items = [converter.field2property(each) for each in field.tuple_fields]
    kind = ["array", "null"] if field.allow_none else "array"
    return {"type": kind, "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
