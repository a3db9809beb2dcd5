"""How fields are called outside, and what becomes of unknown ones: by service, table, endpoint and type."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from dataclasses import dataclass, field, make_dataclass
from typing import Annotated, Any, Generic, Literal, TypedDict, TypeVar

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import EXCLUDE, RAISE, Schema, fields
from marshmallow.validate import Range
from yarl import URL

from framework import (
    ConfigurationError,
    Form,
    Partial,
    RouteTableDef,
    ServiceSettings,
    conventions,
    create_app,
    public,
)
from framework.batteries import openapi, problems
from framework.settings import load
from framework.testing import Serve
from framework.validation import Conventions, compile, schema_of

Level = Literal["snake", "camel", "pascal", "kebab"]


@dataclass
class Street:
    street_name: str
    house_no: Annotated[int, Range(1)] = 1


class Note(TypedDict, total=False):
    note_text: str


@dataclass
class Order:
    order_id: int
    ship_to: Street
    old_streets: list[Street] = field(default_factory=list)
    by_name: dict[str, Street] = field(default_factory=dict)
    last_note: Note | None = None
    html_url: Annotated[str, {"data_key": "URL"}] = ""


T = TypeVar("T")


@conventions(names="camel")
class Line(TypedDict):
    line_no: int


@conventions(names="camel")
@dataclass
class Page(Generic[T]):
    next_page: str
    all_items: list[T]


@dataclass
class Holder:
    the_inner: Annotated[dict[str, Any], Plain]


@dataclass
class Twice:
    user_id: int
    userId: int  # noqa: N815 - what is wrong


SENT = {
    "orderId": 1,
    "shipTo": {"streetName": "Elm", "houseNo": 2},
    "oldStreets": [{"streetName": "Oak", "houseNo": 1}],
    "byName": {"my_home": {"streetName": "Ash", "houseNo": 3}},
    "lastNote": {"noteText": "ring"},
    "URL": "/1",
}


@dataclass
class Search:
    sort_by: str = ""
    max_price: int | None = None
    tag_names: list[str] = field(default_factory=list)


@dataclass
class Agent:
    user_agent: str
    x_trace_id: str = ""


@conventions(names="camel", unknown="ignore")
@dataclass
class Traced:
    x_trace_id: str = ""


@conventions(names="snake", unknown="raise")
@dataclass
class Firm:
    first_word: str


@conventions(names="camel", unknown="ignore")
@dataclass
class Easy:
    first_word: str


class Plain(Schema):
    first_word = fields.String(required=True)


class Strict(Schema):
    class Meta:
        unknown = RAISE

    first_word = fields.String(required=True)


async def serve_with(
    serve: Serve,
    *routes: RouteTableDef,
    names: Level = "snake",
    unknown: Literal["raise", "ignore"] = "raise",
) -> URL:
    settings = ServiceSettings(json=Conventions(names, unknown))
    return await serve(create_app(settings, routes=routes, batteries=[problems.battery(), openapi.battery()]))


async def pointers(response: aiohttp.ClientResponse) -> list[tuple[str, str]]:
    assert response.status == 422, await response.text()
    return [(fault["in"], fault["pointer"]) for fault in (await response.json())["errors"]]


async def document(client: aiohttp.ClientSession, url: URL) -> Any:
    async with client.get(url / "openapi.json") as response:
        return await response.json()


def orders() -> RouteTableDef:
    routes = RouteTableDef()

    @routes.post("/orders")
    @public
    async def add_order(body: Order) -> Order:
        assert isinstance(body.ship_to, Street)
        return body

    @routes.patch("/orders/{order_id}")
    @public
    async def change_order(order_id: int, body: Partial[Order]) -> list[str]:
        return [f"{order_id}", *body, *body.get("ship_to", {})]

    @routes.post("/lists")
    @public
    async def add_orders(body: list[Order]) -> list[Order]:
        return body

    @routes.get("/notes")
    @public
    async def get_note() -> Note:
        return {"note_text": "ring"}

    return routes


def searches() -> RouteTableDef:
    routes = RouteTableDef()

    @routes.get("/search")
    @public
    async def search(query: Search) -> dict[str, Any]:
        return {"sort_by": query.sort_by, "max_price": query.max_price, "tag_names": query.tag_names}

    @routes.post("/form")
    @public
    async def fill(form: Search) -> Search:
        return form

    @routes.post("/shown")
    @public
    async def show(form: Form[Search]) -> dict[str, Any]:
        return {"errors": dict(form.errors), "data": dict(form.data)}

    @routes.get("/agent")
    @public
    async def agent(headers: Agent, cookies: Traced) -> list[str]:
        return [headers.user_agent, headers.x_trace_id, cookies.x_trace_id]

    return routes


async def test_names_of_a_service_reach_whatever_is_nested(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve_with(serve, orders(), searches(), names="camel")

    async with client.post(url / "orders", json=SENT) as response:
        assert (response.status, await response.json()) == (200, SENT)
    async with client.post(url / "lists", json=[SENT]) as response:
        assert (response.status, await response.json()) == (200, [SENT])
    async with client.get(url / "notes") as response:
        assert await response.json() == {"noteText": "ring"}


async def test_a_patch_holds_pythons_names(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve_with(serve, orders(), searches(), names="camel")

    async with client.patch(url / "orders/7", json={"orderId": 1, "shipTo": {"houseNo": 2}}) as response:
        assert await response.json() == ["7", "order_id", "ship_to", "house_no"]


async def test_faults_point_to_the_names_that_were_sent(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve_with(serve, orders(), searches(), names="camel")

    sent = {"order_id": 1, "shipTo": {"streetName": "Elm", "houseNo": 0}}
    async with client.post(url / "orders", json=sent) as response:
        found = await pointers(response)

    assert sorted(found) == [("body", "/orderId"), ("body", "/order_id"), ("body", "/shipTo/houseNo")]


async def test_queries_and_forms_follow(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve_with(serve, orders(), searches(), names="camel")
    sent = [("sortBy", "age"), ("maxPrice", "9"), ("tagNames", "a"), ("tagNames", "b")]

    async with client.get(url / "search", params=sent) as response:
        assert await response.json() == {"sort_by": "age", "max_price": 9, "tag_names": ["a", "b"]}
    async with client.get(url / "search", params={"sort_by": "age", "maxPrice": "x"}) as response:
        assert sorted(await pointers(response)) == [("query", "/maxPrice"), ("query", "/sort_by")]
    async with client.post(url / "form", data=sent) as response:
        assert await response.json() == {"sortBy": "age", "maxPrice": 9, "tagNames": ["a", "b"]}
    async with client.post(url / "shown", data={"maxPrice": "x"}) as response:
        shown = await response.json()
    assert (list(shown["errors"]), shown["data"]) == (["maxPrice"], {"maxPrice": "x"})


async def test_headers_and_cookies_have_names_of_their_own(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve_with(serve, orders(), searches(), names="camel")

    headers = {"User-Agent": "probe", "X-Trace-Id": "1", "Cookie": "x_trace_id=2; other=3"}
    async with client.get(url / "agent", headers=headers) as response:
        assert await response.json() == ["probe", "1", "2"]
    listed = (await document(client, url))["paths"]["/agent"]["get"]["parameters"]

    assert [each["name"] for each in listed] == ["user-agent", "x-trace-id", "x_trace_id"]


async def test_the_document_calls_fields_as_the_service_does(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    found = await document(client, await serve_with(serve, orders(), searches(), names="camel"))

    schemas, paths = found["components"]["schemas"], found["paths"]
    assert sorted(schemas["Order"]["properties"]) == sorted(SENT)
    assert schemas["Order"]["required"] == ["orderId", "shipTo"]
    assert sorted(schemas["Street"]["properties"]) == ["houseNo", "streetName"]
    assert [each["name"] for each in paths["/search"]["get"]["parameters"]] == [
        "sortBy",
        "maxPrice",
        "tagNames",
    ]
    form = paths["/form"]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    assert sorted(form["properties"]) == ["maxPrice", "sortBy", "tagNames"]
    assert [each["name"] for each in paths["/orders/{order_id}"]["patch"]["parameters"]] == ["order_id"]
    assert "Order2" not in schemas


@pytest.mark.parametrize("unknown", ["raise", "ignore"])
async def test_the_document_lets_in_what_the_service_lets_in(
    serve: Serve, client: aiohttp.ClientSession, unknown: Literal["raise", "ignore"]
) -> None:
    url = await serve_with(serve, orders(), searches(), unknown=unknown)
    schemas = (await document(client, url))["components"]["schemas"]

    sent = {"order_id": 1, "ship_to": {"street_name": "Elm", "more": 1}, "more": 2}
    async with client.post(url / "orders", json=sent) as response:
        if unknown == "ignore":
            assert (response.status, (await response.json())["order_id"]) == (200, 1)
        else:
            assert sorted(await pointers(response)) == [("body", "/more"), ("body", "/ship_to/more")]

    said = {schemas[name].get("additionalProperties", True) for name in ("Order", "Street", "PartialOrder")}
    assert said == {unknown == "ignore"}


async def test_unknown_parameters_are_dropped_even_twice(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve_with(serve, orders(), searches(), unknown="ignore")

    sent = [("utm", "1"), ("utm", "2"), ("sort_by", "age")]
    async with client.get(url / "search", params=sent) as response:
        assert (response.status, (await response.json())["sort_by"]) == (200, "age")
    async with client.post(url / "form", data=sent) as response:
        assert (response.status, (await response.json())["sort_by"]) == (200, "age")
    async with client.get(url.with_path("/search").with_query("sort_by=a&sort_by=b")) as response:
        assert await pointers(response) == [("query", "/sort_by")]


async def test_unknown_parameters_are_refused_unless_somebody_says_otherwise(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve_with(serve, orders(), searches())

    async with client.get(url / "search", params={"utm": "1"}) as response:
        assert await pointers(response) == [("query", "/utm")]


@dataclass
class Word:
    first_word: str


def levels() -> RouteTableDef:
    routes = RouteTableDef(names="kebab", unknown="ignore")

    @routes.post("/table")
    @public
    async def by_table(body: Word) -> Word:
        return body

    @routes.post("/endpoint", names="pascal", unknown="raise")
    @public
    async def by_endpoint(body: Word) -> Word:
        return body

    @routes.post("/firm", names="camel")
    @public
    async def by_firm_type(body: Firm) -> Firm:
        return body

    @routes.post("/easy", unknown="raise")
    @public
    async def by_easy_type(body: Easy) -> Easy:
        return body

    return routes


@pytest.mark.parametrize(
    ("path", "name", "refuses"),
    [
        pytest.param("table", "first-word", False, id="the table beats the service"),
        pytest.param("endpoint", "FirstWord", True, id="the endpoint beats the table"),
        pytest.param(
            "firm", "first_word", True, id="a type beats its endpoint's names and its table's unknown"
        ),
        pytest.param(
            "easy", "firstWord", False, id="a type beats its endpoint's unknown and its table's names"
        ),
    ],
)
async def test_the_nearest_level_wins(
    serve: Serve, client: aiohttp.ClientSession, path: str, name: str, refuses: bool
) -> None:
    url = await serve_with(serve, levels(), names="camel")

    async with client.post(url / path, json={name: "a"}) as response:
        assert (response.status, await response.json()) == (200, {name: "a"})
    async with client.post(url / path, json={name: "a", "more": 1}) as response:
        assert response.status == (422 if refuses else 200)


async def test_one_type_may_have_two_shapes_in_one_document(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    found = await document(client, await serve_with(serve, levels()))

    shapes = [
        list(schema["properties"])
        for name, schema in found["components"]["schemas"].items()
        if "Word" in name
    ]
    assert sorted(shapes) == [["FirstWord"], ["first-word"]]


def test_a_type_speaks_for_its_own_fields_and_for_classes_derived_from_it() -> None:
    @conventions(names="camel")
    @dataclass
    class Base:
        some_word: str

    @conventions(unknown="ignore")
    @dataclass
    class Derived(Base):
        one_street: Street

    schema = schema_of(Derived)

    data = {"someWord": "a", "oneStreet": {"street_name": "Elm"}, "more": 1}
    assert compile(schema).load(data) == Derived("a", Street("Elm"))
    assert getattr(Base, "__conventions__") == Conventions(names="camel")  # noqa: B009 - not a name of ours to write


def test_a_typeddict_and_a_generic_class_follow_too() -> None:
    schema = schema_of(Page[Line])

    data = {"nextPage": "2", "allItems": [{"lineNo": 1}]}
    page = compile(schema).load(data)
    assert (page.next_page, page.all_items) == ("2", [{"line_no": 1}])
    assert compile(schema).dump(page) == data
    assert list(compile(schema_of(Partial[Line])).load({"lineNo": 1})) == ["line_no"]


async def test_a_hand_written_schema_keeps_its_names_and_what_it_says_of_unknown_fields(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    routes = RouteTableDef()
    silent = Plain()

    @routes.post("/silent", body=silent)
    @public
    async def take_silent(body: dict[str, Any]) -> dict[str, Any]:
        return body

    @routes.post("/strict")
    @public
    async def take_strict(body: Annotated[dict[str, Any], Strict()]) -> dict[str, Any]:
        return body

    @routes.post("/nested")
    @public
    async def take_nested(body: Holder) -> dict[str, Any]:
        return body.the_inner

    url = await serve_with(serve, routes, names="camel", unknown="ignore")

    sent = {"first_word": "a", "more": 1}
    async with client.post(url / "silent", json=sent) as response:
        assert await response.json() == {"first_word": "a"}
    async with client.post(url / "strict", json=sent) as response:
        assert await pointers(response) == [("body", "/more")]
    async with client.post(url / "nested", json={"theInner": sent}) as response:
        assert await response.json() == {"first_word": "a"}
    assert (silent.unknown, schema_of(silent)) == (RAISE, silent)
    schemas = (await document(client, url))["components"]["schemas"]
    assert "additionalProperties" not in schemas["Plain"]


async def test_a_hand_written_schema_that_is_read_in_two_ways_is_described_twice(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    routes = RouteTableDef()

    @routes.post("/raising", body=Plain, unknown="raise")
    @public
    async def raising(body: dict[str, Any]) -> None: ...

    @routes.post("/ignoring", body=Plain, unknown="ignore")
    @public
    async def ignoring(body: dict[str, Any]) -> None: ...

    schemas = (await document(client, await serve_with(serve, routes)))["components"]["schemas"]

    shapes = [schema.get("additionalProperties") for name, schema in schemas.items() if "Plain" in name]
    assert shapes == [False, None]


def test_what_a_hand_written_schema_was_made_with_stays() -> None:
    class Money(Schema):
        amount = fields.Integer()

        def __init__(self, currency: str, **options: Any) -> None:
            super().__init__(**options)
            self.currency = currency

    ignoring = schema_of(Money("EUR", many=True), conventions=Conventions(unknown="ignore"))

    assert (ignoring.unknown, ignoring.many, vars(ignoring)["currency"]) == (EXCLUDE, True, "EUR")
    assert ignoring.load([{"amount": 1, "more": 2}]) == [{"amount": 1}]


@pytest.mark.parametrize(
    ("names", "outside"),
    [
        ("snake", ["user_id2", "_private", "html_url", "class_", "a__b", "x_1", "userId", "ID"]),
        ("camel", ["userId2", "_private", "htmlUrl", "class_", "aB", "x1", "userId", "ID"]),
        ("pascal", ["UserId2", "_Private", "HtmlUrl", "Class_", "AB", "X1", "UserId", "ID"]),
        ("kebab", ["user-id2", "_private", "html-url", "class_", "a-b", "x-1", "userId", "ID"]),
    ],
)
def test_names_are_turned_in_one_plain_way(names: Level, outside: list[str]) -> None:
    inside = ["user_id2", "_private", "html_url", "class_", "a__b", "x_1", "userId", "ID"]

    assert [Conventions(names).name(each) for each in inside] == outside


NAME = st.from_regex(r"[a-zA-Z_][a-z0-9_]{0,6}", fullmatch=True).filter(
    lambda name: not keyword.iskeyword(name)
)


@pytest.mark.parametrize("names", ["snake", "camel", "pascal", "kebab"])
@given(data=st.dictionaries(NAME, st.integers(0, 9), min_size=1, max_size=6))
def test_what_is_written_is_read_back(names: Level, data: Mapping[str, int]) -> None:
    made = make_dataclass("Made", [(name, int) for name in data])
    value = made(**data)
    held = Conventions(names)
    distinct = len({held.name(name) for name in data}) == len(data)

    if not distinct:
        with pytest.raises(ConfigurationError, match="would both be called"):
            schema_of(made, conventions=held)
        return
    compiled = compile(schema_of(made, conventions=held))

    assert compiled.load_json(compiled.dump_json(value)) == value
    assert compiled.load(compiled.dump(value)) == value


def test_two_fields_of_one_name_are_told_at_start_up() -> None:
    routes = RouteTableDef(names="camel")

    @routes.post("/")
    @public
    async def twice(body: Twice) -> None: ...

    with pytest.raises(ConfigurationError) as caught:
        create_app(ServiceSettings(), routes=[routes])

    assert "Twice: the fields 'user_id' and 'userId' would both be called 'userId'; give one" in str(
        caught.value
    )
    assert "test_conventions.py" in str(caught.value)


async def no_class() -> None: ...


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        pytest.param(lambda: conventions(names="Camel"), "names must be one of 'snake', 'camel'", id="names"),  # type: ignore[arg-type]
        pytest.param(
            lambda: RouteTableDef(unknown="exclude"),  # type: ignore[arg-type]
            "unknown must be one of 'raise', 'ignore'; this is 'exclude'.",
            id="unknown",
        ),
        pytest.param(
            lambda: RouteTableDef().get("/", names="upper"),  # type: ignore[arg-type]
            "GET /: names must be one of",
            id="route",
        ),
        pytest.param(
            lambda: conventions(names="camel")(Plain), "by data_key and by 'unknown' in its", id="schema"
        ),
        pytest.param(
            lambda: conventions(names="camel")(no_class),  # type: ignore[arg-type]
            "'no_class', which is no class; of an endpoint write routes.post(..., names=",
            id="handler",
        ),
        pytest.param(
            lambda: schema_of(Annotated[Word, conventions(names="camel")]), "not in Annotated", id="annotated"
        ),
        pytest.param(
            lambda: schema_of(make_dataclass("Bad", [("word", Annotated[Word, conventions(names="camel")])])),
            "Bad.word: ",
            id="annotated field",
        ),
    ],
)
def test_a_mistake_is_told_with_what_to_write_instead(mistake: Any, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        mistake()

    assert said in str(caught.value)


def test_the_service_is_told_by_two_variables() -> None:
    settings = load(ServiceSettings, {"JSON_NAMES": "camel", "JSON_UNKNOWN": "ignore"}, env_file=None)

    assert settings.json == Conventions("camel", "ignore")
    assert ServiceSettings().json == Conventions("snake", "raise")


async def test_a_table_in_a_plain_aiohttp_application_follows_too(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    app = web.Application()
    app.add_routes(levels())
    url = await serve(app)

    async with client.post(url / "table", json={"first-word": "a"}) as response:
        assert await response.json() == {"first-word": "a"}
