"""Faults with JSON pointers."""

from __future__ import annotations

from marshmallow import ValidationError

from framework.problem import Fault
from framework.validation import faults


def test_nested_messages_become_pointers() -> None:
    error = ValidationError(
        {"_schema": ["whole"], "a/b": {"~c": ["x", "y"]}, "rows": {0: {"_schema": ["row"]}, 2: {"id": ["z"]}}}
    )

    assert faults(error, "body") == [
        Fault("body", "", "whole"),
        Fault("body", "/a~1b/~0c", "x"),
        Fault("body", "/a~1b/~0c", "y"),
        Fault("body", "/rows/0", "row"),
        Fault("body", "/rows/2/id", "z"),
    ]


def test_at_most_fifty_faults_are_reported_and_that_there_are_more() -> None:
    error = ValidationError({str(number): ["bad"] for number in range(75)})

    found = faults(error, "query")

    assert len(found) == 51
    assert found[-1] == Fault("query", "", "More values are not valid; these are the first 50.")


def test_a_long_name_of_an_unknown_field_is_cut() -> None:
    found = faults(ValidationError({"x" * 100_000: ["Unknown field."]}), "body")

    assert len(found[0].pointer) < 300
