"""The quick way of writing an answer takes just what the walk through it takes, and writes the same."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import ipaddress
import json
import pathlib
import uuid
import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, make_dataclass
from typing import Annotated, Any, Literal, Self, TypedDict

import pytest
from marshmallow import Schema, fields
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column

from framework.errors import ConfigurationError
from framework.validation import Misfit, compile, schema_of, writer_of
from framework.validation.answers.nodes import Nodes
from framework.validation.answers.writer import walked
from framework.validation.conventions import UNSAID


class Colour(enum.Enum):
    RED = "red"


class Corner(enum.Enum):
    LEFT = (0, 1)


class Text(enum.StrEnum):
    A = "a"


class Number(enum.IntEnum):
    ONE = 1


class Key(TypedDict, total=False):
    a: int


class Needed(TypedDict):
    a: int
    b: str


@dataclass
class Flat:
    a: int
    b: str = "b"


@dataclass
class Hidden:
    a: Annotated[int, {"data_key": "A"}]
    secret: Annotated[str, {"load_only": True}] = "secret"
    free: Any = None


@dataclass
class Nest:
    flat: Flat
    many: list[Flat] = field(default_factory=list)
    free: Any = None
    amount: decimal.Decimal | None = None


@dataclass
class Child(Flat):
    more: int = 5


@dataclass
class Linked:
    a: int
    next: Self | None = None
    kept: list[Self] = field(default_factory=list)


class Longer(Linked):
    pass


class Model(MappedAsDataclass, DeclarativeBase):
    pass


class Row(Model):
    __tablename__ = "mapped"
    a: Mapped[int] = mapped_column(primary_key=True)
    b: Mapped[str | None] = mapped_column(default=None)


class Like:
    a = 1
    b = "like"


class Written(Schema):
    a = fields.Integer(required=True)
    b = fields.String()


class SubText(str):
    pass


class SubInt(int):
    pass


NOW = dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC)

TYPES = [
    *(str, int, float, bool, decimal.Decimal, uuid.UUID, dt.date, dt.time, dt.datetime, dt.timedelta, bytes),
    *(Corner, dict[Literal[1, "x"], int]),
    *(Colour, Text, Number, ipaddress.IPv4Address, pathlib.PurePosixPath, zoneinfo.ZoneInfo),
    *(Any, object, dict, list, dict[str, Any], dict[str, int], dict[int, str], dict[str, float], list[Any]),
    *(list[int], list[str], set[int], frozenset[str], tuple[int, ...], tuple[int, str], Sequence[int]),
    *(Mapping[str, Flat], Literal["a", "b"], Literal[1], Literal["a", 1], list[Literal["a"]], list[float]),
    *(Flat, Hidden, Nest, Key, Needed, list[Flat], list[Hidden], list[Needed], dict[str, Hidden]),
    *(
        list[dict[str, Flat]],
        int | str,
        Flat | Hidden,
        Key | Needed,
        list[Flat] | list[Hidden],
        list[int | None],
        *(str | None | int, int | float, dt.date | dt.datetime | float, Colour | str, Literal["a"] | str),
        *(Flat | Child | int, list[int | Flat], tuple[int | str, Flat | Hidden], Nest | Flat | str),
        *(dict[float, int], dict[float | str, int], dict[decimal.Decimal | bool, int], list[int] | str),
    ),
    *(
        Annotated[dict[str, Any], Written()],
        Annotated[list[Any], Written(many=True)],
        list[uuid.UUID],
        Flat | None,
    ),
    *(Linked, list[Linked], Linked | str, Row, list[Row], Row | str),
]

SCALARS: list[Any] = [
    *(None, True, 0, 1, -1, 2**64, 1.5, float("nan"), float("inf"), "a", "", "\ud800", "red", b"x"),
    *(SubText("a"), SubInt(1), decimal.Decimal("1.5"), decimal.Decimal("NaN"), decimal.Decimal("1E+2")),
    *(uuid.UUID(int=1), NOW, NOW.date(), NOW.time(), dt.timedelta(1), NOW.replace(tzinfo=None)),
    *(
        Corner.LEFT,
        Colour.RED,
        Text.A,
        Number.ONE,
        ipaddress.IPv4Address("1.2.3.4"),
        pathlib.PurePosixPath("/x"),
    ),
    *(zoneinfo.ZoneInfo("Europe/Paris"), object(), Flat, {}, [], (), set(), frozenset({"a"}), {1}, {"a"}),
]
OBJECTS: list[Any] = [
    *(Flat(1), Flat(1, "\ud800"), Flat("1"), Flat(None), Flat(True), Flat(SubInt(2)), Child(1), Like()),  # type: ignore[arg-type]
    *(Hidden(1), Hidden(1, free=Hidden(2)), Hidden(1, free=float("nan")), Hidden("x")),  # type: ignore[arg-type]
    *(Nest(Flat(1)), Nest(Flat(1), [Flat(2), Child(3)]), Nest(Flat(1), [None]), Nest(None), Nest({"a": 1})),  # type: ignore[arg-type,list-item]
    *(
        Nest(Flat(1), free=[Hidden(1)]),
        Nest(Flat(1), amount=decimal.Decimal("1.10")),
        Nest(Flat(1), free={1: None}),
    ),
    *({"a": 1}, {"a": "1"}, {"a": 1, "b": "x"}, {"a": 1, "b": None}, {"b": "x"}, {"a": 1, "b": "x", "c": 1}),
    *(Linked(1, Linked(2)), Linked(1, Linked(SubInt(2)), [Longer(3)]), Linked(1, Flat(1)), Longer(1)),  # type: ignore[arg-type]
    *(Row(1), Row(1, "x"), Row(SubInt(1), SubText("x")), Row("x")),  # type: ignore[arg-type]
    *({"x": 1}, {2: 1}, {1: 1}, {Corner.LEFT: 1}),
    *({float("nan"): 1}, {float("inf"): 1}, {1.5: 1}, {True: 1}, {decimal.Decimal("1E+2"): 1}),
    *({1: "a"}, {"a": 1.5}, {"a": float("nan")}, {"a": Flat(1)}, {"a": Hidden(1)}, {"flat": {"a": 1}}),
]
VALUES = [*SCALARS, *OBJECTS]
VALUES += [[each] for each in VALUES] + [(1, each) for each in SCALARS] + [{"a": each} for each in OBJECTS]


def outcome(write: Any, value: Any) -> Any:
    """Return what is written, without the order of what has none; or where it did not fit."""
    try:
        return json.loads(write(value))
    except Misfit as misfit:
        return "misfit", misfit.pointer
    except (ValueError, TypeError):  # of a schema that somebody wrote
        return "misfit", None


def is_misfit(outcome: Any) -> bool:
    return isinstance(outcome, tuple)


@pytest.mark.parametrize("annotation", TYPES, ids=str)
def test_the_quick_way_and_the_walk_agree(annotation: Any) -> None:
    quick, node = writer_of(annotation), Nodes(UNSAID).of(annotation)

    def walk(value: Any) -> bytes:
        return walked(node.write, value)

    different = [
        (ascii(value), outcome(quick, value), outcome(walk, value))
        for value in VALUES
        if outcome(quick, value) != outcome(walk, value)
    ]

    assert different == []


@pytest.mark.guarantee("compiled validation")
def test_a_union_s_own_values_are_written_without_a_walk() -> None:
    @dataclass
    class Holder:
        one: int | str
        other: Flat | Child
        many: list[float | str]

    values = [Holder(1, Flat(2), []), Holder("x", Child(2), [1.5, "y"])]
    write = compile(schema_of(Holder)).json_writer(lambda value: b"walked", exact=True)

    found = [write(value) for value in values]

    assert found == [
        b'{"one":1,"other":{"a":2,"b":"b"},"many":[]}',
        b'{"one":"x","other":{"a":2,"b":"b","more":5},"many":[1.5,"y"]}',
    ]


def has_field(annotation: Any) -> bool:
    """Tell whether a field may be of the type."""
    try:
        writer_of(make_dataclass("Holder", [("value", annotation)]))
    except ConfigurationError:
        return False
    return True


@pytest.mark.parametrize("annotation", [each for each in TYPES if has_field(each)], ids=str)
def test_a_field_takes_what_an_answer_takes(annotation: Any) -> None:
    """A value is as good in a field of its type as by itself."""
    holder = make_dataclass("Holder", [("value", annotation)])
    inside, alone = writer_of(holder), writer_of(annotation)

    different = [
        (ascii(value), held, by_itself)
        for value in VALUES
        for held, by_itself in [(outcome(inside, holder(value)), outcome(alone, value))]
        if not (held == {"value": by_itself} or is_misfit(held) is is_misfit(by_itself) is True)
    ]

    assert different == []
