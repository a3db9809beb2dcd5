"""The schemas of a handler's parameters."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from marshmallow import Schema, fields

from framework import validation
from framework.annotations import without_none
from framework.binding.provided import REQUIRED
from framework.endpoint import Endpoint, Parameter, Source
from framework.errors import ConfigurationError
from framework.forms import UploadedFileField
from framework.validation.compiler.compiled import Load
from framework.validation.conventions import Conventions
from framework.validation.schemas import field_of
from framework.validation.schemas.foreign import Foreign
from framework.validation.unions import Union


def schema_for(endpoint: Endpoint, parameter: Parameter, *, text: bool = False) -> Schema:
    """Return the schema of a parameter that is a record.

    Raises:
        ConfigurationError: There is none for its type; the message names endpoint and parameter.
    """
    # A body may be null where a type says so; the other parts of a request have no null.
    whole = parameter.source is Source.BODY
    annotation = parameter.annotation if whole else without_none(parameter.annotation)
    with blaming(endpoint, parameter.name):
        return validation.schema_of(annotation, text=text, conventions=conventions_for(endpoint, parameter))


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
    for parameter in parameters:
        _ensure_text(endpoint, parameter, annotations[parameter.key])
    with _blaming_all(endpoint, parameters):
        return validation.schema_from_fields(
            endpoint.origin, annotations, defaults=defaults, text=True, unknown=unknown
        )


def loader_of(endpoint: Endpoint, parameters: Sequence[Parameter], schema: Schema) -> Load:
    """Return what reads the values of parameters.

    Raises:
        ConfigurationError: Values of the type can be written and not be read; the message names endpoint and parameter.
    """
    with _blaming_all(endpoint, parameters):
        return validation.compile(schema).load


def _ensure_text(endpoint: Endpoint, parameter: Parameter, annotation: Any) -> None:
    """Refuse a type for which no text can stand, or in a path several texts."""
    if parameter.source is Source.QUERY:
        return
    with blaming(endpoint, parameter.name):
        field = field_of(annotation, text=True)
        if takes_several(field) and parameter.source is not Source.HEADERS:
            raise ConfigurationError(
                f"{annotation}: one value stands in the {parameter.source.value}; take several from the query"
            )
        if not is_text(field) and type(field) is not fields.Raw:
            raise ConfigurationError(
                f"{annotation}: no text of the {parameter.source.value} can be this; take it as a 'body'"
            )


def takes_several(field: fields.Field[Any]) -> bool:
    """Tell whether several values of one name may stand for a field's value."""
    return isinstance(field, fields.List | fields.Tuple) or getattr(field, "multiple", False)


def is_text(field: fields.Field[Any]) -> bool:
    """Tell whether text can stand for the values of a field, or several texts."""
    if isinstance(field, fields.List):
        return is_text(field.inner)
    if isinstance(field, fields.Tuple):
        return all(is_text(each) for each in field.tuple_fields)
    if isinstance(field, Union):
        return all(is_text(each) for each in field.members)
    others = (fields.Nested, fields.Mapping, UploadedFileField, Foreign)
    return not isinstance(field, others) and type(field) is not fields.Raw


class blaming:  # noqa: N801 - reads as a verb
    """A context that names the endpoint and the parameter in an error about a type."""

    def __init__(self, endpoint: Endpoint, parameter: str) -> None:
        self._where = f"{endpoint}: parameter '{parameter}'"

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, ConfigurationError):
            raise ConfigurationError(f"{self._where}: {error}") from error


def _blaming_all(endpoint: Endpoint, parameters: Sequence[Parameter]) -> blaming:
    return blaming(endpoint, "', '".join(each.name for each in parameters))


def fallback(parameter: Parameter) -> Any:
    """Return what stands for a value that is not there; `REQUIRED` where there must be one."""
    if not parameter.optional:
        return REQUIRED
    return None if parameter.default is inspect.Parameter.empty else parameter.default
