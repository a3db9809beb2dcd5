"""Schemas that a user wrote keep what they do in marshmallow, in a running service and wherever they are nested."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from marshmallow import Schema, ValidationError, fields, post_dump, pre_dump, pre_load, validates

from framework import RouteTableDef
from framework.testing import Serve
from tests.kernel import kernel_app


class Money(Schema):
    amount = fields.Integer(required=True)

    def __init__(self, currency: str = "?", **options: Any) -> None:
        super().__init__(**options)
        self.currency = currency

    @post_dump
    def show(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {**data, "currency": self.currency}


class Bill(Schema):
    net = fields.Nested(lambda: Money("EUR"))
    tax = fields.Nested(lambda: Money("USD"))
    rows = fields.List(fields.Nested(lambda: Money("GBP")))
    table = fields.Dict(keys=fields.String(), values=fields.Nested(lambda: Money("CHF")))
    plucked = fields.Pluck(lambda: Money("SEK"), "amount")


class Shares(Schema):
    """A schema whose fields read what its hook has kept."""

    parts = fields.List(fields.Integer())
    share = fields.Method("show_share")
    whole = fields.Function(lambda obj: sum(obj["parts"]))

    @pre_dump
    def keep_dumped(self, data: Any, **_: Any) -> Any:
        self.whole_of = sum(data["parts"])
        return data

    @pre_load
    def keep_loaded(self, data: Any, **_: Any) -> Any:
        self.most = data.get("most", 10) if isinstance(data, dict) else 10
        return {key: value for key, value in data.items() if key != "most"}

    @validates("parts")
    def within(self, value: list[int], **_: Any) -> None:
        if sum(value) > self.most:
            raise ValidationError(f"More than {self.most}.")

    def show_share(self, data: Any) -> float:
        return float(data["parts"][0] / self.whole_of)


class Nesting(Schema):
    one = fields.Nested(Shares)
    many = fields.Nested(Shares, many=True)
    listed = fields.List(fields.Nested(Shares()))


FOREIGN = Money("EUR", only=("amount",))


class Borrowing(Schema):
    foreign = fields.Nested(FOREIGN)


def echo(schema: Any) -> RouteTableDef:
    routes = RouteTableDef()

    @routes.post("/", body=schema, returns=schema)
    async def handler(body: Any) -> Any:
        return body

    return routes


SHARE = {"parts": [1, 3]}
SHOWN = {"parts": [1, 3], "share": 0.25, "whole": 4}


@pytest.mark.parametrize(
    ("schema", "sent", "expected"),
    [
        pytest.param(
            Bill,
            {
                "net": {"amount": 1},
                "tax": {"amount": 2},
                "rows": [{"amount": 3}],
                "table": {"k": {"amount": 4}},
            },
            {
                "net": {"amount": 1, "currency": "EUR"},
                "tax": {"amount": 2, "currency": "USD"},
                "rows": [{"amount": 3, "currency": "GBP"}],
                "table": {"k": {"amount": 4, "currency": "CHF"}},
            },
            id="one class with other arguments",
        ),
        pytest.param(Shares, SHARE, SHOWN, id="what a hook keeps"),
        pytest.param(Nesting, {"one": SHARE}, {"one": SHOWN}, id="nested"),
        pytest.param(Nesting, {"listed": [SHARE, SHARE]}, {"listed": [SHOWN, SHOWN]}, id="listed"),
        pytest.param(
            Shares, {"parts": [9], "most": 5}, {"/parts": "More than 5."}, id="a validator reads it"
        ),
        pytest.param(Nesting, {"many": {}}, {"/many": "Invalid type."}, id="an object for many"),
        pytest.param(Nesting, {"many": ""}, {"/many": "Invalid type."}, id="a text for many"),
        pytest.param(Nesting, {"many": SHARE}, {"/many": "Invalid type."}, id="one for many"),
        pytest.param(
            Borrowing, {"foreign": {"amount": 1}}, {"foreign": {"amount": 1, "currency": "EUR"}}, id="foreign"
        ),
    ],
)
async def test_a_schema_does_what_it_does_in_marshmallow(
    schema: Any, sent: Any, expected: Any, serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(kernel_app(echo(schema)))

    found = []
    for _ in range(2):  # what was kept for one request must not be there for the next
        async with client.post(url, json=sent) as response:
            answer = await response.json(content_type=None)
        faults = answer.get("errors", [])
        found.append({each["pointer"]: each["detail"] for each in faults} or answer)

    assert found == [expected, expected]


@pytest.mark.guarantee("bounded validation")
async def test_an_instance_that_is_nested_stays_as_it_was(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    before = {name: list(field.pre_load) for name, field in FOREIGN.fields.items()}
    kept = {*vars(FOREIGN)}

    url = await serve(kernel_app(echo(Borrowing)))
    async with client.post(url, json={"foreign": {"amount": 1}}) as response:
        assert response.status == 200

    assert {name: list(field.pre_load) for name, field in FOREIGN.fields.items()} == before
    assert {*vars(FOREIGN)} == kept


async def test_an_overridden_load_of_a_nested_schema_gets_the_arguments_of_marshmallow(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    given: list[Any] = []

    class Own(Schema):
        def load(self, data: Any, **options: Any) -> Any:
            given.append(options)
            return data

    class Outer(Schema):
        one = fields.Nested(Own)
        many = fields.Nested(Own(many=True))
        part = fields.Nested(Own(partial=True), unknown="include")

    sent = {"one": {"a": 1}, "many": [{}], "part": {}}
    Outer().load(sent)
    url = await serve(kernel_app(echo(Outer)))

    async with client.post(url, json=sent) as response:
        assert response.status == 200

    assert given[:3] == given[3:]
