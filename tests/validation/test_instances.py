"""Instances of one schema class that differ are compiled each for itself, and none is changed that was not compiled."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import Schema, fields, post_dump, post_load
from marshmallow.validate import Length

from framework import validation


class Money(Schema):
    """An amount in the currency that the instance was made with."""

    amount = fields.Integer(required=True)

    def __init__(self, currency: str, **options: Any) -> None:
        super().__init__(**options)
        self.currency = currency

    @post_load
    def name_currency(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {**data, "currency": self.currency}

    @post_dump
    def show_currency(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {**data, "currency": self.currency}


class Bill(Schema):
    net = fields.Nested(lambda: Money("EUR"))
    tax = fields.Nested(lambda: Money("USD"))


class Renamed(Schema):
    """A schema whose constructor changes a field."""

    value = fields.String()

    def __init__(self, key: str, **options: Any) -> None:
        super().__init__(**options)
        self.fields["value"].data_key = key


class Pair(Schema):
    left = fields.Nested(lambda: Renamed("l"))
    right = fields.Nested(lambda: Renamed("r"))


def test_arguments_of_the_constructor_stay_with_their_instance() -> None:
    compiled = validation.compile(Bill)

    loaded = compiled.load({"net": {"amount": 1}, "tax": {"amount": 2}})
    dumped = compiled.dump({"net": {"amount": 1}, "tax": {"amount": 2}})

    assert [loaded["net"]["currency"], loaded["tax"]["currency"]] == ["EUR", "USD"]
    assert dumped == loaded


def test_fields_that_a_constructor_changes_stay_with_their_instance() -> None:
    compiled = validation.compile(Pair)

    assert compiled.dump({"left": {"value": "a"}, "right": {"value": "b"}}) == {
        "left": {"l": "a"},
        "right": {"r": "b"},
    }
    assert compiled.load({"left": {"l": "a"}, "right": {"r": "b"}}) == {
        "left": {"value": "a"},
        "right": {"value": "b"},
    }


@pytest.mark.guarantee("bounded validation")
def test_a_nested_instance_keeps_its_own_limits() -> None:
    class Names(Schema):
        names = fields.List(fields.String())

    foreign = Names()

    class Holder(Schema):
        inner = fields.Nested(foreign)

    before = list(foreign.fields["names"].validators)
    validation.compile(Holder).load({"inner": {"names": ["a"]}})

    assert list(foreign.fields["names"].validators) == before
    assert foreign.load({"names": ["a"] * 5000})["names"][0] == "a"


def test_a_schema_that_nests_itself_is_compiled_though_each_instance_holds_something_of_its_own() -> None:
    class Node(Schema):
        children = fields.List(fields.Nested(lambda: Node()), validate=Length(max=3))  # noqa: PLW0108 - the name is not yet there

        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.mine = object()

    compiled = validation.compile(Node)

    assert compiled.load({"children": [{"children": []}]}) == {"children": [{"children": []}]}
