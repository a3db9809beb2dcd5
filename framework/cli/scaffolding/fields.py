"""The fields of a new resource, as they are typed: ``number:str amount:Decimal due:date?``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from framework.cli.scaffolding.names import is_identifier
from framework.errors import ConfigurationError

#: Columns that each table has, what SQLAlchemy and Python keep for themselves, and names that the class itself uses.
_TAKEN = frozenset(
    {"id", "created_at", "metadata", "registry", "self", "bool", "dt", "float", "int", "mapped_column", "str"}
)


@dataclass(frozen=True, slots=True)
class FieldType:
    """What is written for a field of one type.

    Attributes:
        kind: Its Python type.
        constraint: What narrows it, as in an ``Annotated``; empty when nothing does.
        column: The type of its column; empty when SQLAlchemy infers it.
        stored: The same in a migration.
        sample: A value in JSON, as Python source; `other` is another one, and `wrong` is refused.
        imports: ``module.name`` of what these need.
    """

    kind: str
    constraint: str
    column: str
    stored: str
    sample: str
    other: str
    wrong: str
    imports: tuple[str, ...] = ()


TYPES = {
    "str": FieldType(
        "str",
        "Length(1, 200)",
        "String(200)",
        "sa.String(200)",
        '"First"',
        '"Second"',
        '""',
        ("sqlalchemy.String",),
    ),
    "text": FieldType(
        "str",
        "Length(max=10_000)",
        "Text",
        "sa.Text",
        '"One line."',
        '"Two\\nlines."',
        "1",
        ("sqlalchemy.Text",),
    ),
    "int": FieldType(
        "int", "", "BigInteger", "sa.BigInteger", "7", "8", '"many"', ("sqlalchemy.BigInteger",)
    ),
    "float": FieldType("float", "", "", "sa.Double", "1.5", "2.5", '"much"'),
    "bool": FieldType("bool", "", "", "sa.Boolean", "True", "False", '"perhaps"'),
    "Decimal": FieldType(
        "Decimal",
        "Range(-9_999_999_999, 9_999_999_999)",
        "ExactDecimal(12, 2)",
        "sa.Numeric(12, 2)",
        '"12.50"',
        '"0.99"',
        '"much"',
        ("decimal.Decimal", "framework.batteries.database.columns.ExactDecimal"),
    ),
    "date": FieldType(
        "dt.date", "", "", "sa.Date", '"2027-01-31"', '"2027-02-28"', '"soon"', ("datetime as dt",)
    ),
    "datetime": FieldType(
        "dt.datetime",
        "",
        "UTCDateTime",
        "sa.DateTime(timezone=True)",
        '"2027-01-31T12:00:00+00:00"',
        '"2027-02-28T12:00:00+00:00"',
        '"soon"',
        ("datetime as dt", "framework.batteries.database.columns.UTCDateTime"),
    ),
    "UUID": FieldType(
        "UUID",
        "",
        "",
        "sa.Uuid",
        '"3f0c8b5e-6d0f-4c3a-9a51-0f2f6f1f7d10"',
        '"0b0f5f5c-2f39-4b7a-8a44-5f0a1d1c7c11"',
        '"none"',
    ),
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a new resource.

    Attributes:
        name: Its name.
        type: What is written for its type.
        optional: Whether it may be missing.
    """

    name: str
    type: FieldType
    optional: bool

    @property
    def kind(self) -> str:
        """Its type, as it is in an answer."""
        return f"{self.type.kind} | None" if self.optional else self.type.kind

    @property
    def annotation(self) -> str:
        """Its type, as it is taken in."""
        bare = (
            f"Annotated[{self.type.kind}, {self.type.constraint}]" if self.type.constraint else self.type.kind
        )
        return f"{bare} | None" if self.optional else bare

    @property
    def column(self) -> str:
        """The arguments of its column."""
        return self.type.column

    @property
    def stored(self) -> str:
        """Its type in a migration."""
        return self.type.stored

    @property
    def sample(self) -> str:
        """A value in JSON, as Python source."""
        return self.type.sample

    @property
    def other(self) -> str:
        """Another value."""
        return self.type.other

    @property
    def wrong(self) -> str:
        """A value that is refused."""
        return self.type.wrong


def parse_fields(texts: Iterable[str]) -> tuple[Field, ...]:
    """Return the fields of texts such as ``number:str due:date?``.

    Raises:
        ConfigurationError: There is none, a type is not known, a name is none or stands twice.
    """
    fields = tuple(_parsed(text) for text in _split(texts))
    names = [field.name for field in fields]
    if not fields:
        raise ConfigurationError(
            'A resource has at least one field: --field "number:str amount:Decimal due:date?".'
        )
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(f"The field '{name}' stands twice.")
    return fields


def _split(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from text.split()


def _parsed(text: str) -> Field:
    name, colon, kind = text.partition(":")
    optional = kind.endswith("?")
    kind = kind.removesuffix("?")
    if not colon or kind not in TYPES:
        raise ConfigurationError(
            f"'{text}' must be a name and a type, such as amount:Decimal; the types are {', '.join(TYPES)}, and '?' "
            "behind one lets the field be missing."
        )
    if not is_identifier(name) or name in _TAKEN:
        raise ConfigurationError(
            f"'{name}' is not fit for a field; use small letters, digits and '_', and none of "
            f"{', '.join(sorted(_TAKEN))}."
        )
    return Field(name, TYPES[kind], optional)
