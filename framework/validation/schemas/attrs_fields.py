"""The fields of a class that attrs made; attrs is asked only about its own, when it is there already."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any, NamedTuple, get_origin

from marshmallow import missing

from framework.validation.schemas.options import sort_options
from framework.validation.schemas.type_fields import default_options, hints_of


class AttrsField(NamedTuple):
    """A field of a class of attrs.

    Attributes:
        name: What its constructor calls it, without underscores in front.
        attribute: What its instances call it.
    """

    name: str
    attribute: str
    annotation: Any
    options: dict[str, Any]


def is_attrs(kind: Any) -> bool:
    """Tell whether attrs made a class."""
    attr = sys.modules.get("attr")
    return (
        attr is not None
        and isinstance(kind, type)
        and bool(attr.has(kind))
        and not dataclasses.is_dataclass(kind)
    )


def attrs_fields(tp: Any) -> list[AttrsField]:
    """Return a class's fields, those last that its constructor does not take."""
    origin = get_origin(tp) or tp
    attr, hints = sys.modules["attr"], hints_of(tp)
    return [
        AttrsField(each.alias, each.name, hints.get(each.name, each.type or Any), _options(attr, each))
        for each in attr.fields(origin)
    ]


def _options(attr: Any, field: Any) -> dict[str, Any]:
    if not field.init:
        return {**sort_options(field.metadata), "dump_only": True}
    default: Any = field.default
    if default is attr.NOTHING:
        found = default_options(missing)
    elif isinstance(default, attr.Factory):
        # What is made of the instance is left to the constructor.
        found = {} if default.takes_self else default_options(default.factory, made=True)
    else:
        found = default_options(default)
    return {**sort_options(field.metadata), **found}
