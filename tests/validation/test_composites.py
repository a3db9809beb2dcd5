"""Fields made of fields, hooks within and rare options: the same as marshmallow, one by one."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from typing import Annotated, Any, Generic, Literal, NewType, TypedDict, TypeVar

import pytest
from marshmallow import (
    Schema,
    ValidationError,
    fields,
    post_dump,
    post_load,
    validate,
    validates,
    validates_schema,
)

from framework.errors import ConfigurationError
from framework.validation import Partial, compile, schema_of
from framework.validation.compiler.compiled import CompiledSchema
from tests.validation.random_schemas import Colour, Shout, Thing
from tests.validation.sameness import assert_dumps_the_same, assert_loads_the_same, capped


class Point(Schema):
    x = fields.Integer(required=True)
    y = fields.Integer(load_default=0)

    @validates("x")
    def positive(self, value: int, data_key: str) -> None:
        if value < 0:
            raise ValidationError("Negative.")

    @validates_schema
    def apart(self, data: dict[str, int], **kwargs: Any) -> None:
        if data["x"] == data.get("y"):
            raise ValidationError("Equal.")

    @post_load
    def pair(self, data: dict[str, int], **kwargs: Any) -> tuple[int, int]:
        return data["x"], data.get("y", 9)


class Tagged(Schema):
    name = fields.String()
    tags = fields.List(fields.String(validate=validate.Length(1)))

    @post_dump
    def mark(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {**data, "dumped": True}


class Named(Schema):
    """Some names may be missing, but marshmallow is to see to that."""

    def __init__(self, **options: Any) -> None:
        super().__init__(partial=("name",), **options)

    name = fields.String(required=True)


def deeper(level: int) -> Any:
    return Schema.from_dict({"x": fields.Nested(deeper(level - 1)) if level else fields.Integer()})


DEEP: Any = 1
for _ in range(12):
    DEEP = {"x": DEEP}

FIELDS: dict[str, tuple[Callable[[], fields.Field[Any]], list[Any]]] = {
    "nested with hooks": (
        lambda: fields.Nested(Point),
        [{"x": 1}, {"x": -1}, {"x": 0}, {"x": 2, "y": 2}, None],
    ),
    "many with hooks": (lambda: fields.Nested(Point, many=True), [[{"x": 1}, {"x": 2}], [{"x": 0}], [], {}]),
    "list of nested": (
        lambda: fields.List(fields.Nested(Point)),
        [[{"x": 1}], [{"x": 1}, {"x": "a"}], [None]],
    ),
    "dumped with a hook": (lambda: fields.Nested(Tagged), [{"name": "a"}, {"tags": ["", "b"]}]),
    "includes": (lambda: fields.Nested(Tagged, unknown="include"), [{"name": "a", "more": 1}]),
    "excludes": (lambda: fields.Nested(Tagged, unknown="exclude"), [{"name": "a", "more": 1}]),
    "a name may be missing": (lambda: fields.Nested(Named), [{}, {"name": 1}]),
    "plucked": (lambda: fields.Pluck(Tagged, "name"), ["a", 1, {"name": "a"}]),
    "plucked many": (lambda: fields.Pluck(Tagged, "name", many=True), [["a"], [1], "a", {"name": "a"}]),
    "list of unknown": (lambda: fields.List(Shout()), [["a"], [1], "a"]),
    "values unknown": (lambda: fields.Dict(values=Shout()), [{"a": "b"}, {"a": 1}]),
    "values of a function": (lambda: fields.Dict(values=fields.Function(repr)), [{"a": "b"}]),
    "list of a function": (lambda: fields.List(fields.Function(type)), [["b"]]),
    "keys": (lambda: fields.Dict(keys=fields.Integer()), [{"1": {}}, {"a": 1}, {1: 2}]),
    "values of times": (lambda: fields.Dict(fields.Date(), fields.Date()), [{"2024-02-29": "2024-02-29"}]),
    "any dict": (fields.Dict, [{"a": [1]}, {1: 2}, []]),
    "empty tuple": (lambda: fields.Tuple(()), [[], [1], ()]),
    "tuple": (lambda: fields.Tuple((fields.UUID(), Shout())), [[str(uuid.UUID(int=1)), "a"], ["a"]]),
    "deep": (lambda: fields.Nested(deeper(10)), [DEEP["x"], {"x": 1}, {}]),
    "boolean in German": (
        lambda: fields.Boolean(truthy={"ja"}, falsy={"nein", None}),
        ["ja", "nein", None, True],
    ),
    "enum of dates": (lambda: fields.Enum(Colour, by_value=fields.Raw), ["red", None, 1, Colour.RED]),
    "aware": (lambda: fields.AwareDateTime(format="rfc"), ["Thu, 29 Feb 2024 12:30:00 -0000", "x"]),
}


@pytest.mark.parametrize("options", [{}, {"partial": True}, {"partial": False}], ids=str)
@pytest.mark.parametrize("name", FIELDS)
def test_a_composite_field_is_the_same(name: str, options: dict[str, Any]) -> None:
    make, values = FIELDS[name]
    made = Schema.from_dict({"f": make(), "later": fields.Integer(required=True)})
    compiled, schema = CompiledSchema(made(**options)), capped(made(**options))

    for value in values:
        for document in ({"f": value, "later": 1}, {"f": value, "later": "x"}, {"f": value}):
            assert_loads_the_same(compiled, schema, document)
            assert_dumps_the_same(compiled, schema, document)
            assert_dumps_the_same(compiled, schema, Thing({"f": value, "later": 1}))


class Rare(Schema):
    dotted = fields.Integer(attribute="a.b")
    other = fields.Integer(attribute="a.c", dump_default=7)
    twice = fields.Integer(data_key="same", load_only=True)
    again = fields.String(data_key="same", dump_only=False, attribute="again")
    items = fields.String()
    cry = Shout()
    odd = fields.String(attribute="not an identifier")
    word = fields.Integer(attribute="class", data_key="{\"'\\}")


@pytest.mark.parametrize("options", [{}, {"partial": True}, {"unknown": "include"}], ids=str)
@pytest.mark.parametrize(
    "document",
    [
        {"dotted": 1, "other": 2, "same": "3", "items": "x", "cry": "a", "odd": "b", "{\"'\\}": 1},
        {"a": {"b": 1}, "items": "x", "again": "y", "not an identifier": "c", "class": 1},
        {"same": "a"},
        {"cry": 1},
        {},
    ],
    ids=["loaded", "dumped", "one", "wrong", "empty"],
)
def test_rare_options_are_the_same(options: dict[str, Any], document: dict[str, Any]) -> None:
    compiled, schema = CompiledSchema(Rare(**options)), capped(Rare(**options))

    assert_loads_the_same(compiled, schema, document)
    assert_dumps_the_same(compiled, schema, document)
    assert_dumps_the_same(compiled, schema, Thing(document))


def test_hooks_run_for_many() -> None:
    compiled, schema = CompiledSchema(Tagged(many=True)), capped(Tagged(many=True))
    points, plain = CompiledSchema(Point(many=True)), capped(Point(many=True))

    assert_dumps_the_same(compiled, schema, [{"name": "a"}, Thing({"name": "b", "tags": [1]})])
    assert_dumps_the_same(compiled, schema, ())
    assert_loads_the_same(points, plain, [{"x": 1}, {"x": 2}])
    assert_loads_the_same(points, plain, [{"x": 1}, {"x": "a"}])
    assert_loads_the_same(points, plain, {"x": 1})


T = TypeVar("T")
UserId = NewType("UserId", int)
AT_MOST_FIVE = {"validate": [validate.Range(max=5)]}


class Coordinate:
    """A class that brings its own field."""

    @classmethod
    def __marshmallow_field__(cls) -> fields.Field[Any]:
        return fields.Tuple((fields.Float(), fields.Float()))


class Weighted(TypedDict, Generic[T], total=False):
    value: T


@dataclass
class Pair(Generic[T]):
    one: T
    many: dict[str, list[T]] = field(default_factory=dict)


@dataclass
class Odd:
    user: UserId
    where: Coordinate
    named: Annotated[dict[str, Any], Tagged()]
    choice: Literal["a", None]
    ids: frozenset[int]
    pair: Pair[int]
    renamed: Annotated[int, {"data_key": "re-named", "title": "Re"}, validate.Range(1)] = 1
    cry: Annotated[str, Shout] = "a"
    given: Annotated[int, fields.Integer(load_default=3)] = 3
    made: Annotated[int, AT_MOST_FIVE] = field(default=2, metadata={"metadata": {"a": 1}})
    point: Annotated[tuple[int, int] | None, fields.Nested(Point)] = None
    flags: tuple[()] = ()


ODD = {
    "user": 1,
    "where": [1, 2.5],
    "named": {"name": "n"},
    "choice": None,
    "ids": [1, 2],
    "pair": {"one": 1, "many": {"a": [1, 2]}},
    "re-named": 2,
    "point": {"x": 1},
}


def test_odd_annotations_have_their_fields() -> None:
    loaded = compile(Odd).load(ODD)

    assert (loaded.user, loaded.where, loaded.named, loaded.choice) == (1, (1.0, 2.5), {"name": "n"}, None)
    assert (loaded.ids, loaded.pair, loaded.renamed) == (frozenset({1, 2}), Pair(1, {"a": [1, 2]}), 2)
    assert (loaded.cry, loaded.given, loaded.made, loaded.point, loaded.flags) == ("a", 3, 2, (1, 0), ())
    assert compile(Odd).schema.fields["renamed"].metadata == {"title": "Re"}


@pytest.mark.parametrize(
    "change", [{"re-named": 0}, {"made": 6}, {"pair": {"one": "x"}}, {"choice": "b"}], ids=str
)
def test_what_odd_annotations_say_is_checked(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        compile(Odd).load(ODD | change)

    assert list(caught.value.messages) == list(change)


@dataclass
class Native:
    """What orjson writes by itself."""

    text: str
    flag: bool
    anything: Any
    colour: Colour
    days: list[dt.date]
    table: dict[str, int]
    key: uuid.UUID
    moment: dt.datetime
    clock: dt.time
    inner: Pair[int] | None = None


NATIVE: dict[str, Any] = {
    "text": "a",
    "flag": True,
    "anything": decimal.Decimal(1),
    "colour": Colour.RED,
    "days": [dt.date(2024, 2, 29)],
    "table": {"a": 1},
    "key": uuid.UUID(int=3),
    "moment": dt.datetime(2024, 2, 29, tzinfo=dt.UTC),
    "clock": dt.time(1, 2),
    "inner": Pair(1, {"a": [1]}),
}


class Opaque:
    """A value that JSON has no word for."""

    def __repr__(self) -> str:
        return "opaque"


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"text": 1},
        {"flag": 3},
        {"anything": Opaque()},
        {"colour": None},
        {"days": (dt.date(2024, 2, 29), None)},
        {"days": [dt.datetime(2024, 2, 29, tzinfo=dt.UTC)]},
        {"table": {1: 1}},
        {"table": {"a": "1"}},
        {"moment": dt.datetime(2024, 2, 29, tzinfo=dt.timezone(dt.timedelta(seconds=7)))},
        {"clock": dt.time(1, tzinfo=dt.UTC)},
        {"inner": {"one": 1, "many": {}}},
        {"inner": Pair[Any]("1", {"a": [1, "2"]})},
    ],
    ids=str,
)
def test_objects_that_orjson_could_write_by_itself_are_the_same(change: dict[str, Any]) -> None:
    schema = schema_of(Native)
    made = Native(**NATIVE | change)

    assert_dumps_the_same(CompiledSchema(schema), capped(type(schema)()), made)


def test_a_property_in_the_place_of_a_field_is_asked_when_dumping() -> None:
    @dataclass
    class Masked:
        name: str

    # A decorator of the class might do this.
    Masked.name = property(lambda self: "masked", lambda self, value: vars(self).update(name=value))  # type: ignore[assignment]

    assert compile(Masked).dump_json(Masked("plain")) == b'{"name":"masked"}'


@dataclass
class Filled:
    seed: InitVar[int]


@dataclass
class Clash:
    one: int = field(metadata={"data_key": "same"})
    two: int = field(metadata={"data_key": "same"})


@dataclass
class Unhashable:
    sets: set[list[int]]


@dataclass
class Unresolved:
    later: NotThere  # type: ignore[name-defined] # noqa: F821


@dataclass
class Mixed:
    value: Literal[1, "a"]


@pytest.mark.parametrize(
    ("tp", "words"),
    [
        (Clash, "Clash.*same"),
        (Unhashable, "Unhashable.sets.*hashable"),
        (Unresolved, "Unresolved.*NotThere"),
        (Partial, "Partial"),
    ],
)
def test_types_that_make_no_sense_are_errors_that_say_why(tp: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        schema_of(tp)


def test_a_literal_of_several_types_comes_as_text_unless_two_are_the_same_text() -> None:
    assert compile(Mixed).load({"value": 1}) == Mixed(1)
    assert compile(schema_of(Mixed, text=True)).load({"value": "1"}) == Mixed(1)
    with pytest.raises(ConfigurationError, match=r"text, two values.*same"):
        schema_of(Literal[1, "1"], text=True)


def test_a_generic_typed_dict_takes_its_parameter() -> None:
    assert compile(Weighted[int]).load({"value": 1}) == {"value": 1}
    with pytest.raises(ValidationError):
        compile(Weighted[int]).load({"value": "1"})


def test_extras_that_cannot_be_hashed_are_taken() -> None:
    rows = Annotated[list[Pair[int]], validate.Length(1), {"title": ["unhashable"]}]

    assert compile(rows).load([{"one": 1}]) == [Pair(1)]


def test_a_partial_is_a_mapping_that_changes_dicts_and_objects() -> None:
    patch = compile(Partial[Pair[int]]).load({"one": 5})
    target = {"one": 1, "many": {}}
    patch.apply(target)

    assert (len(patch), list(patch), patch["one"], repr(patch)) == (1, ["one"], 5, "Partial({'one': 5})")
    assert target == {"one": 5, "many": {}}
    assert compile(Partial[Pair[int]]).dump(patch) == {"one": 5}
