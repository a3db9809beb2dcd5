"""The compiled functions and marshmallow give the same, whatever comes.

``FUZZ_EXAMPLES`` says how many inputs are compared. Without it they are as many as a normal run can afford, or far
more in a profile of hypothesis that asks for more than usual, as that of ``make fuzz`` does.
"""

from __future__ import annotations

import os
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marshmallow import Schema

from framework.validation import schema_of
from framework.validation.compiler.compiled import CompiledSchema
from tests.validation.random_schemas import HOSTILE, SCALARS, Case, Thing, cases, several
from tests.validation.random_types import Shape, dataclasses, of
from tests.validation.sameness import assert_dumps_the_same, assert_loads_the_same, capped

INPUTS = 40
TESTS = 3
USUAL = "20000" if settings().max_examples <= 100 else "1000000"
TOTAL = int(os.environ.get("FUZZ_EXAMPLES", USUAL))
thorough = settings(
    max_examples=TOTAL // INPUTS // TESTS + 1,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
randoms = st.randoms(use_true_random=True)
OPTIONS: list[dict[str, Any]] = [{}, {"allow_none": True}, {"load_default": None}]
FIELDS = [(kind, options) for kind in SCALARS for options in OPTIONS]
FIELDS += [(kind, {"validate": rule}) for kind in SCALARS for rule in kind.validators]


@pytest.mark.fuzz
@thorough
@given(randoms, cases(), st.sampled_from([{}, {}, {}, {"many": True}, {"partial": True}]))
def test_loading_is_the_same(random: Random, case: Case, options: dict[str, Any]) -> None:
    compiled, schema = CompiledSchema(case.schema(**options)), capped(case.schema(**options))

    for _ in range(INPUTS):
        raw = (several(case.raw, 2) if options.get("many") else case.raw)(random)
        assert_loads_the_same(compiled, schema, raw)


@pytest.mark.fuzz
@thorough
@given(randoms, cases(), st.sampled_from([{}, {}, {}, {"many": True}]))
def test_dumping_is_the_same(random: Random, case: Case, options: dict[str, Any]) -> None:
    compiled, schema = CompiledSchema(case.schema(**options)), capped(case.schema(**options))

    for _ in range(INPUTS):
        own = (several(case.own, 2) if options.get("many") else case.own)(random)
        assert_dumps_the_same(compiled, schema, own)


@pytest.mark.fuzz
@thorough
@given(randoms, dataclasses(), st.booleans())
def test_dataclasses_load_and_dump_the_same(random: Random, shape: Shape, many: bool) -> None:
    own_schema = schema_of(of(list, shape.annotation) if many else shape.annotation)
    compiled, schema = CompiledSchema(own_schema), capped(type(own_schema)(many=many))

    for _ in range(INPUTS):
        assert_loads_the_same(compiled, schema, (several(shape.raw, 2) if many else shape.raw)(random))
        assert_dumps_the_same(compiled, schema, (several(shape.own, 2) if many else shape.own)(random))


def test_every_kind_of_field_treats_every_odd_value_the_same() -> None:
    for kind, options in FIELDS:
        made = Schema.from_dict({"x": kind.make(**options)})
        compiled, schema = CompiledSchema(made()), capped(made())

        for document in ({}, *({"x": value} for value in HOSTILE)):
            assert_loads_the_same(compiled, schema, document)
            assert_dumps_the_same(compiled, schema, document)
            assert_dumps_the_same(compiled, schema, Thing(document))
