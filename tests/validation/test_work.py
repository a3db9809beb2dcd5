"""The limit on reported faults is a limit on work: reading stops with the first that will be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

import orjson
import pytest
from marshmallow import EXCLUDE, INCLUDE, Schema, ValidationError, fields, pre_load

from framework.validation import compile, faults, schema_of
from framework.validation.limits import FAULTS
from tests.validation.sameness import capped


class Counted:
    """A validator that refuses everything, and counts what it was asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, value: Any) -> None:
        self.calls += 1
        raise ValidationError("Never.")


ASKED = Counted()


@dataclass
class Cell:
    value: Annotated[int, ASKED]
    label: str = ""


@dataclass
class Sheet:
    rows: list[list[Cell]]


@dataclass
class Tree:
    name: Annotated[str, ASKED]
    children: list[Tree] = field(default_factory=list)


class Grid(Schema):
    rows = fields.List(fields.List(fields.Integer(validate=ASKED)))
    by_name = fields.Dict(keys=fields.String(), values=fields.Integer(validate=ASKED))
    pairs = fields.List(fields.Tuple((fields.Integer(validate=ASKED), fields.Integer(validate=ASKED))))


class Hooked(Schema):
    value = fields.Integer(required=True, validate=ASKED)

    @pre_load
    def before(self, data: Any, **_: Any) -> Any:
        return data


class Hooks(Schema):
    many = fields.Nested(Hooked, many=True)
    one = fields.List(fields.Nested(Hooked))
    plucked = fields.Pluck(Hooked, "value", many=True)


def refused(schema: Any, document: Any) -> tuple[ValidationError, int]:
    """Return what a document is refused with, and how often a validator was asked."""
    ASKED.calls = 0
    with pytest.raises(ValidationError) as caught:
        compile(schema).load_json(orjson.dumps(document))
    return caught.value, ASKED.calls


def tree(depth: int, breadth: int) -> dict[str, Any]:
    children = [tree(depth - 1, breadth) for _ in range(breadth)] if depth else []
    return {"name": "a", "children": children}


DOCUMENTS: dict[str, tuple[Any, Any]] = {
    "objects in lists of lists": (Sheet, {"rows": [[{"value": 1}] * 100] * 10}),
    "missing fields in lists of lists": (Sheet, {"rows": [[{}] * 100] * 10}),
    "unknown fields in lists of lists": (Sheet, {"rows": [[{"value": 1, "x": 1}] * 100] * 10}),
    "no lists": (Sheet, {"rows": [1] * 1_000}),
    "a tree": (Tree, tree(4, 4)),
    "integers in lists of lists": (Grid, {"rows": [[1] * 1_000] * 3}),
    "values of a dict": (Grid, {"by_name": {f"k{number}": 1 for number in range(1_000)}}),
    "tuples": (Grid, {"pairs": [[1, 2]] * 1_000}),
    "unknown fields": (Cell, {"value": 1, **{f"k{number}": 1 for number in range(5_000)}}),
    "many with hooks": (Hooks, {"many": [{"value": 1}] * 1_000}),
    "one with hooks, many times": (Hooks, {"one": [{"value": 1}] * 1_000}),
    "plucked": (Hooks, {"plucked": [1] * 1_000}),
}


@pytest.mark.guarantee("bounded validation")
@pytest.mark.parametrize("name", DOCUMENTS)
def test_reading_stops_when_there_are_faults_enough(name: str) -> None:
    schema, document = DOCUMENTS[name]

    error, calls = refused(schema, document)

    found = faults(error, "body")
    assert len(found) == FAULTS + 1
    assert found[-1].detail == "More values are not valid; these are the first 50."
    assert calls <= 2 * (FAULTS + 1) + 3  # the generated functions ask before they give up


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_is_told_is_what_marshmallow_says_first(name: str) -> None:
    schema, document = DOCUMENTS[name]
    alone = schema() if isinstance(schema, type) and issubclass(schema, Schema) else schema_of(schema)

    told = faults(refused(schema, document)[0], "body")[:FAULTS]
    with pytest.raises(ValidationError) as caught:
        capped(type(alone)()).load(document)

    assert told == faults(caught.value, "body")[:FAULTS]


@pytest.mark.guarantee("bounded validation")
def test_a_fault_at_the_end_is_found_in_two_readings() -> None:
    calls = []

    def noted(value: int) -> None:
        calls.append(value)

    noting = Schema.from_dict({"rows": fields.List(fields.List(fields.Integer(validate=noted)))})
    document = {"rows": [*([[1] * 1_000] * 100), ["a"]]}

    with pytest.raises(ValidationError) as caught:
        compile(noting()).load(document)

    assert caught.value.messages == {"rows": {100: {0: ["Not a valid integer."]}}}
    assert len(calls) == 2 * 100 * 1_000


def test_what_stands_around_a_fault_is_read_twice_however_deep_it_is() -> None:
    calls = []

    def noted(value: int) -> None:
        calls.append(value)

    class Deep(Schema):
        numbers = fields.List(fields.Integer(validate=noted))
        within = fields.Nested(lambda: Deep())  # noqa: PLW0108 - the name is not yet there
        last = fields.Integer()

    document: dict[str, Any] = {"numbers": [1] * 1_000, "last": "a"}
    for _ in range(30):
        document = {"within": document}

    with pytest.raises(ValidationError):
        compile(Deep()).load(document)

    assert len(calls) <= 3_000


@pytest.mark.parametrize(("unknown", "count"), [(EXCLUDE, 0), (INCLUDE, 3)])
def test_unknown_fields_beside_a_fault_are_treated_as_the_schema_says(unknown: Any, count: int) -> None:
    schema = Schema.from_dict({"a": fields.Integer()})(unknown=unknown)

    with pytest.raises(ValidationError) as caught:
        compile(schema).load({"a": "x", "b": 1, "c": 2, "d": 3})

    assert caught.value.messages == {"a": ["Not a valid integer."]}
    assert isinstance(caught.value.valid_data, dict)
    assert len(caught.value.valid_data.keys() - {"a"}) == count


def test_messages_that_a_field_uses_again_are_not_changed_by_others() -> None:
    shared = ["Never."]

    class Refusing(fields.Field[Any]):
        def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
            raise ValidationError(shared)

    schema = Schema.from_dict({"a": Refusing(), "b": Refusing()})

    with pytest.raises(ValidationError) as caught:
        compile(schema()).load({"a": 1, "b": 2})
    messages: Any = caught.value.messages
    messages["a"].append("More.")

    assert messages["b"] == ["Never."]
    assert shared == ["Never."]
