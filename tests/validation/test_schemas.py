"""Schemas made from types."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Generic, Literal, NotRequired, TypedDict, TypeVar
from uuid import UUID

import pytest
from marshmallow import EXCLUDE, Schema, ValidationError, fields
from marshmallow.validate import Email, Length, Range

from framework.errors import ConfigurationError
from framework.validation import MaxItems, Partial, compile, schema_from_fields, schema_of

T = TypeVar("T")


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


@dataclass
class Address:
    street: Annotated[str, Length(1, 100)]
    city: str
    zip: str | None = None


class Geo(TypedDict):
    lat: float
    lon: float
    label: NotRequired[str]


@dataclass
class Person:
    name: Annotated[str, Length(1, 100)]
    email: Annotated[str, Email()]
    age: Annotated[int, Range(0, 150)]
    address: Address
    place: Geo
    tags: list[str] = field(default_factory=list)
    colour: Colour = Colour.RED
    manager: Person | None = None


@dataclass
class Everything:
    text: str
    whole: int
    real: float
    flag: bool
    money: Decimal
    key: UUID
    day: date
    moment: datetime
    clock: time
    span: timedelta
    colour: Colour
    level: Level
    word: Literal["a", "b"]
    mixed: Literal[1, "x", True]
    maybe: int | None
    anything: Any
    pair: tuple[int, str]
    row: tuple[int, ...]
    unique: set[int]
    scores: dict[str, int]


@dataclass
class Page(Generic[T]):
    items: list[T]
    next: str | None = None


EVERYTHING_JSON: dict[str, Any] = {
    "text": "t",
    "whole": 1,
    "real": 1.5,
    "flag": True,
    "money": "12.50",
    "key": "8be9f7a4-1c2b-4c59-8d1f-5b1b0f8b9f11",
    "day": "2024-02-29",
    "moment": "2024-02-29T12:00:00+00:00",
    "clock": "12:30:00",
    "span": 1.5,
    "colour": "blue",
    "level": 2,
    "word": "a",
    "mixed": "x",
    "maybe": None,
    "anything": {"deep": [1]},
    "pair": [1, "a"],
    "row": [1, 2],
    "unique": [1],
    "scores": {"a": 1},
}
EVERYTHING = Everything(
    text="t",
    whole=1,
    real=1.5,
    flag=True,
    money=Decimal("12.50"),
    key=UUID("8be9f7a4-1c2b-4c59-8d1f-5b1b0f8b9f11"),
    day=date(2024, 2, 29),
    moment=datetime(2024, 2, 29, 12, tzinfo=UTC),
    clock=time(12, 30),
    span=timedelta(seconds=1.5),
    colour=Colour.BLUE,
    level=Level.HIGH,
    word="a",
    mixed="x",
    maybe=None,
    anything={"deep": [1]},
    pair=(1, "a"),
    row=(1, 2),
    unique={1},
    scores={"a": 1},
)
PERSON_JSON: dict[str, Any] = {
    "name": "Ada",
    "email": "ada@example.org",
    "age": 36,
    "address": {"street": "1 Main", "city": "London"},
    "place": {"lat": 1, "lon": 2.5},
}


def messages(tp: Any, data: Any, **options: Any) -> Any:
    with pytest.raises(ValidationError) as caught:
        compile(schema_of(tp, **options)).load(data)
    return caught.value.messages


def test_every_kind_of_annotation_loads_what_it_says() -> None:
    loaded = compile(Everything).load(EVERYTHING_JSON)

    assert loaded == EVERYTHING


def test_every_kind_of_annotation_dumps_what_it_loads() -> None:
    dumped = compile(Everything).dump(EVERYTHING)

    assert dumped == {**EVERYTHING_JSON, "pair": (1, "a")}


def test_dataclasses_nest_recur_and_take_their_defaults() -> None:
    loaded = compile(Person).load({**PERSON_JSON, "manager": {**PERSON_JSON, "name": "Bob"}})

    assert loaded.address == Address("1 Main", "London")
    assert loaded.manager.name == "Bob"
    assert (loaded.tags, loaded.colour, loaded.manager.manager) == ([], Colour.RED, None)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("whole", "1", "Not a valid integer."),
        ("whole", 1.0, "Not a valid integer."),
        ("whole", True, "Not a valid integer."),
        ("real", "1.5", "Not a valid number."),
        ("real", True, "Not a valid number."),
        ("flag", "yes", "Not a valid boolean."),
        ("flag", 1, "Not a valid boolean."),
        ("money", "1e999999999", "Not a valid number."),
        ("money", "1_0", "Not a valid number."),
        ("money", True, "Not a valid number."),
        ("moment", "2024-02-29", "Not a valid aware datetime."),
        ("moment", "2024-02-29T12:00:00", "Not a valid aware datetime."),
        ("span", "1.5", "Not a valid period of time."),
        ("level", "2", "Not a valid integer."),
        ("level", 9, "Must be one of: 1, 2."),
        ("word", "c", "Must be one of: a, b."),
        ("mixed", False, "Must be one of: 1, x, True."),
        ("mixed", 1.0, "Must be one of: 1, x, True."),
        ("text", "a\0b", "Null characters are not allowed."),
        ("text", None, "Field may not be null."),
    ],
)
def test_json_values_of_another_kind_are_refused(name: str, value: Any, message: str) -> None:
    assert messages(Everything, {**EVERYTHING_JSON, name: value}) == {name: [message]}


def test_unknown_and_missing_fields_are_refused_together() -> None:
    assert messages(Address, {"street": "x", "what": 1}) == {
        "city": ["Missing data for required field."],
        "what": ["Unknown field."],
    }


def test_entries_of_a_mapping_fault_at_the_entry() -> None:
    assert messages(Everything, {**EVERYTHING_JSON, "scores": {"a": "x"}}) == {
        "scores": {"a": ["Not a valid integer."]}
    }


@dataclass
class Search:
    q: str
    limit: int = 20
    exact: bool = False
    since: date | None = None
    at_most: float | None = None
    tag: list[int] = field(default_factory=list)
    level: Level | None = None


def test_text_is_converted() -> None:
    loaded = compile(schema_of(Search, text=True)).load(
        {
            "q": "x",
            "limit": "5",
            "exact": "on",
            "since": "",
            "at_most": "1.5",
            "tag": ["1", "2"],
            "level": "1",
        }
    )

    assert loaded == Search("x", 5, True, None, 1.5, [1, 2], Level.LOW)


@pytest.mark.parametrize("value", ["", "1_000", " 1", "1.0", "٣", "0x10", "9" * 30])
def test_text_that_spells_an_integer_otherwise_is_refused(value: str) -> None:
    assert messages(Search, {"q": "x", "limit": value}, text=True) == {"limit": ["Not a valid integer."]}


def test_a_list_of_a_type_loads_many() -> None:
    schema = schema_of(list[Address])

    assert schema.many
    assert compile(schema).load([{"street": "a", "city": "b"}]) == [Address("a", "b")]


def test_lists_are_capped_at_a_thousand_items_unless_they_say_otherwise() -> None:
    row = {"street": "a", "city": "b"}

    assert messages(list[Address], [row] * 1001) == {"_schema": ["Longer than maximum length 1000."]}
    assert len(compile(Annotated[list[Address], MaxItems(1001)]).load([row] * 1001)) == 1001
    assert len(compile(Annotated[list[Address], Length(max=1001)]).load([row] * 1001)) == 1001
    assert messages(Annotated[list[Address], Length(min=1)], []) == {
        "_schema": ["Shorter than minimum length 1."]
    }


def test_lists_in_a_field_are_capped_before_their_items_are_read() -> None:
    assert messages(Everything, {**EVERYTHING_JSON, "row": ["x"] * 1001}) == {
        "row": ["Longer than maximum length 1000."]
    }


def test_text_is_capped_before_a_pattern_runs() -> None:
    assert messages(Person, {**PERSON_JSON, "email": "a" * 10_001}) == {
        "email": ["Longer than maximum length 10000."]
    }


def test_a_generic_dataclass_takes_its_parameter() -> None:
    loaded = compile(Page[Address]).load({"items": [{"street": "a", "city": "b"}]})

    assert loaded == Page([Address("a", "b")])


class Envelope(Schema):
    id = fields.Int()


def test_hand_written_schemas_are_taken_as_they_are() -> None:
    instance = Envelope()

    assert schema_of(Annotated[dict[str, Any], instance]) is instance
    assert schema_of(instance) is instance
    assert isinstance(schema_of(Envelope), Envelope)
    assert schema_of(list[Annotated[dict[str, Any], Envelope()]]).many


def test_a_type_has_one_schema() -> None:
    assert schema_of(Person) is schema_of(Person)
    assert schema_of(Person) is not schema_of(Person, text=True)


@dataclass
class Odd:
    stream: complex


@pytest.mark.parametrize(
    ("tp", "words"),
    [
        (Odd, ["Odd.stream", "complex"]),
        (Partial[int], ["Partial"]),
    ],
    ids=["a field without a mapping", "Partial of a scalar"],
)
def test_types_that_cannot_be_mapped_are_errors_that_say_where(tp: Any, words: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        schema_of(tp)

    assert all(word in str(caught.value) for word in words)


def test_partial_holds_just_what_was_sent() -> None:
    patch = compile(Partial[Person]).load({"name": "Eve", "address": {"city": "Paris"}, "manager": None})
    person = compile(Person).load(PERSON_JSON)
    patch.apply(person)

    assert dict(patch) == {"name": "Eve", "address": Partial({"city": "Paris"}), "manager": None}
    assert (person.name, person.address) == ("Eve", Address("1 Main", "Paris"))


def test_partial_still_validates_what_was_sent() -> None:
    assert messages(Partial[Person], {"age": -1, "address": {"street": ""}, "x": 1}) == {
        "age": ["Must be greater than or equal to 0 and less than or equal to 150."],
        "address": {"street": ["Length must be between 1 and 100."]},
        "x": ["Unknown field."],
    }


@dataclass
class Span:
    first: int
    last: int

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("last must not be before first")


def test_a_value_error_of_post_init_is_the_senders_fault() -> None:
    assert messages(Span, {"first": 2, "last": 1}) == {"_schema": ["last must not be before first"]}


def test_parameters_load_into_a_dict() -> None:
    schema = schema_from_fields(
        "show", {"id": int, "day": date}, defaults={"day": date(2024, 1, 1)}, text=True, unknown=EXCLUDE
    )

    assert compile(schema).load({"id": "7", "other": "x"}) == {"id": 7, "day": date(2024, 1, 1)}


@dataclass
class Renamed:
    kind: str = field(metadata={"data_key": "@type"})
    secret: Annotated[str, {"load_only": True}] = "none"
    id: int = field(default=0, init=False)


def test_metadata_names_options_of_the_field() -> None:
    compiled = compile(Renamed)
    loaded = compiled.load({"@type": "x", "secret": "s"})

    assert (loaded.kind, loaded.secret, loaded.id) == ("x", "s", 0)
    assert compiled.dump(loaded) == {"@type": "x", "id": 0}
