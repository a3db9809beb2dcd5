"""What the document says of types and what the service does with values are one truth, tried with random values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError
from marshmallow.validate import Length, Range

from framework.batteries.openapi.schemas import make_spec
from framework.validation import compile, schema_of, writer_of


@dataclass
class Cat:
    kind: Literal["cat"]
    lives: Annotated[int, Range(min=0, max=9, max_inclusive=False)] = 7


@dataclass
class Dog:
    kind: Literal["dog"]
    name: Annotated[str, Length(1, 3)]


CAT, DOG, ID = (
    {"kind": "cat", "lives": 3},
    {"kind": "dog", "name": "x"},
    "8be9f7a4-1c2b-4c59-8d1f-5b1b0f8b9f11",
)
# Few random values are of a type: here are some that are, for the way back.
TYPES: list[tuple[Any, list[Any]]] = [
    (Cat | Dog, [CAT, DOG, {"kind": "cat"}]),
    (list[Cat | Dog | None], [[], [CAT, None, DOG]]),
    (dict[int, bool | str], [{"5": True, "-1": "x"}]),
    (Annotated[dict[str, int | None], Length(1, 2)], [{"x": 1, "": None}]),
    (tuple[int, str], [[1, "x"]]),
    (UUID | int | None, [ID, 5, None]),
    (date | bool, ["2024-02-29", True]),
    (Literal[1, "x", None], [1, "x", None]),
]
TEXTS = st.sampled_from(
    ["", "x", "cat", "dog", "abcd", "5", "2024-02-29", "8be9f7a4-1c2b-4c59-8d1f-5b1b0f8b9f11"]
)
KEYS = st.sampled_from(["kind", "lives", "name", "5", "x"])
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 11) | st.just(1.5) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize(("annotation", "good"), TYPES, ids=str)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_the_document_takes_what_the_service_takes_and_answers(
    annotation: Any, good: list[Any], data: st.DataObject
) -> None:
    value = data.draw(st.sampled_from(good) | VALUES)
    spec, schemas = make_spec("t", "1")
    schema = schemas.of(annotation)
    document = {"allOf": [schema], "components": spec.to_dict().get("components", {})}
    compiled = compile(schema_of(annotation))

    described = jsonschema.Draft202012Validator(document, format_checker=jsonschema.FormatChecker())
    try:
        loaded = compiled.load_json(json.dumps(value).encode())
    except ValidationError:
        assert not described.is_valid(value), value
    else:
        assert described.is_valid(value), value
        answer = json.loads(writer_of(annotation)(loaded))
        described.validate(answer)
        assert compiled.load_json(json.dumps(answer).encode()) == loaded
