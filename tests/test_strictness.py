"""How exactly values are taken: by service, table, endpoint and type, in types and in hand-written schemas."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, TypedDict

import aiohttp
import pytest
from marshmallow import Schema, fields

from framework import (
    ConfigurationError,
    Partial,
    RouteTableDef,
    ServiceSettings,
    conventions,
    create_app,
    public,
)
from framework.settings import load
from framework.testing import Serve
from framework.validation import Conventions, compile, schema_of


@dataclass
class Reading:
    count: int = 0
    on: bool = False
    share: float = 0.0
    price: Decimal = Decimal(0)
    at: datetime = datetime(2024, 1, 1, tzinfo=UTC)
    counts: list[int] = field(default_factory=list)


class StrictPart(Schema):
    count = fields.Integer()
    parts = fields.List(fields.Nested(lambda: StrictPart()))  # noqa: PLW0108 - its name is known later


class Written(Schema):
    count = fields.Integer()
    on = fields.Boolean()
    share = fields.Float()
    price = fields.Decimal(as_string=True)
    at = fields.DateTime()
    local = fields.NaiveDateTime()
    span = fields.TimeDelta()
    counts = fields.Dict(fields.String(), fields.List(fields.Integer()))
    part = fields.Nested(StrictPart)
    named = fields.Nested("StrictPart")
    made = fields.Nested(lambda: StrictPart(many=True))


@conventions(strict=False)
class Easy(Schema):
    count = fields.Integer()


@conventions(strict=True)
class Exact(Schema):
    count = fields.Integer()
    easy = fields.Nested(Easy)


@conventions(strict=False)
@dataclass
class Loose:
    count: int
    inner: Reading | None = None


ODD = [
    {"count": "5"},
    {"count": 5.0},
    {"count": " 1_0 "},
    {"on": "yes"},
    {"on": 1},
    {"share": "1.5"},
    {"price": "1_0.5"},
    {"at": "2024-02-29T12:00:00"},
]
ODD_WRITTEN = [
    *ODD,
    {"span": "5"},
    {"counts": {"a": ["5"]}},
    {"part": {"count": 5.0}},
    {"named": {"count": "5"}},
    {"made": [{"count": "5"}]},
    {"part": {"parts": [{"parts": [{"count": "5"}]}]}},
]
PLAIN = {
    "count": 5,
    "on": True,
    "share": 1,
    "price": "1.50",
    "at": "2024-02-29T12:00:00Z",
    "part": {"count": 1, "parts": [{"count": 2}]},
    "local": "2024-02-29T12:00:00",
}


async def takes(serve: Serve, client: aiohttp.ClientSession, body: Any, data: Any, **said: Any) -> bool:
    routes = RouteTableDef()

    async def take(body: Any) -> None: ...

    take.__annotations__ = {"body": body, "return": None}
    routes.post("/")(public(take))
    app = create_app(ServiceSettings(json=Conventions(**said)), routes=[routes])
    async with client.post(await serve(app), json=data) as response:
        assert response.status in (204, 422), await response.text()
        return response.status == 204


@pytest.mark.parametrize("data", ODD, ids=str)
async def test_a_type_takes_odd_values_where_it_is_told_to(
    serve: Serve, client: aiohttp.ClientSession, data: Any
) -> None:
    assert not await takes(serve, client, Reading, data)
    assert not await takes(serve, client, Reading, data, strict=True)
    assert await takes(serve, client, Reading, data, strict=False)
    assert await takes(serve, client, list[Reading], [data], strict=False)


@pytest.mark.parametrize("data", ODD_WRITTEN, ids=str)
async def test_a_hand_written_schema_refuses_odd_values_where_it_is_told_to(
    serve: Serve, client: aiohttp.ClientSession, data: Any
) -> None:
    body = Annotated[dict[str, Any], Written()]
    assert await takes(serve, client, body, data)
    assert not await takes(serve, client, body, data, strict=True)
    assert await takes(serve, client, body, PLAIN, strict=True)


def test_an_integer_beyond_64_bits_is_refused_however_it_is_spelt() -> None:
    for kind in (Reading, Written()):
        for strict in (None, True, False):
            load_json = compile(schema_of(kind, conventions=Conventions(strict=strict))).load_json
            for text in (
                b'{"count": 99999999999999999999}',
                b'{"count": "99999999999999999999"}',
                b'{"count": 1e300}',
            ):
                with pytest.raises(Exception, match=r"(?i)integer|too large|beyond|64"):
                    load_json(text)


def test_a_lenient_type_makes_what_its_annotations_say() -> None:
    load = compile(schema_of(Reading, conventions=Conventions(strict=False))).load

    data = {
        "count": "5",
        "on": "yes",
        "share": "1.5",
        "price": 2,
        "at": "2024-02-29T12:00:00",
        "counts": [1.0, "2"],
    }
    assert load(data) == Reading(5, True, 1.5, Decimal(2), datetime(2024, 2, 29, 12, tzinfo=UTC), [1, 2])
    assert load({"at": "2024-02-29T12:00:00+00:00"}).at == datetime(2024, 2, 29, 12, tzinfo=UTC)


def test_the_nearest_level_wins_and_a_type_speaks_for_its_own_fields() -> None:
    strict, lenient = Conventions(strict=True), Conventions(strict=False)

    assert compile(schema_of(Loose, conventions=strict)).load({"count": "5"}) == Loose(5)
    with pytest.raises(Exception, match="integer"):
        compile(schema_of(Loose, conventions=strict)).load({"count": 5, "inner": {"count": "5"}})
    assert compile(schema_of(Easy(), conventions=strict)).load({"count": "5"}) == {"count": 5}
    assert compile(schema_of(Exact(), conventions=lenient)).load({"easy": {"count": "5"}}) == {
        "easy": {"count": 5}
    }
    with pytest.raises(Exception, match="integer"):
        compile(schema_of(Exact)).load({"count": "5"})
    assert Conventions(strict=False).within(strict).strict is False


def test_a_typeddict_and_a_partial_are_taken_leniently_too() -> None:
    lenient = Conventions(strict=False)

    class Count(TypedDict):
        count: int

    assert compile(schema_of(Count, conventions=lenient)).load({"count": "5"}) == {"count": 5}
    assert dict(compile(schema_of(Partial[Reading], conventions=lenient)).load({"count": 5.0})) == {
        "count": 5
    }


def test_a_schema_that_was_written_by_hand_stays_as_it_is() -> None:
    written = Written()
    compile(written).load({"part": {"count": "5"}})

    strict = schema_of(written, conventions=Conventions(strict=True))

    assert written.load({"count": "5", "part": {"count": "5"}}) == {"count": 5, "part": {"count": 5}}
    assert schema_of(written, conventions=Conventions(strict=True)) is strict
    with pytest.raises(Exception, match="integer"):
        strict.load({"part": {"count": "5"}})


async def test_a_query_of_a_strict_schema_is_read_from_plain_text(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    routes = RouteTableDef(strict=True)

    @routes.get("/table")
    @public
    async def table(query: Annotated[dict[str, Any], StrictPart]) -> Any:
        return query

    @routes.get("/endpoint", strict=False)
    @public
    async def endpoint(query: Annotated[dict[str, Any], StrictPart]) -> Any:
        return query

    url = await serve(create_app(ServiceSettings(), routes=[routes]))

    async with client.get(url / "table", params={"count": "5"}) as response:
        assert await response.json() == {"count": 5}
    async with client.get(url / "table", params={"count": " 1_0"}) as response:
        assert response.status == 422
    async with client.get(url / "endpoint", params={"count": "1_0"}) as response:
        assert await response.json() == {"count": 10}


def test_the_service_is_told_by_a_variable() -> None:
    settings = load(ServiceSettings, {"JSON_STRICT": "true"}, env_file=None)

    assert settings.json == Conventions("snake", "raise", True)


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        pytest.param(
            lambda: Conventions(strict="yes"),  # type: ignore[arg-type]
            "strict must be True or False; this is 'yes'",
            id="word",
        ),
        pytest.param(
            lambda: conventions(strict=True, names="camel")(StrictPart),
            "only 'strict' may be said",
            id="schema",
        ),
        pytest.param(lambda: RouteTableDef().get("/", strict=3), "GET /: strict must be", id="route"),  # type: ignore[arg-type]
    ],
)
def test_a_mistake_is_told_with_what_to_write_instead(mistake: Any, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        mistake()

    assert said in str(caught.value)
