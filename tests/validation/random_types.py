"""Random dataclasses, and values for them."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, make_dataclass
from random import Random
from types import GenericAlias
from typing import Annotated, Any, Literal

from hypothesis import strategies as st
from marshmallow import fields
from marshmallow.validate import Email, Length, OneOf, Range, Regexp

from tests.validation.random_schemas import (
    MOMENTS,
    UTC,
    Colour,
    Level,
    Thing,
    Values,
    Word,
    among,
    entries,
    nearly,
    several,
)


@dataclass(frozen=True)
class Shape:
    """An annotation, what a client might send for it, and what a service might hold."""

    annotation: Any
    raw: Values
    own: Values


def shape(annotation: Any, raw: list[Any], own: list[Any] | None = None) -> Shape:
    return Shape(annotation, among(raw), among(raw if own is None else own))


TEXTS = ["", "a", "abc", "Ada", "a@b.de", "x" * 40]
NUMBERS = ["1.50", 1, 2.5, "1e3"]
DECIMALS = [decimal.Decimal("1.50"), decimal.Decimal("1E+3"), decimal.Decimal("1E-9")]
SCALARS = [
    shape(str, TEXTS),
    shape(Annotated[str, Length(1, 3)], TEXTS),
    shape(Annotated[str, Email()], TEXTS),
    shape(Annotated[str, Regexp("^a"), OneOf(["a", "abc"])], TEXTS),
    shape(int, [0, 1, -5, 2**63, True, "1"]),
    shape(Annotated[int, Range(0, 10)], [0, 1, 10, 11]),
    shape(float, [1, 1.5, 2.5e19, "1"]),
    shape(bool, [True, False, 1]),
    shape(decimal.Decimal, NUMBERS, DECIMALS),
    shape(Annotated[decimal.Decimal, fields.Decimal(as_string=True)], NUMBERS, DECIMALS),
    shape(uuid.UUID, ["8be9f7a4-1c2b-4c59-8d1f-5b1b0f8b9f11", "x"], [uuid.UUID(int=9)]),
    shape(dt.date, ["2024-02-29", "2024-02-30"], [dt.date(2024, 2, 29), MOMENTS[0]]),
    shape(dt.datetime, ["2024-02-29T12:30:00+01:00", "2024-02-29"], MOMENTS),
    shape(Annotated[dt.datetime, fields.NaiveDateTime()], ["2024-02-29T12:30", "2024-02-29"], MOMENTS),
    shape(dt.time, ["12:30", "12"], [dt.time(1, 2), dt.time(1, tzinfo=UTC), dt.time(1, 2, 3, 99_999)]),
    shape(dt.timedelta, [1.5, 3, "1"], [dt.timedelta(seconds=1.5)]),
    shape(Colour, ["red", "green"], list(Colour)),
    shape(Level, [1, 3, True], list(Level)),
    shape(Word, ["yes", "YES"], list(Word)),
    shape(Literal["a", "b"], ["a", "b", "c"]),
    shape(Literal[1, "x", True], [1, "x", True, 1.0]),
    shape(Any, [1, None, {"a": [1]}, "a"]),
    shape(set[int], [[1], [1, 1], ["a"]], [{1}, {1, 2}]),
]
NATIVE = [
    each for each in SCALARS if each.annotation in (str, int, float, bool, uuid.UUID, dt.date, Colour, Any)
]


@st.composite
def shapes(draw: st.DrawFn, depth: int) -> Shape:
    """An annotation: a scalar, or something made of others."""
    if depth == 0 or draw(st.integers(0, 9)) < 6:
        return draw(st.sampled_from(SCALARS))
    wrap = draw(st.sampled_from(["list", "dict", "tuple", "pair", "none", "none", "object", "object"]))
    if wrap == "object":
        return draw(dataclasses(depth - 1))
    inner = draw(shapes(depth - 1))
    return _WRAPS[wrap](inner)


def of(kind: type, *arguments: Any) -> Any:
    """``kind[arguments]``, for arguments that only the run knows."""
    return GenericAlias(kind, arguments)


def _none(inner: Shape) -> Shape:
    def maybe(values: Values) -> Values:
        return lambda random: None if random.random() < 0.3 else values(random)

    return Shape(inner.annotation | None, maybe(inner.raw), maybe(inner.own))


_WRAPS: dict[str, Callable[[Shape], Shape]] = {
    "none": _none,
    "list": lambda inner: Shape(of(list, inner.annotation), several(inner.raw, 3), several(inner.own, 3)),
    "dict": lambda inner: Shape(of(dict, str, inner.annotation), entries(inner.raw), entries(inner.own)),
    "tuple": lambda inner: Shape(
        of(tuple, inner.annotation, ...),
        several(inner.raw, 2),
        lambda random: tuple(several(inner.own, 2)(random)),
    ),
    "pair": lambda inner: Shape(
        of(tuple, inner.annotation, str),
        lambda random: [inner.raw(random), "a"],
        lambda random: (inner.own(random), "a"),
    ),
}


@st.composite
def dataclasses(draw: st.DrawFn, depth: int = 2) -> Shape:
    """A dataclass with up to five fields."""
    names = draw(
        st.lists(st.sampled_from(["a", "b", "c", "items", "_d"]), min_size=1, max_size=5, unique=True)
    )
    chosen = {name: draw(draw(st.sampled_from([shapes(depth), st.sampled_from(NATIVE)]))) for name in names}
    options = {name: draw(st.sampled_from(_DEFAULTS)) for name in names}
    options |= {
        name: {"metadata": {"data_key": f"@{name}"}} for name in names if draw(st.integers(0, 7)) == 0
    }
    style: dict[str, Any] = draw(st.sampled_from([{}, {}, {}, {"frozen": True}, {"slots": True}]))
    made = [(name, chosen[name].annotation, field(kw_only=True, **options[name])) for name in names]
    target = make_dataclass("Made", made, **style)
    keys = {name: options[name].get("metadata", {}).get("data_key", name) for name in names}

    def raw(random: Random) -> Any:
        clean = random.random() < 0.5
        return {
            keys[name]: (each.raw if clean else nearly(each.raw))(random)
            for name, each in chosen.items()
            if clean or random.random() < 0.9
        }

    def own(random: Random) -> Any:
        clean = random.random() < 0.6
        values = {name: (each.own if clean else nearly(each.own))(random) for name, each in chosen.items()}
        kind = random.choice(["made"] if clean else ["dict", "thing", "touched", "made"])
        if kind in ("dict", "thing"):
            return values if kind == "dict" else Thing(values)
        return target(**values) if kind == "made" else touched(target(**values), random)

    return Shape(target, nearly(raw), nearly(own))


_DEFAULTS: list[dict[str, Any]] = [
    {},
    {},
    {"default": None},
    {"default_factory": list},
    {"default": "text"},
    {"metadata": {"load_only": True}},
]


def touched(made: Any, random: Random) -> Any:
    """An instance with an attribute more, or one less, or one for another, where its class allows that."""
    values = getattr(made, "__dict__", {})
    way = random.choice(["less", "more", "other"])
    if values and way != "more":
        values.pop(random.choice(list(values)))
    if values and way != "less":
        values["extra"] = 1
    return made
