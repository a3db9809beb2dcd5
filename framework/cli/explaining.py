"""Which fields of a service's JSON are left to marshmallow, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from marshmallow import Schema

from framework import validation
from framework.annotations import without_none
from framework.binding.declared import returned_type
from framework.endpoint import Endpoint, Renders, Source
from framework.errors import ConfigurationError

LEFT = "by marshmallow"


def fallbacks(endpoints: Iterable[Endpoint]) -> Iterator[str]:
    """Yield a line for each field that is not compiled, the schemas of all bodies and answers taken together."""
    schemas = {id(schema): schema for endpoint in endpoints for schema in _schemas(endpoint)}
    for schema in schemas.values():
        head, *fields = validation.compile(schema).explain().splitlines()
        left = [field for field in fields if LEFT in field]
        if left or LEFT in head:
            yield head
            yield from left


def _schemas(endpoint: Endpoint) -> Iterator[Schema]:
    types: list[Any] = [each.annotation for each in endpoint.parameters if each.source is Source.BODY]
    if endpoint.find(Renders) is None:
        types.append(returned_type(endpoint))
    for tp in types:
        try:
            yield validation.schema_of(without_none(tp), conventions=endpoint.options.conventions)
        except ConfigurationError:  # free JSON has no schema
            continue
