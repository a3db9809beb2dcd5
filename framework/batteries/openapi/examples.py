"""Examples of what endpoints read and answer, from marks and docstrings; a wrong one keeps a service from starting."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from textwrap import dedent
from typing import Annotated, Any

from marshmallow import Schema, ValidationError, fields

from framework import validation
from framework.batteries.openapi.requests import form_type
from framework.binding.declared import returned_type
from framework.binding.schemas import is_schema
from framework.endpoint import Endpoint, Mark, Source
from framework.errors import ConfigurationError
from framework.marks import Answers
from framework.validation.schemas import field_of
from framework.validation.schemas.classes import ValueSchema
from framework.validation.unions import Union

_UNSAID: Any = object()
_HOLDERS: dict[type, tuple[type, ...]] = {
    dict: (fields.Nested, fields.Mapping),
    list: (fields.Nested, fields.List, fields.Tuple),
}
_BLOCK = re.compile(
    r"^Example (?P<part>request|response)(?: \((?P<name>[^)\n]+)\))?::?[ ]*\n"
    r"(?P<text>(?:[ \t]*\n|[ \t]+\S.*(?:\n|\Z))+)",
    re.MULTILINE,
)


class Part(Enum):
    """What an example is one of."""

    REQUEST = "request"
    RESPONSE = "response"


@dataclass(frozen=True, slots=True)
class Sample:
    """A value that an endpoint may read or answer, as it is in JSON."""

    part: Part
    value: Any
    name: str = ""
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Example(Mark):
    """A promise that a request may look so, and a response."""

    samples: tuple[Sample, ...] = ()


def example(
    *, request: Any = _UNSAID, response: Any = _UNSAID, name: str = "", status: int | None = None
) -> Example:
    """Show what a handler reads and answers: ``@example(request={"title": "Lost cat"})``.

    In a docstring it is a block of JSON, indented below the line ``Example request::`` or ``Example response::``.

    Args:
        request, response: The body as it is in JSON.
        name: What the document calls it.
        status: Which response; the endpoint's usual one when None.
    """
    given = ((Part.REQUEST, request), (Part.RESPONSE, response))
    return Example(tuple(Sample(part, value, name, status) for part, value in given if value is not _UNSAID))


def without_examples(text: str) -> str:
    """Return a description without its examples, which have places of their own."""
    return _BLOCK.sub("", text).strip()


def examples_of(endpoint: Endpoint) -> list[Sample]:
    """Return an endpoint's examples.

    Raises:
        ConfigurationError: One is not JSON, or not what the endpoint reads or answers.
    """
    marked = [each for mark in endpoint.marks if isinstance(mark, Example) for each in mark.samples]
    found = [*marked, *_written(endpoint)]
    for sample in found:
        _ensure_fit(endpoint, sample)
    return found


def put_examples(operation: dict[str, Any], samples: list[Sample]) -> None:
    """Add examples to the operation that they show."""
    for sample in samples:
        for content in _places(operation, sample):
            examples = content.setdefault("examples", {})
            name = sample.name or ("example" if not examples else f"example {len(examples) + 1}")
            examples[name] = {"value": sample.value}


def _places(operation: Mapping[str, Any], sample: Sample) -> list[dict[str, Any]]:
    if sample.part is Part.REQUEST:
        return list(operation["requestBody"]["content"].values())
    statuses = [status for status in operation["responses"] if status.startswith("2")]
    status = str(sample.status) if sample.status else statuses[0]
    return list(operation["responses"][status].get("content", {}).values())


def _written(endpoint: Endpoint) -> Iterator[Sample]:
    for match in _BLOCK.finditer(endpoint.description):
        try:
            value = validation.decode(dedent(match["text"]).strip().encode())
        except ValueError as error:
            raise ConfigurationError(
                f"{endpoint}: the example {match['part']} in the docstring is no JSON: {error}"
            ) from error
        yield Sample(Part(match["part"]), value, match["name"] or "")


def _ensure_fit(endpoint: Endpoint, sample: Sample) -> None:
    field = _field(endpoint, sample)
    try:
        field.deserialize(_readable(field, sample.value) if sample.part is Part.RESPONSE else sample.value)
    except ValidationError as error:
        faults = "; ".join(
            f"{fault.pointer or 'the whole'}: {fault.detail}" for fault in validation.faults(error, "example")
        )
        raise ConfigurationError(
            f"{endpoint}: the example {sample.part.value} {sample.value!r} is none: {faults}"
        ) from error


def _field(endpoint: Endpoint, sample: Sample) -> fields.Field[Any]:
    annotation: Any
    if sample.part is Part.RESPONSE:
        annotation = _answered(endpoint, sample.status)
    else:
        body, form = endpoint.parameter(Source.BODY), endpoint.parameter(Source.FORM)
        if body is None and form is None:
            raise ConfigurationError(f"{endpoint}: it has an example request and reads no body.")
        annotation = form_type(form) if form is not None else body.annotation if body is not None else Any
    if is_schema(annotation):
        annotation = Annotated[Any, annotation]
    return field_of(annotation, conventions=endpoint.options.conventions)


def _answered(endpoint: Endpoint, status: int | None) -> Any:
    marks = [mark for mark in endpoint.marks if isinstance(mark, Answers) and mark.status == status]
    if marks:
        return marks[0].content
    if status is not None and status != endpoint.options.status:
        raise ConfigurationError(
            f"{endpoint}: it has an example response of status {status}, and no @answers({status}, ...)."
        )
    return returned_type(endpoint)


def _readable(field: fields.Field[Any], value: Any) -> Any:
    """Return a value that a field would write without what is for responses alone, each of which is tried by itself.

    Raises:
        marshmallow.ValidationError: What is for responses alone is not of its type.
    """
    # NOTE: fields are shared by all schemas of a class; one that was opened for an example would be open for requests.
    if isinstance(field, Union):
        members = field.candidates(value)
        return _readable(members[0], value) if members else value
    if not isinstance(field, _HOLDERS.get(type(value), ())):
        return value
    holder: Any = field
    if isinstance(field, fields.Nested):
        return _object(field.schema, value)
    if isinstance(value, list):
        parts = holder.tuple_fields if isinstance(holder, fields.Tuple) else [holder.inner] * len(value)
        return [*map(_readable, parts, value)] if len(parts) == len(value) else value
    inner = holder.value_field
    return {key: _readable(inner, each) for key, each in value.items()} if inner else value


def _object(schema: Schema, value: Any) -> Any:
    if isinstance(schema, ValueSchema):
        return _readable(schema.value, value)
    if isinstance(value, list):
        return [_object(schema, each) for each in value]
    if not isinstance(value, dict):
        return value
    known = {each.data_key or name: each for name, each in schema.fields.items()}
    found = {}
    for key, each in value.items():
        field = known.get(key)
        readable = each if field is None else _readable(field, each)
        if field is None or not field.dump_only:
            found[key] = readable
            continue
        try:
            field.deserialize(readable)
        except ValidationError as error:
            raise ValidationError({key: error.messages}) from error
    return found
