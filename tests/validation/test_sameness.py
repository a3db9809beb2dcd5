"""The compiled functions and marshmallow give the same, whatever comes.

``FUZZ_EXAMPLES`` says how many inputs are compared. Without it they are as many as a normal run can afford, or far
more in a profile of hypothesis that asks for more than usual, as that of ``make fuzz`` does.
"""

from __future__ import annotations

import copy
import math
import os
import re
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError

from framework.errors import MalformedBody
from framework.validation import decode, encode, schema_of
from framework.validation.caps import cap
from framework.validation.compiled import CompiledSchema
from framework.validation.recognise import close_circles
from tests.validation.random_schemas import Case, Thing, cases, several
from tests.validation.random_types import Shape, dataclasses, of

pytestmark = pytest.mark.fuzz
INPUTS = 40
USUAL = "20000" if settings.default.max_examples <= 100 else "1000000"
TOTAL = int(os.environ.get("FUZZ_EXAMPLES", USUAL))
TESTS = 3
thorough = settings(
    max_examples=TOTAL // INPUTS // TESTS + 1,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


def capped(schema: Schema) -> Schema:
    """Put the same caps on the fields of an instance that marshmallow alone will use."""
    for each in close_circles(schema):
        for field in each.fields.values():
            cap(field)
    return schema


def outcome(function: Any, *args: Any, **options: Any) -> tuple[str, Any]:
    """What a call returned, refused or raised."""
    try:
        return "returned", function(*args, **options)
    except ValidationError as error:
        return "refused", error.messages
    except MalformedBody as error:
        return "malformed", error.detail
    except Exception as error:  # noqa: BLE001 - whatever it is, both must raise it
        return "raised", type(error)


def written(schema: Schema, own: Any) -> bytes:
    return encode(schema.dump(own))


def same(one: Any, other: Any) -> bool:
    """Equal, and of the same types all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return (math.isnan(one) and math.isnan(other)) or (
            one == other and math.copysign(1, one) == math.copysign(1, other)
        )
    # NaN, and the method that marshmallow finds on a dict where a key like `items` is missing.
    return bool(one == other) or re.sub("0x[0-9a-f]+", "", repr(one)) == re.sub(
        "0x[0-9a-f]+", "", repr(other)
    )


def assert_same(one: tuple[str, Any], other: tuple[str, Any], about: Any) -> None:
    assert same(list(one), list(other)), f"{about!r}\n  compiled: {one}\n  marshmallow: {other}"


@thorough
@given(
    st.randoms(use_true_random=True),
    cases(),
    st.sampled_from([{}, {}, {}, {"many": True}, {"partial": True}]),
)
def test_loading_is_the_same(random: Random, case: Case, options: dict[str, Any]) -> None:
    compiled, schema = CompiledSchema(case.schema(**options)), capped(case.schema(**options))

    for _ in range(INPUTS):
        raw = (several(case.raw, 2) if options.get("many") else case.raw)(random)
        theirs = copy.deepcopy(raw)
        assert_same(outcome(compiled.load, raw), outcome(schema.load, theirs), theirs)
        assert_json_is_the_same(compiled, schema, theirs)


def assert_json_is_the_same(compiled: CompiledSchema, schema: Schema, raw: Any) -> None:
    try:
        body = orjson.dumps(raw)
    except TypeError:
        return
    assert_same(outcome(compiled.load_json, body), outcome(lambda: schema.load(decode(body))), body)


@thorough
@given(st.randoms(use_true_random=True), cases(), st.sampled_from([{}, {}, {}, {"many": True}]))
def test_dumping_is_the_same(random: Random, case: Case, options: dict[str, Any]) -> None:
    compiled, schema = CompiledSchema(case.schema(**options)), capped(case.schema(**options))

    for _ in range(INPUTS):
        own = (several(case.own, 2) if options.get("many") else case.own)(random)
        assert_same(
            outcome(compiled.dump, own),
            outcome(schema.dump, own),
            vars(own) if isinstance(own, Thing) else own,
        )
        assert_same(outcome(compiled.dump_json, own), outcome(written, schema, own), own)


@thorough
@given(st.randoms(use_true_random=True), dataclasses(), st.booleans())
def test_dataclasses_load_and_dump_the_same(random: Random, shape: Shape, many: bool) -> None:
    own_schema = schema_of(of(list, shape.annotation) if many else shape.annotation)
    compiled, schema = CompiledSchema(own_schema), capped(type(own_schema)(many=many))

    for _ in range(INPUTS):
        raw = (several(shape.raw, 2) if many else shape.raw)(random)
        assert_same(outcome(compiled.load, raw), outcome(schema.load, raw), raw)
        assert_json_is_the_same(compiled, schema, raw)
        own = (several(shape.own, 2) if many else shape.own)(random)
        assert_same(outcome(compiled.dump, own), outcome(schema.dump, own), own)
        assert_same(outcome(compiled.dump_json, own), outcome(written, schema, own), own)
