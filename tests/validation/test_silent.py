"""What once passed unnoticed: values that were changed, and validators that were never asked."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from collections.abc import Callable
from dataclasses import dataclass, make_dataclass
from typing import Annotated, Any

import annotated_types as at
import orjson
import pytest
from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, pre_dump, pre_load, validate

from framework.errors import ConfigurationError
from framework.validation import compile, schema_of


def loads(annotation: Any) -> Callable[[Any], Any]:
    """Return what loads one value of a type from JSON."""
    load = compile(make_dataclass("Holder", [("value", annotation)])).load_json
    return lambda value: load(orjson.dumps({"value": value})).value


def refused(load: Callable[[Any], Any], value: Any) -> Any:
    with pytest.raises(ValidationError) as caught:
        load(value)
    return caught.value.messages


# Decimals


@dataclass
class Price:
    amount: decimal.Decimal
    weight: float = 0.0
    rest: Any = None


@pytest.mark.parametrize(
    "number",
    [
        "9007199254740993.01",
        "0.10000000000000000555",
        "-123456789012345678.5",
        "1.10",
        "12345678901234567890.1",
    ],
)
def test_a_decimal_keeps_the_digits_of_a_number(number: str) -> None:
    loaded = compile(Price).load_json(f'{{"amount": {number}, "weight": {number}}}'.encode())

    assert loaded.amount == decimal.Decimal(number)
    assert type(loaded.weight) is float
    assert loaded.weight == float(number)


def test_a_long_number_beside_a_decimal_can_be_written_again() -> None:
    loaded = compile(Price).load_json(b'{"amount": 1, "rest": [0.10000000000000000555]}')

    assert orjson.loads(compile(Price).dump_json(loaded))["rest"] == [0.1]


def test_digits_are_kept_beside_hooks_too() -> None:
    class Hooked(Schema):
        amount = fields.Decimal()

        @post_load
        def wrap(self, data: Any, **_: Any) -> Any:
            return data["amount"]

    assert compile(Hooked()).load_json(b'{"amount": 9007199254740993.01}') == decimal.Decimal(
        "9007199254740993.01"
    )


# Integers


class Count(Schema):
    count = fields.Integer()
    many = fields.List(fields.Integer())
    strict = fields.Integer(strict=True)


@pytest.mark.parametrize("value", [1e300, "9" * 400, "18446744073709551616", -(2**63) - 1, 2**64])
@pytest.mark.parametrize("name", ["count", "strict"])
def test_an_integer_beyond_64_bits_is_refused_in_every_spelling(name: str, value: Any) -> None:
    assert name in refused(compile(Count()).load, {name: value})
    assert refused(compile(Count()).load, {"many": [value]}) == {"many": {0: ["Number too large."]}}


@pytest.mark.parametrize("value", [2**64 - 1, -(2**63), "18446744073709551615", 5.0])
def test_an_integer_within_64_bits_is_read(value: Any) -> None:
    assert compile(Count()).load({"count": value}) == {"count": int(value)}


# Spellings

UUID_TEXT = "8be9f7a4-1c2b-4c59-8d1f-5b1b0f8b9f11"


@pytest.mark.parametrize(
    "text",
    [
        "0xe9f7a41c2b4c598d1f5b1b0f8b9f11",
        "8be9f7a4 1c2b 4c59 8d1f 5b1b0f8b9f11",
        " 8be9f7a41c2b4c598d1f5b1b0f8b9f1",
        "+be9f7a41c2b4c598d1f5b1b0f8b9f11",
        "8be9f7a4_1c2b4c598d1f5b1b0f8b9f1",
        "١be9f7a4-1c2b-4c59-8d1f-5b1b0f8b9f11",
        "8be9f7a4-1c2b-4c59-8d1f-5b1b0f8b9f1\t",
    ],
)
def test_a_uuid_has_hexadecimal_digits(text: str) -> None:
    assert refused(loads(uuid.UUID), text) == {"value": ["Not a valid UUID."]}
    assert refused(compile(Schema.from_dict({"value": fields.UUID()})()).load, {"value": text})


@pytest.mark.parametrize(
    "text", [UUID_TEXT, UUID_TEXT.upper(), UUID_TEXT.replace("-", ""), f"urn:uuid:{UUID_TEXT}"]
)
def test_the_usual_spellings_of_a_uuid_are_read(text: str) -> None:
    assert loads(uuid.UUID)(text) == uuid.UUID(UUID_TEXT)


@pytest.mark.parametrize("text", ["20240229", "12", "1230", "T12:30"])
def test_a_time_has_colons(text: str) -> None:
    assert refused(loads(dt.time), text) == {"value": ["Not a valid time."]}
    assert loads(dt.time)("12:30") == dt.time(12, 30)


@pytest.mark.parametrize("text", ["2024-02-29T12:00:00z", "2024-02-29t12:00:00Z"])
def test_a_datetime_may_be_spelt_in_small_letters(text: str) -> None:
    assert loads(dt.datetime)(text) == dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC)


# Validators


def short(value: str) -> bool:
    return len(value) < 3


def known(value: str) -> None:
    if value != "known":
        raise ValueError(f"{value!r} is not known.")


@pytest.mark.parametrize(
    ("annotation", "good", "bad", "message"),
    [
        (Annotated[str, validate.Email], "a@b.de", "a", "Not a valid email address."),
        (Annotated[str, short], "ab", "abc", "Invalid value."),
        (Annotated[str, known], "known", "x", "'x' is not known."),
        (Annotated[int, at.Gt(5)], 6, 5, "Must be greater than 5."),
        (Annotated[int, at.Ge(5)], 5, 4, "Must be greater than or equal to 5."),
        (Annotated[int, at.Lt(5)], 4, 5, "Must be less than 5."),
        (Annotated[int, at.Le(5)], 5, 6, "Must be less than or equal to 5."),
        (Annotated[int, at.Interval(gt=1, le=3)], 3, 1, "Must be greater than 1."),
        (Annotated[str, at.Len(2, 3)], "ab", "a", "Shorter than minimum length 2."),
        (Annotated[list[int], at.MaxLen(1)], [1], [1, 2], "Longer than maximum length 1."),
        (Annotated[int, at.MultipleOf(3)], 6, 5, "Must be a multiple of 3."),
        (Annotated[str, at.Predicate(str.isupper)], "A", "a", "Invalid value."),
        (Annotated[str | None, at.MinLen(2)], None, "a", "Shorter than minimum length 2."),
    ],
)
def test_what_stands_in_an_annotation_is_asked(annotation: Any, good: Any, bad: Any, message: str) -> None:
    load = loads(annotation)

    assert load(good) == good
    assert refused(load, bad) == {"value": [message]}


async def later(value: str) -> None:
    raise AssertionError(value)


class Elsewhere:
    __module__ = "pydantic.fields"


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (Annotated[str, validate.Range(1, 2)], "Range does not fit str"),
        (Annotated[int, validate.Length(1, 2)], "Length does not fit int"),
        (Annotated[int, validate.Regexp("a")], "Regexp does not fit int"),
        (Annotated[dt.datetime, validate.Range(min=1)], "Range does not fit datetime"),
        (Annotated[list[int], validate.Range(1)], "Range does not fit list"),
        (Annotated[str, later], "later is a coroutine"),
        (Annotated[str, validate.OneOf], r"write OneOf\(...\)"),
        (Annotated[str, Elsewhere()], "of pydantic is not read here; write marshmallow"),
        (Annotated[dt.datetime, at.Timezone("UTC")], "Timezone of annotated_types"),
    ],
)
def test_a_validator_that_could_not_work_is_refused_when_the_service_starts(
    annotation: Any, words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        loads(annotation)

    assert str(caught.value).startswith("Holder.value: ")


def test_validators_of_a_list_as_a_whole_are_held_to_the_same() -> None:
    with pytest.raises(ConfigurationError, match="later is a coroutine"):
        schema_of(Annotated[list[Price], later])
    with pytest.raises(ConfigurationError, match="Range does not fit list"):
        schema_of(Annotated[list[Price], validate.Range(1)])


def test_a_class_meta_in_a_dataclass_is_refused() -> None:
    @dataclass
    class Loose:
        a: int

        class Meta:
            unknown = EXCLUDE

    with pytest.raises(ConfigurationError, match=r"Loose: a class Meta .* @conventions"):
        compile(Loose)


# Schemas in annotations, and hooks


class Inner(Schema):
    a = fields.Integer(required=True)


NESTED = [Annotated[dict[str, Any], Inner()], Annotated[Any, Inner()], Annotated[dict[str, Any], Inner]]


@pytest.mark.parametrize("annotation", [*NESTED, Annotated[dict[str, Any], Inner()] | None])
def test_a_schema_validates_wherever_it_stands(annotation: Any) -> None:
    wrong = {"a": ["Missing data for required field."]}

    assert refused(loads(annotation), {}) == {"value": wrong}
    assert refused(loads(list[annotation]), [{}]) == {"value": {0: wrong}}
    assert refused(loads(dict[str, annotation]), {"k": {}}) == {"value": {"k": wrong}}


@pytest.mark.parametrize("annotation", NESTED)
def test_a_schema_validates_a_document(annotation: Any) -> None:
    assert refused(compile(annotation).load_json, b"{}") == {"a": ["Missing data for required field."]}
    assert refused(compile(Annotated[list[Any], Inner(many=True)]).load_json, b"[{}]") == {
        0: {"a": ["Missing data for required field."]}
    }


class Remembering(Schema):
    a = fields.Integer()
    seen = fields.Method("show", deserialize="show")

    @pre_load
    def before_load(self, data: Any, **_: Any) -> Any:
        self.last = data["a"]
        return data

    @pre_dump
    def before_dump(self, data: Any, **_: Any) -> Any:
        self.last = data["a"]
        return data

    def show(self, value: Any) -> Any:
        return self.last


def test_what_a_hook_keeps_on_its_schema_is_seen_by_its_fields() -> None:
    compiled = compile(Remembering())

    assert compiled.load({"a": 1, "seen": 0}) == {"a": 1, "seen": 1}
    assert compiled.dump({"a": 2}) == {"a": 2, "seen": 2}


class Passing(Schema):
    a = fields.Integer()

    @pre_load
    def same(self, data: Any, **_: Any) -> Any:
        return data


@pytest.mark.parametrize("value", [{}, "", {"a": 1}, 1])
def test_many_of_a_schema_with_hooks_are_a_list(value: Any) -> None:
    class Outer(Schema):
        inner = fields.Nested(Passing, many=True)

    assert refused(compile(Outer()).load, {"inner": value}) == {"inner": ["Invalid type."]}


def test_a_nested_load_of_ones_own_gets_what_marshmallow_gives() -> None:
    given: list[dict[str, Any]] = []

    class Own(Schema):
        def load(self, data: Any, **options: Any) -> Any:
            given.append(options)
            return data

    class Outer(Schema):
        one = fields.Nested(Own)
        many = fields.Nested(Own, many=True, unknown=EXCLUDE)

    for load in (Outer().load, compile(Outer()).load):
        load({"one": {}, "many": []})

    assert given[:2] == given[2:]
