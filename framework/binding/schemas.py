"""The schemas of a handler's parameters."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from marshmallow import Schema

from framework import validation
from framework.annotations import without_none
from framework.binding.provided import REQUIRED
from framework.endpoint import Endpoint, Parameter, Source
from framework.errors import ConfigurationError
from framework.validation.conventions import Conventions


def schema_for(endpoint: Endpoint, parameter: Parameter, *, text: bool = False) -> Schema:
    """Return the schema of a parameter that is a record.

    Raises:
        ConfigurationError: There is none for its type; the message names endpoint and parameter.
    """
    with blaming(endpoint, parameter.name):
        return validation.schema_of(
            without_none(parameter.annotation), text=text, conventions=conventions_for(endpoint, parameter)
        )


def is_schema(extra: Any) -> bool:
    """Tell whether something in ``Annotated`` is a schema that somebody wrote, an instance or a class."""
    return isinstance(extra, Schema) or (isinstance(extra, type) and issubclass(extra, Schema))


def conventions_for(endpoint: Endpoint, parameter: Parameter) -> Conventions | None:
    """Return what holds for the fields of a parameter's type; none do in headers and cookies."""
    return None if parameter.source in {Source.HEADERS, Source.COOKIES} else endpoint.options.conventions


def schema_of_values(endpoint: Endpoint, parameters: Sequence[Parameter], *, unknown: str) -> Schema:
    """Return the schema of parameters that take one value each, by their keys."""
    annotations = {
        p.key: str if p.annotation is inspect.Parameter.empty else p.annotation for p in parameters
    }
    defaults = {p.key: fallback(p) for p in parameters if p.optional and p.source is not Source.PATH}
    with blaming(endpoint, "', '".join(p.name for p in parameters)):
        return validation.schema_from_fields(
            endpoint.origin, annotations, defaults=defaults, text=True, unknown=unknown
        )


class blaming:  # noqa: N801 - reads as a verb
    """A context that names the endpoint and the parameter in an error about a type."""

    def __init__(self, endpoint: Endpoint, parameter: str) -> None:
        self._where = f"{endpoint}: parameter '{parameter}'"

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, ConfigurationError):
            raise ConfigurationError(f"{self._where}: {error}") from error


def fallback(parameter: Parameter) -> Any:
    """Return what stands for a value that is not there; `REQUIRED` where there must be one."""
    if not parameter.optional:
        return REQUIRED
    return None if parameter.default is inspect.Parameter.empty else parameter.default
