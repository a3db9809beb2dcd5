"""Random schemas, and values for them: valid, nearly valid and hostile.

Hypothesis draws the schemas, so that it can shrink them. The values come from a plain random generator that it seeds:
there are many for each schema, and drawing each choice would take longer than all that is compared.
"""

from __future__ import annotations

import datetime as dt
import decimal
import ipaddress
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, IntEnum, IntFlag
from random import Random
from typing import Any

from hypothesis import strategies as st
from marshmallow import Schema, ValidationError, fields, validate
from marshmallow.decorators import post_dump, post_load, pre_dump, pre_load, validates, validates_schema

Values = Callable[[Random], Any]


class Colour(Enum):
    RED = "red"
    BLUE = "blue"
    NONE = None


class Word(str, Enum):  # noqa: UP042 - str() of a StrEnum says something else
    YES = "yes"
    NO = "no"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Flag(IntFlag):
    A = 1
    B = 2


class Text(str):
    """Text that is not quite text."""

    def __str__(self) -> str:
        return "spoken"


class Shout(fields.String):
    """A field that the compiler does not know."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return super()._deserialize(value, attr, data, **kwargs).upper()

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else str(value).lower()


class Quiet(fields.Integer):
    """A field that only words its errors otherwise."""

    default_error_messages = {"invalid": "No."}  # noqa: RUF012 - marshmallow's way


@dataclass(frozen=True)
class Kind:
    """A kind of field.

    Attributes:
        make: Makes the field, given options that all fields have.
        raw: What a client might send.
        own: What a service might hold.
        validators: Validators that fit.
    """

    make: Callable[..., fields.Field[Any]]
    raw: Values
    own: Values
    validators: tuple[Callable[[Any], Any], ...] = ()


def even(value: Any) -> None:
    """A validator of a user's own."""
    if value % 2:
        raise ValidationError({"odd": ["Not even."]})


def lively(value: Any) -> None:
    if not value:
        raise ValidationError("Empty.")


UTC = dt.UTC
ODD_ZONE = dt.timezone(dt.timedelta(hours=1, seconds=7))
MOMENTS = [
    dt.datetime(2024, 2, 29, 12, 30, 1, 5, tzinfo=UTC),
    dt.datetime(24, 1, 1),  # noqa: DTZ001 - naive on purpose
    dt.datetime(2024, 2, 29, tzinfo=ODD_ZONE),
    dt.datetime(2024, 2, 29, tzinfo=dt.timezone(dt.timedelta(hours=-5))),
]
# fmt: off
HOSTILE: list[Any] = [
    None, True, False, 0, 1, 2, -1, 2**63, 2**70, 1.0, 1.5, 1e300, 2e19, float("nan"), float("inf"),
    "", "a", " 1", "1", "1_0", "1e5", "1e999999", "NaN", "Infinity", "true", "on", "a\0b", "\u0661",
    "ab@cd.ef", "https://a.bc", "10.0.0.1", "::1", "10.0.0.1/8", "red", "RED", "yes",
    "2024-02-29", "2024-02-29T12:00", "2024-02-29T12:00:00+00:00", "2024-02-30", "12:00", "20240229",
    "8be9f7a4-1c2b-4c59-8d1f-5b1b0f8b9f11", "{8be9f7a41c2b4c598d1f5b1b0f8b9f11}",
    "urn:uuid:8be9f7a4-1c2b-4c59-8d1f-5b1b0f8b9f11", "+be9f7a41c2b4c598d1f5b1b0f8b9f1_",
    b"bytes", b"\xff", [], [1], ["a"], [None], (), (1, "a"), {}, {"a": 1}, {"x": None}, {1: 2},
    OrderedDict(a=1), {1}, object, Colour.RED, Word.YES, Level.LOW, Flag.A | Flag.B, Text("t"),
    decimal.Decimal("1.50"), decimal.Decimal("NaN"), decimal.Decimal("1E+5"), uuid.UUID(int=5),
    dt.date(2024, 2, 29), dt.time(1, 2), dt.time(1, 2, tzinfo=UTC), dt.timedelta(days=1, microseconds=3),
    ipaddress.ip_address("::1"), *MOMENTS,
]
# fmt: on


def among(values: Iterable[Any]) -> Values:
    """One of these values."""
    listed = list(values)
    return lambda random: random.choice(listed)


def only(value: Any) -> Values:
    """Always this value."""
    return lambda random: value


def several(values: Values, most: int) -> Values:
    """A list of up to so many."""
    return lambda random: [values(random) for _ in range(random.randint(0, most))]


def entries(values: Values) -> Values:
    """A dict of a few."""
    return lambda random: {key: values(random) for key in ("a", "b", "c") if random.random() < 0.5}


def nearly(values: Values) -> Values:
    """Mostly such values, sometimes anything."""
    return lambda random: random.choice(HOSTILE) if random.random() < 0.04 else values(random)


hostile = among(HOSTILE)
texts = among(["", "a", "ab", "abc", "Ada", "x" * 30, "é", "a@b.de", "http://a.bc/d?e", "red", "1"])
integers = among([0, 1, 2, 3, 10, -5, 150, 2**53, "2", 4.0])
numbers = among([0, 1, -2, 1.5, 0.1, -0.0, 1e16, "2.5", 3])
LENGTHS = (
    validate.Length(1, 3),
    validate.Length(max=2),
    validate.Length(equal=1),
    validate.Length(min=2),
    lively,
)
RANGES = (
    validate.Range(0, 10),
    validate.Range(min=1, min_inclusive=False),
    validate.Range(max=3, max_inclusive=False, error="{input} is more than {max}"),
    validate.OneOf([1, 2, 3]),
    validate.NoneOf((2,)),
    validate.Equal(2),
    validate.And(validate.Range(0), validate.Range(max=5)),
    even,
)
TEXT_RULES = (
    *LENGTHS,
    validate.OneOf(["a", "ab"]),
    validate.OneOf("abc"),
    validate.NoneOf(["a"]),
    validate.NoneOf("abc"),
    validate.Regexp(r"^[a-z]+$"),
    validate.Email(),
    validate.URL(),
    validate.URL(relative=True, schemes=["https"]),
    validate.Predicate("islower"),
    validate.ContainsOnly("abc"),
)


def times(kind: Any, raw: list[Any], own: list[Any], form: str | None = None, **options: Any) -> Kind:
    return Kind(lambda **common: kind(format=form, **options, **common), among(raw), among(own))


DATE_TIMES = ["2024-02-29T12:30:00", "2024-02-29T12:30:00+00:00", "2024-02-29T12:30:00Z", "2024-02-29"]
SCALARS = [
    Kind(fields.String, texts, texts, TEXT_RULES),
    Kind(fields.Email, texts, texts, LENGTHS),
    Kind(fields.Url, texts, texts, LENGTHS),
    Kind(fields.Integer, integers, integers, RANGES),
    Kind(lambda **common: fields.Integer(strict=True, **common), integers, integers, RANGES),
    Kind(lambda **common: fields.Integer(as_string=True, **common), integers, integers),
    Kind(Quiet, integers, integers, RANGES),
    Kind(fields.Float, numbers, numbers, RANGES),
    Kind(lambda **common: fields.Float(allow_nan=True, as_string=True, **common), numbers, numbers),
    Kind(fields.Decimal, numbers, among([decimal.Decimal("1.5"), decimal.Decimal("1E-9"), 2, 0.1])),
    Kind(
        lambda **common: fields.Decimal(1, decimal.ROUND_UP, as_string=True, **common),
        numbers,
        among([decimal.Decimal("1.55"), decimal.Decimal("1E+3"), decimal.Decimal("-0")]),
        RANGES[:2],
    ),
    Kind(lambda **common: fields.Decimal(allow_nan=True, **common), numbers, numbers),
    Kind(fields.Boolean, among([True, False, "true", "off", 1, 0]), among([True, False])),
    Kind(
        lambda **common: fields.Boolean(truthy={"ja"}, falsy={"nein"}, **common),
        among(["ja", True]),
        among([True, False]),
    ),
    Kind(fields.UUID, among(["8be9f7a4-1c2b-4c59-8d1f-5b1b0f8b9f11", "0" * 32]), only(uuid.UUID(int=7))),
    times(fields.DateTime, DATE_TIMES, MOMENTS),
    times(fields.DateTime, ["Thu, 29 Feb 2024 12:30:00 +0000", "Thu, 29 Feb 2024"], MOMENTS, "rfc"),
    times(fields.DateTime, [0, 1.5, 10**10, -1, "12"], MOMENTS[:1], "timestamp"),
    times(fields.DateTime, [0, 1500, "12"], MOMENTS[:1], "timestamp_ms"),
    times(fields.DateTime, ["29/02/2024", "30/02/2024"], MOMENTS, "%d/%m/%Y"),
    times(fields.NaiveDateTime, DATE_TIMES, MOMENTS),
    times(fields.NaiveDateTime, DATE_TIMES, MOMENTS, timezone=UTC),
    times(fields.AwareDateTime, DATE_TIMES, MOMENTS),
    times(fields.AwareDateTime, DATE_TIMES, MOMENTS, default_timezone=ODD_ZONE),
    times(fields.Date, ["2024-02-29", "2023-02-29"], [dt.date(2024, 2, 29), *MOMENTS[:1]]),
    times(fields.Date, ["29.02.2024", "2024"], [dt.date(2024, 2, 29)], "%d.%m.%Y"),
    times(
        fields.Time,
        ["12:30", "12:30:01.5", "25:00"],
        [dt.time(1, 2, 3), dt.time(1, tzinfo=UTC), dt.time(1, 2, 3, 10_000)],
    ),
    Kind(fields.TimeDelta, numbers, among([dt.timedelta(days=-1, microseconds=3)])),
    Kind(lambda **common: fields.TimeDelta("days", **common), numbers, only(dt.timedelta(3))),
    Kind(fields.IP, among(["10.0.0.1", "::1"]), only(ipaddress.ip_address("::1"))),
    Kind(
        lambda **common: fields.IPv6(exploded=True, **common), only("::1"), only(ipaddress.ip_address("::1"))
    ),
    Kind(fields.IPv4, only("10.0.0.1"), only(ipaddress.ip_address("10.0.0.1"))),
    Kind(fields.IPInterface, only("10.0.0.1/8"), only(ipaddress.ip_interface("10.0.0.1/8"))),
    Kind(lambda **common: fields.Enum(Colour, **common), among(["RED", "BLUE"]), among(Colour)),
    Kind(
        lambda **common: fields.Enum(Colour, by_value=True, **common), among(["red", "blue"]), among(Colour)
    ),
    Kind(lambda **common: fields.Enum(Word, by_value=fields.String, **common), only("yes"), among(Word)),
    Kind(
        lambda **common: fields.Enum(Level, by_value=fields.Integer(strict=True), **common),
        among([1, 2, 3]),
        among(Level),
    ),
    Kind(lambda **common: fields.Enum(Level, by_value=True, **common), among([1, 2.0, True]), among(Level)),
    Kind(lambda **common: fields.Enum(Flag, **common), only("A"), among([Flag.A, Flag.A | Flag.B])),
    Kind(fields.Raw, hostile, hostile, (lively,)),
    Kind(
        lambda **common: fields.Constant("c", **without(common, "load_default", "required")), hostile, hostile
    ),
    Kind(Shout, texts, texts, LENGTHS),
    Kind(
        lambda **common: fields.Function(len, repr, **without(common, "dump_only", "load_only")), texts, texts
    ),
]


def without(options: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in names}


@st.composite
def kinds(draw: st.DrawFn, depth: int) -> Kind:
    """A kind of field: a scalar, or a container of some."""
    if depth == 0 or draw(st.integers(0, 9)) < 7:
        return draw(st.sampled_from(SCALARS))
    shape = draw(st.sampled_from(["list", "tuple", "dict", "nested", "nested", "many", "pluck"]))
    if shape in ("nested", "many", "pluck"):
        return draw(nestings(depth - 1, shape))
    inner = draw(kinds(depth - 1))
    ways: list[dict[str, Any]] = [{}, {"allow_none": True}, {"validate": inner.validators[:1]}]
    options = draw(st.sampled_from(ways))
    return container(shape, inner, options)


def container(shape: str, inner: Kind, options: dict[str, Any]) -> Kind:
    raw, own = nearly(inner.raw), nearly(inner.own)
    if shape == "list":
        return Kind(
            lambda **common: fields.List(inner.make(**options), **common),
            several(raw, 3),
            lambda random: random.choice((list, tuple))(several(own, 3)(random)),
            LENGTHS,
        )
    if shape == "tuple":
        return Kind(
            lambda **common: fields.Tuple((inner.make(**options), fields.String()), **common),
            lambda random: [raw(random), texts(random)],
            lambda random: (own(random), texts(random)),
        )
    return Kind(
        lambda **common: fields.Dict(
            fields.String(validate=validate.Length(1)), inner.make(**options), **common
        ),
        entries(raw),
        entries(own),
        LENGTHS,
    )


@st.composite
def nestings(draw: st.DrawFn, depth: int, shape: str) -> Kind:
    case = draw(cases(depth, hooks=draw(st.booleans())))
    name = draw(st.sampled_from(list(case.kinds)))
    if shape == "pluck":
        inner = case.kinds[name]
        return Kind(lambda **common: fields.Pluck(case.schema, name, **common), inner.raw, case.own)
    many = shape == "many"
    options: dict[str, Any] = {"many": many, "unknown": draw(st.sampled_from([None, "include", "exclude"]))}
    if draw(st.integers(0, 4)) == 0:
        options["only"] = [name]
    nested: Any = draw(st.sampled_from([case.schema, lambda: case.schema()]))  # noqa: PLW0108
    return Kind(
        lambda **common: fields.Nested(nested, **options, **common),
        several(case.raw, 2) if many else case.raw,
        several(case.own, 2) if many else case.own,
        LENGTHS if many else (),
    )


@dataclass(frozen=True)
class Case:
    """A schema class, the kinds of its fields, and inputs for loading and dumping."""

    schema: type[Schema]
    kinds: dict[str, Kind]
    raw: Values
    own: Values


class Thing:
    """An object with attributes."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)


@st.composite
def cases(draw: st.DrawFn, depth: int = 2, hooks: bool = True) -> Case:
    """A schema class with up to five fields, all options included."""
    names = draw(
        st.lists(st.sampled_from(["a", "b", "c", "items", "name"]), min_size=1, max_size=5, unique=True)
    )
    chosen = {name: draw(kinds(depth)) for name in names}
    made = {name: kind.make(**draw(options(name, kind))) for name, kind in chosen.items()}
    meta = {"unknown": draw(st.sampled_from(["raise", "raise", "exclude", "include"])), "register": False}
    attributes: dict[str, Any] = {"Meta": type("Meta", (), meta)}
    if hooks and draw(st.integers(0, 3)) == 0:
        attributes |= draw(st.sampled_from(HOOKS))(names[0])
    keys = {name: field.data_key or name for name, field in made.items()}
    schema = type("Random", (Schema,), {**made, **attributes})
    raw = objects({keys[name]: kind.raw for name, kind in chosen.items()}, EXTRA)
    own = objects({made[name].attribute or name: kind.own for name, kind in chosen.items()}, [{}])
    return Case(schema, chosen, nearly(raw), nearly(lambda random: random.choice((dict, Thing))(own(random))))


EXTRA: list[dict[Any, Any]] = [{}] * 8 + [{"extra": 1}, {"name": 2}, {5: 6}]


def objects(values: dict[str, Values], extra: list[dict[Any, Any]]) -> Values:
    """Dicts with all of these entries, or with most, and now and then with more."""

    def draw(random: Random) -> dict[Any, Any]:
        if random.random() < 0.4:
            return {name: value(random) for name, value in values.items()}
        found = {name: nearly(value)(random) for name, value in values.items() if random.random() < 0.9}
        return {**random.choice(extra), **found}

    return draw


@st.composite
def options(draw: st.DrawFn, name: str, kind: Kind) -> dict[str, Any]:
    """Options that all fields have."""
    chosen: dict[str, Any] = {}
    chance = draw(st.integers(0, 3))
    if chance == 0:
        chosen["required"] = True
    elif chance == 1:
        chosen["load_default"] = draw(st.sampled_from([None, 5, "text", list, lambda: "made"]))
        chosen["dump_default"] = draw(st.sampled_from([None, 5, "x", lambda: "made"]))
    if kind.validators:
        chosen["validate"] = draw(st.lists(st.sampled_from(kind.validators), max_size=1))
    rare = draw(st.integers(0, 15))
    chosen |= RARE.get(rare, {})
    if rare == 14:
        chosen |= {"data_key": f"{name}-key"}
    if rare == 15:
        chosen |= {"attribute": f"{name}_attribute"}
    return chosen


RARE: dict[int, dict[str, Any]] = {
    0: {"allow_none": True},
    1: {"allow_none": True},
    2: {"load_only": True},
    3: {"dump_only": True},
    4: {"pre_load": lambda value: value.strip() if isinstance(value, str) else value},
    5: {"post_load": lambda value: [value]},
    6: {"pre_load": lambda value: None},
}


def _validating(name: str) -> dict[str, Any]:
    @validates(name)
    def check(self: Schema, value: Any, data_key: str) -> None:
        if value in ("a", 1):
            raise ValidationError("Not that.")

    return {"check": check}


def _validating_all(name: str) -> dict[str, Any]:
    @validates_schema(skip_on_field_errors=False)
    def check(self: Schema, data: Any, **kwargs: Any) -> None:
        if len(data) == 2:
            raise ValidationError("Not two.", name)

    return {"check": check}


def _renaming(name: str) -> dict[str, Any]:
    @pre_load
    def before(self: Schema, data: Any, **kwargs: Any) -> Any:
        if isinstance(data, dict) and "extra" in data:
            data[name] = data.pop("extra")
        return data

    @post_load(pass_original=True)
    def after(self: Schema, data: Any, original: Any, *, many: bool, **kwargs: Any) -> Any:
        return {"loaded": data, "many": many, "from": len(original)}

    return {"before": before, "after": after}


def _wrapping(name: str) -> dict[str, Any]:
    @pre_dump
    def before(self: Schema, obj: Any, **kwargs: Any) -> Any:
        return dict(obj) if isinstance(obj, dict) else obj

    @post_dump(pass_collection=True)
    def after(self: Schema, data: Any, **kwargs: Any) -> Any:
        return {"dumped": data}

    return {"before": before, "after": after}


HOOKS = [_validating, _validating_all, _renaming, _wrapping]
