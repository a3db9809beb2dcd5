"""How fields are called outside, what becomes of fields that nobody declared, and how exactly values are taken.

Four levels may say it: the type itself, the endpoint, its table of routes, the service. For each of the three questions
the nearest level that says anything wins; a type speaks for its own fields, not for those of the types in it.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypedDict, TypeVar, get_args

from marshmallow import EXCLUDE, RAISE, Schema, fields

from framework.errors import ConfigurationError

T = TypeVar("T")
Names = Literal["snake", "camel", "pascal", "kebab"]
Unknown = Literal["raise", "ignore"]


class Said(TypedDict, total=False):
    """What `Conventions` takes, as options of a route and of a table of routes."""

    names: Names
    unknown: Unknown
    strict: bool


_ATTRIBUTE = "__conventions__"
# Underscores in front and behind are part of a name, as in `_links` and `from_`.
_JOINT = re.compile(r"(?<=[^_])_+([^_])")


@dataclass(frozen=True, slots=True)
class Conventions:
    """What holds for the fields of a type, and a decorator of the class that it is to hold for.

    Attributes:
        names: How fields are called in JSON, forms and queries: ``snake`` as in Python, ``camel`` (``userId``),
            ``pascal`` (``UserId``) or ``kebab`` (``user-id``); None leaves it to the next level.
        unknown: What becomes of fields that are not declared: ``raise`` refuses them with 422, ``ignore`` drops
            them; None leaves it to the next level.
        strict: Whether values are taken only as what they are: no truth words for a bool, no numbers as text, no
            ``5.0`` for an int, no spaces or underscores in numbers, no datetime without an offset. True holds
            hand-written schemas to that, too; False lets types take all these, a datetime without an offset being
            UTC; None leaves it to the next level, and in the end types are strict and hand-written schemas are not.

    Raises:
        ConfigurationError: A value is none of these.
    """

    names: Names | None = None
    unknown: Unknown | None = None
    strict: bool | None = None

    def __post_init__(self) -> None:
        for option, value, allowed in (("names", self.names, Names), ("unknown", self.unknown, Unknown)):
            if value is not None and value not in get_args(allowed):
                choices = ", ".join(repr(each) for each in get_args(allowed))
                raise ConfigurationError(f"{option} must be one of {choices}; this is {value!r}.")
        if self.strict not in (None, True, False):
            raise ConfigurationError(f"strict must be True or False; this is {self.strict!r}.")

    def __call__(self, cls: type[T]) -> type[T]:
        """Let a dataclass or TypedDict, and the dataclasses derived from it, follow these conventions.

        A marshmallow schema follows `strict` alone.

        Raises:
            ConfigurationError: It is something else.
        """
        if not isinstance(cls, type):
            raise ConfigurationError(
                f"@conventions stands on {getattr(cls, '__qualname__', cls)!r}, which is no class; of an endpoint"
                " write routes.post(..., names=..., unknown=..., strict=...)."
            )
        if issubclass(cls, Schema) and (self.names or self.unknown):
            raise ConfigurationError(
                f"@conventions stands on the marshmallow schema {cls.__qualname__!r}; a schema says it itself, by"
                " data_key and by 'unknown' in its Meta; only 'strict' may be said of it here."
            )
        setattr(cls, _ATTRIBUTE, self.within(getattr(cls, _ATTRIBUTE, UNSAID)))
        return cls

    def within(self, wider: Conventions) -> Conventions:
        """Return these conventions, with those of the next wider level where they say nothing."""
        strict = wider.strict if self.strict is None else self.strict
        return Conventions(self.names or wider.names, self.unknown or wider.unknown, strict)

    def name(self, field: str) -> str:
        """Return how a field is called outside."""
        match self.names:
            case "camel":
                return _JOINT.sub(_capital, field)
            case "pascal":
                return re.sub(r"[^_]", lambda first: first[0].upper(), _JOINT.sub(_capital, field), count=1)
            case "kebab":
                return _JOINT.sub(r"-\1", field)
        return field

    @property
    def excludes(self) -> bool:
        """Whether unknown fields are dropped."""
        return self.unknown == "ignore"

    @property
    def option(self) -> str:
        """What marshmallow's ``unknown`` is to be."""
        return EXCLUDE if self.excludes else RAISE


def _capital(joint: re.Match[str]) -> str:
    return joint[1].upper()


PLACES = "conventions stand on a class, on a route, on a table of routes or in the settings, not in Annotated"

UNSAID = Conventions()
"""Leave everything to the next level."""

DEFAULT = Conventions(names="snake", unknown="raise")
"""What holds where no level says anything."""


def conventions(
    *, names: Names | None = None, unknown: Unknown | None = None, strict: bool | None = None
) -> Conventions:
    """Tell how the fields of a class are called and taken: ``@conventions(names="camel", unknown="ignore")``.

    Raises:
        ConfigurationError: A value is none that `Conventions` knows.
    """
    return Conventions(names, unknown, strict)


def conventions_of(cls: type, wider: Conventions | None) -> Conventions:
    """Return what holds for a class's own fields.

    Args:
        cls: A dataclass or TypedDict.
        wider: What the endpoint says; None where no conventions apply, as in headers.
    """
    own: Conventions = getattr(cls, _ATTRIBUTE, UNSAID)
    return DEFAULT if wider is None else own.within(wider).within(DEFAULT)


def is_lenient(cls: Any, wider: Conventions | None) -> bool:
    """Tell whether the fields of a class that is read from its annotations take values that are spelt otherwise."""
    return wider is not None and getattr(cls, _ATTRIBUTE, UNSAID).within(wider).strict is False


def is_strict(schema: type[Schema], wider: Conventions | None) -> bool:
    """Tell whether a hand-written schema is to take values only as what they are."""
    own: Conventions = getattr(schema, _ATTRIBUTE, UNSAID)
    return bool(own.within(UNSAID if wider is None else wider).strict)


def name_fields(owner: str, made: Mapping[str, fields.Field[Any]], held: Conventions) -> None:
    """Give each field without a ``data_key`` the name that it has outside.

    Raises:
        ConfigurationError: Two fields would have the same name.
    """
    taken: dict[str, str] = {}
    for name, field in made.items():
        outside = held.name(name) if field.data_key is None else field.data_key
        other = taken.setdefault(outside, name)
        if other != name:
            raise ConfigurationError(
                f"{owner}: the fields {other!r} and {name!r} would both be called {outside!r};"
                " give one of them a data_key, as in Annotated[..., {'data_key': '...'}]."
            )
        if outside != name:
            field.data_key = outside


def dropping_unknown(schema: Schema) -> Schema:
    """Return a hand-written schema as it is if it says what becomes of unknown fields, else a copy that drops them.

    What it nests says that for itself.
    """
    base = type(schema)
    if hasattr(base.Meta, "unknown") or schema.unknown != RAISE:
        return schema
    # NOTE: a class of its own, for the document tells schemas apart by their classes.
    meta = type("Meta", (base.Meta,), {"unknown": EXCLUDE, "register": False})
    made = copy.copy(schema)
    made.__class__ = type(base.__name__, (base,), {"Meta": meta, "__module__": base.__module__})
    made.unknown = EXCLUDE
    return made
