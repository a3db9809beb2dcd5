"""What handlers promise stands in the document, and in development they are held to it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import aiohttp
import pytest
import yaml
from aiohttp import web
from marshmallow import Schema, ValidationError, fields
from openapi_spec_validator import OpenAPIV31SpecValidator

from framework import paging
from framework.app import ServiceSettings, create_app, standard
from framework.batteries import auth, idempotency, openapi, problems
from framework.batteries.idempotency import idempotent
from framework.batteries.openapi import OpenAPISettings, example
from framework.batteries.ratelimits import limit
from framework.battery import Battery
from framework.endpoint import Mark
from framework.errors import ConfigurationError, Conflict, NotFound, ServiceError
from framework.marks import answers, public, raises
from framework.principal import Principal
from framework.problem import Problem, Renderer
from framework.responses import Result, created, file
from framework.routing import RouteTableDef
from framework.secrets import Profile, Secret
from framework.services import provide
from framework.testing import Serve
from framework.validation import Computed, compile, schema_of


class OutOfStock(Conflict):
    """There is less than was ordered."""

    type: ClassVar[str] = "https://example.org/problems/out-of-stock"
    title: ClassVar[str] = "Out of stock"
    members: ClassVar[Mapping[str, Any]] = {"left": int}


class MissingError(Exception):
    pass


@dataclass
class Order:
    item: str
    number: int


class Stock:
    @raises(NotFound)
    async def find(self, name: str) -> int:
        raise NotFound("item", name)


routes = RouteTableDef(tags=["orders"])


@routes.post("/orders", status=201)
@public
@raises(OutOfStock, Conflict)
async def order(body: Order) -> Order:
    """Order something.

    It comes tomorrow.

    Example request::

        {"item": "tea", "number": 2}

    Example response (paid)::

        {"item": "tea", "number": 2}
    """
    if body.number > 3:
        raise OutOfStock("Only 3 are left.", left=3)
    return body


@routes.get("/stock/{name}")
@public
async def look(name: str, stock: Stock) -> int:
    """Tell how much there is."""
    return await stock.find(name)


@routes.get("/sloppy")
@public
@raises(NotFound)
async def sloppy(which: str = "conflict") -> Result[int]:
    """Raise what is not declared."""
    if which == "conflict":
        raise Conflict("taken")
    if which == "missing":
        raise MissingError
    return Result(1, 202)


@routes.get("/image")
@public
@answers(200, bytes, media_type="image/png")
@answers(202, Order, description="Not yet")
async def image(late: bool = False) -> web.Response:
    """Show it."""
    return web.Response(status=202 if late else 200)


@routes.get("/me")
@public
async def me(principal: Principal | None) -> str:
    """Tell who calls."""
    return principal.subject if principal else "nobody"


AUTH = (
    Battery(name="sessions"),
    auth.battery(auth.AuthSettings(keys=(Secret("0123456789abcdef" * 2),)), profile=Profile.development),
)


def service(
    *tables: Any,
    profile: Profile = Profile.development,
    settings: OpenAPISettings | None = None,
    batteries: Sequence[Battery] = (),
    renderer: Renderer | None = None,
) -> web.Application:
    mapping: dict[type[Exception], type[ServiceError]] = {MissingError: NotFound}
    told = (
        problems.battery(mapping=mapping)
        if renderer is None
        else problems.battery(mapping=mapping, renderer=renderer)
    )
    return create_app(
        ServiceSettings(),
        routes=tables or (routes,),
        batteries=[told, *AUTH, *batteries, provide(Stock), openapi.battery(settings, profile=profile)],
    )


async def document_of(serve: Serve, client: aiohttp.ClientSession, **options: Any) -> Any:
    url = await serve(service(**options))
    return await (await client.get(url / "openapi.json")).json()


async def test_declared_errors_have_schemas_of_their_own(serve: Serve, client: aiohttp.ClientSession) -> None:
    document = await document_of(serve, client)

    responses, schemas = (
        document["paths"]["/orders"]["post"]["responses"],
        document["components"]["schemas"],
    )
    assert responses["409"]["content"]["application/problem+json"]["schema"] == {
        "anyOf": [
            {"$ref": "#/components/schemas/OutOfStockProblem"},
            {"$ref": "#/components/schemas/ConflictProblem"},
        ]
    }
    own = schemas["OutOfStockProblem"]["allOf"][1]
    assert own["properties"]["type"]["const"] == "https://example.org/problems/out-of-stock"
    assert own["properties"]["left"] == {"type": "integer"}
    assert own["required"] == ["left"]
    assert own["description"] == "There is less than was ordered."
    assert schemas["UnprocessableContentProblem"]["allOf"][1]["required"] == ["errors"]
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


async def test_a_declared_error_is_answered_as_described(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve(service())

    answer = await client.post(url / "orders", json={"item": "tea", "number": 9})

    assert answer.status == 409
    assert await answer.json() == {
        "type": "https://example.org/problems/out-of-stock",
        "title": "Out of stock",
        "status": 409,
        "detail": "Only 3 are left.",
        "left": 3,
    }


async def test_what_a_service_declares_counts_for_those_who_call_it(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    document = await document_of(serve, client)

    responses = document["paths"]["/stock/{name}"]["get"]["responses"]
    assert responses["404"] == {"$ref": "#/components/responses/NotFound"}
    assert "404" not in document["paths"]["/orders"]["post"]["responses"]


async def test_further_answers_are_described(serve: Serve, client: aiohttp.ClientSession) -> None:
    document = await document_of(serve, client)

    responses = document["paths"]["/image"]["get"]["responses"]
    assert responses["200"] == {"description": "OK", "content": {"image/png": {}}}
    assert responses["202"] == {
        "description": "Not yet",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}},
    }


async def test_who_is_known_may_be_shown_more(serve: Serve, client: aiohttp.ClientSession) -> None:
    document = await document_of(serve, client)

    assert document["paths"]["/me"]["get"]["security"] == [{}, {"bearer": []}, {"session": []}]
    assert document["paths"]["/image"]["get"]["security"] == []


@pytest.mark.parametrize(
    ("which", "in_development", "in_production"),
    [("conflict", 500, 409), ("missing", 404, 404), ("result", 500, 202)],
)
async def test_in_development_a_handler_is_held_to_what_it_declares(
    serve: Serve,
    client: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
    which: str,
    in_development: int,
    in_production: int,
) -> None:
    url = await serve(service())
    other = await serve(service(profile=Profile.production))

    with caplog.at_level(logging.ERROR):
        answer = await client.get(url / "sloppy", params={"which": which})
        lenient = await client.get(other / "sloppy", params={"which": which})

    assert (answer.status, lenient.status) == (in_development, in_production)
    told = [str(record.exc_info[1]) for record in caplog.records if record.exc_info]
    assert len(told) == (in_development == 500)
    assert all("does not declare" in each and "sloppy" in each for each in told)


async def test_examples_of_docstrings_stand_in_the_document(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    document = await document_of(serve, client)

    operation = document["paths"]["/orders"]["post"]
    value = {"value": {"item": "tea", "number": 2}}
    assert operation["requestBody"]["content"]["application/json"]["examples"] == {"example": value}
    assert operation["responses"]["201"]["content"]["application/json"]["examples"] == {"paid": value}
    assert operation["description"] == "It comes tomorrow."


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        (example(request={"item": "tea"}), "number"),
        (example(response={"item": 1, "number": 2}), "item"),
        (example(response=1, status=202), "no @answers"),
    ],
    ids=["a field is missing", "of another type", "of no status"],
)
def test_a_wrong_example_keeps_a_service_from_starting(mark: Mark, message: str) -> None:
    table = RouteTableDef()

    @table.post("/orders")
    @public
    @mark
    async def handler(body: Order) -> Order:
        raise AssertionError

    with pytest.raises(ConfigurationError, match=message):
        service(table)


class Paid(Schema):
    number = fields.Integer(dump_only=True)
    item = fields.String(required=True)


@dataclass
class Account:
    name: str
    admin: Annotated[bool, {"dump_only": True}] = False


@dataclass
class Accounts:
    first: Account


@dataclass
class Line:
    price: int

    @property
    def total(self) -> Annotated[int, Computed]:
        return self.price


@dataclass
class Bill:
    lines: list[Line]
    best: Line | str


async def test_an_example_of_an_answer_opens_no_field_for_requests(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    table = RouteTableDef()

    @table.post("/paid", body=Paid, returns=Paid)
    @public
    @example(response={"number": 1, "item": "tea"})
    async def pay(body: dict[str, Any]) -> Any:
        return body

    @table.get("/bills")
    @public
    @example(response={"lines": [{"price": 1, "total": 1}], "best": {"price": 1, "total": 1}})
    async def bill() -> Bill:
        return Bill([Line(1)], Line(1))

    url = await serve(create_app(routes=[table], batteries=[problems.battery(), openapi.battery()]))

    async with client.get(url / "openapi.json") as response:
        document = await response.json()
    async with client.post(url / "paid", json={"number": 1, "item": "tea"}) as response:
        assert response.status == 422
    content = document["paths"]["/bills"]["get"]["responses"]["200"]["content"]["application/json"]
    assert content["examples"]["example"]["value"]["best"] == {"price": 1, "total": 1}


def test_an_example_of_an_answer_opens_no_field_for_types_that_are_read_later() -> None:
    table = RouteTableDef()

    @table.get("/account")
    @public
    @example(response={"name": "x", "admin": False})
    async def account() -> Account:
        return Account("x")

    create_app(routes=[table], batteries=[openapi.battery()])

    with pytest.raises(ValidationError, match="admin"):
        compile(schema_of(Accounts)).load_json(b'{"first":{"name":"x","admin":true}}')


def test_an_example_that_is_no_json_keeps_a_service_from_starting() -> None:
    table = RouteTableDef()

    @table.post("/orders")
    @public
    async def handler(body: Order) -> Order:
        """Order.

        Example request::

            {item}
        """
        raise AssertionError

    with pytest.raises(ConfigurationError, match="is no JSON"):
        service(table)


def test_an_example_of_no_body_keeps_a_service_from_starting() -> None:
    table = RouteTableDef()

    @table.get("/orders")
    @public
    @example(request=1)
    async def handler() -> Order:
        raise AssertionError

    with pytest.raises(ConfigurationError, match="reads no body"):
        service(table)


async def test_the_document_is_there_as_yaml(serve: Serve, client: aiohttp.ClientSession) -> None:
    settings = OpenAPISettings(description='on: "yes"\n\x7f\u2028 ü 😀', tags={"orders": "no"})
    url = await serve(service(settings=settings))

    answer = await client.get(url / "openapi.yaml")
    same = await client.get(url / "openapi.yaml", headers={"If-None-Match": answer.headers["ETag"]})

    document = await (await client.get(url / "openapi.json")).json()
    assert yaml.safe_load(await answer.text()) == document
    assert document["tags"] == [{"name": "orders", "description": "no"}]
    assert answer.content_type == "application/yaml"
    assert same.status == 304


async def test_the_errors_have_the_shape_that_the_service_chose(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    def render(problem: Problem) -> dict[str, int]:
        return {"code": problem.status}

    renderer = Renderer(render=render, media_type="application/vnd.error+json", schema={"type": "object"})

    document = await document_of(serve, client, renderer=renderer)

    content = document["paths"]["/orders"]["post"]["responses"]["409"]["content"]
    assert content == {"application/vnd.error+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


async def test_ids_do_not_depend_on_the_order_of_routes(serve: Serve, client: aiohttp.ClientSession) -> None:
    one, two = RouteTableDef(), RouteTableDef()

    @one.get("/a")
    @public
    async def get() -> int:
        raise AssertionError

    two.get("/b")(public(get))

    first = await (await client.get(await serve(service(one, two)) / "openapi.json")).json()
    second = await (await client.get(await serve(service(two, one)) / "openapi.json")).json()

    ids = [
        {path: each["get"]["operationId"] for path, each in document["paths"].items()}
        for document in (first, second)
    ]
    assert ids[0] == ids[1] == {"/a": "get_get_a", "/b": "get_get_b"}


@pytest.mark.parametrize("wrong", [(), (ValueError,), (NotFound("x"),)])
def test_raises_takes_classes_of_errors(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="@raises takes classes of errors"):
        raises(*wrong)


def test_answers_takes_no_errors() -> None:
    with pytest.raises(ConfigurationError, match="errors are told by @raises"):
        answers(404)


async def test_a_query_parameter_that_may_be_missing_may_be_empty(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(service())

    document = await (await client.get(url / "openapi.json")).json()
    answer = await client.get(url / "image", params={"late": ""})

    (which,) = document["paths"]["/sloppy"]["get"]["parameters"]
    assert which["allowEmptyValue"] is True
    assert answer.status == 200


async def test_the_headers_of_answers_are_in_the_document(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    routes = RouteTableDef()

    @routes.get("/things")
    @public
    async def things(request: web.Request) -> Result[paging.Page[int]]:
        return paging.linked(request, paging.Page([1], "x"))

    @routes.post("/things", status=201)
    @limit("5/minute")
    @public
    @idempotent
    async def add(body: dict[str, int]) -> Result[dict[str, int]]:
        return created(body, location="/things/1")

    @routes.get("/file")
    @public
    async def download() -> web.FileResponse:
        return file(Path(__file__))

    batteries = [*standard(settings := ServiceSettings()), idempotency.battery()]
    url = await serve(create_app(settings, routes=[routes], batteries=batteries))

    document = await (await client.get(url / "openapi.json")).json()
    answers = {
        "/things": await client.get(url / "things"),
        "post": await client.post(url / "things", json={"a": 1}),
        "/file": await client.get(url / "file"),
    }

    paths, refused = document["paths"], document["components"]["responses"]
    described = {
        "/things": paths["/things"]["get"]["responses"]["200"]["headers"],
        "post": paths["/things"]["post"]["responses"]["201"]["headers"],
        "/file": paths["/file"]["get"]["responses"]["200"]["headers"],
    }
    assert {*described["/things"]} == {"Link"}
    assert {*described["post"]} == {"Location", "RateLimit", "RateLimit-Policy", "Idempotent-Replay"}
    assert {*described["/file"]} == {"ETag", "Last-Modified", "Accept-Ranges", "Content-Disposition"}
    for name, answer in answers.items():
        assert {*described[name]} - {"Idempotent-Replay"} <= answer.headers.keys(), name
    assert {*refused["TooManyRequests"]["headers"]} == {"Retry-After"}
