"""What a handler's parameters are filled with, and how what it returns is written."""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, TypedDict
from uuid import UUID

import aiohttp
import pytest
from aiohttp import web
from marshmallow import Schema, fields
from marshmallow.validate import Length
from yarl import URL

from framework.forms import Form, UploadedFile
from framework.responses import Result, created
from framework.routing import RouteTableDef
from framework.testing import Serve
from framework.validation import Partial
from tests.kernel import kernel_app


@dataclass
class Draft:
    name: Annotated[str, Length(1, 10)]
    tags: list[str]


@dataclass
class User:
    id: UUID
    name: str


@dataclass
class Listing:
    limit: int = 20
    tag: list[str] | None = None


@dataclass
class Agent:
    user_agent: str
    x_trace: str = "none"


@dataclass
class Cookies:
    theme: str = "light"


@dataclass
class Upload:
    title: str
    document: UploadedFile
    extra: UploadedFile | None = None


class Colour(Enum):
    RED = "red"


class Point(TypedDict):
    x: int
    y: int


class NoteSchema(Schema):
    text = fields.String(required=True)


routes = RouteTableDef()


@routes.get("/segments/{id}/{count}/{day}/{price}/{colour}/{word}")
async def segments(id: UUID, count: int, day: date, price: Decimal, colour: Colour, word: str) -> list[str]:
    return [repr(value) for value in (id, count, day, price, colour, word)]


@routes.post("/users", status=201)
async def add(body: Draft, query: Listing, headers: Agent, cookies: Cookies) -> User:
    return User(UUID(int=1), f"{body.name} {query.limit} {query.tag} {headers.x_trace} {cookies.theme}")


@routes.patch("/users")
async def change(body: Partial[Draft]) -> dict[str, Any]:
    return dict(body)


@routes.post("/points")
async def points(body: list[Point]) -> list[Point]:
    return body


@routes.post("/notes", body=NoteSchema, returns=NoteSchema())
async def notes(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "secret": "left out"}


@routes.post("/free")
async def free(body: dict[str, Any]) -> dict[str, Any]:
    return body


@routes.post("/bytes", max_body=10)
async def octets(body: bytes) -> int:
    return len(body)


@routes.post("/optional")
async def optional(body: Draft | None = None) -> str:
    return "nothing" if body is None else body.name


@routes.post("/files")
async def upload(form: Upload) -> dict[str, Any]:
    content = await form.document.read()
    return {
        "title": form.title,
        "name": form.document.filename,
        "size": form.document.size,
        "read": len(content),
    }


@routes.post("/shown")
async def shown(form: Form[Draft]) -> dict[str, Any]:
    return {"value": form.value and form.value.name, "errors": dict(form.errors), "data": dict(form.data)}


@routes.post("/small", max_body=1_000)
async def small(request: web.Request) -> int:
    return len(await request.read())


@routes.get("/created")
async def make() -> Result[User]:
    return created(User(UUID(int=2), "new"), location="/users/2")


@routes.get("/plain")
async def plain_json() -> dict[str, str | int | list[float | None]]:
    return {"a": 1, "b": "two", "c": [3.5, None]}


@routes.get("/nothing")
async def nothing() -> None: ...


@routes.get("/either")
async def either() -> web.Response | User:
    return User(UUID(int=3), "either")


JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def url(serve: Serve) -> URL:
    return await serve(kernel_app(routes))


async def send(client: aiohttp.ClientSession, method: str, url: URL, **options: Any) -> tuple[int, Any]:
    async with client.request(method, url, **options) as response:
        if response.content_type in {"application/json", "application/problem+json"}:
            return response.status, await response.json(content_type=None)
        return response.status, await response.text()


async def test_segments_are_converted_by_their_annotations(url: URL, client: aiohttp.ClientSession) -> None:
    path = f"segments/{UUID(int=7)}/3/2024-02-29/1.50/red/w%C3%B6rd"

    status, answer = await send(client, "GET", URL(f"{url}/{path}", encoded=True))

    assert status == 200
    assert answer == [
        repr(UUID(int=7)),
        "3",
        "datetime.date(2024, 2, 29)",
        "Decimal('1.50')",
        "<Colour.RED: 'red'>",
        "'wörd'",
    ]


async def test_every_part_of_a_request_fills_its_parameter(url: URL, client: aiohttp.ClientSession) -> None:
    status, answer = await send(
        client,
        "POST",
        url.joinpath("users").with_query([("limit", "3"), ("tag", "a"), ("tag", "b")]),
        json={"name": "n", "tags": []},
        headers={"X-Trace": "t", "Cookie": "theme=dark; other=1"},
    )

    assert (status, answer) == (201, {"id": str(UUID(int=1)), "name": "n 3 ['a', 'b'] t dark"})


async def test_all_faults_of_a_request_come_in_one_answer(url: URL, client: aiohttp.ClientSession) -> None:
    status, problem = await send(
        client,
        "POST",
        url.joinpath("users").with_query([("limit", "x"), ("limt", "1"), ("tag", "a")]),
        json={"name": "", "tags": ["t", 3], "role": "admin"},
    )

    assert status == 422
    assert problem["title"] == "Unprocessable Content"
    assert {(error["in"], error["pointer"]) for error in problem["errors"]} == {
        ("query", "/limit"),
        ("query", "/limt"),
        ("body", "/name"),
        ("body", "/tags/1"),
        ("body", "/role"),
    }


async def test_a_value_sent_twice_where_one_is_meant_is_refused(
    url: URL, client: aiohttp.ClientSession
) -> None:
    twice = url.joinpath("users").with_query([("limit", "1"), ("limit", "2")])

    status, problem = await send(client, "POST", twice, json={"name": "n", "tags": []})

    assert status == 422
    assert problem["errors"] == [{"in": "query", "pointer": "/limit", "detail": "Send it once."}]


@pytest.mark.parametrize(
    ("name", "pointer"),
    [
        ("a~b/c", "/a~0b~1c"),
        ("~" * 300, "/" + "~0" * 200 + "…"),
        ("/" * 200, "/" + "~1" * 200),
        ("\u00e4 b", "/\u00e4 b"),
    ],
)
async def test_the_name_of_a_parameter_is_told_as_a_json_pointer(
    url: URL, client: aiohttp.ClientSession, name: str, pointer: str
) -> None:
    once = url.joinpath("users").with_query([("limit", "1"), (name, "2")])
    twice = url.joinpath("users").with_query([("limit", "1"), (name, "2"), (name, "3")])

    found = [await send(client, "POST", each, json={"name": "n", "tags": []}) for each in (once, twice)]

    assert [(status, problem["errors"][0]["pointer"]) for status, problem in found] == [(422, pointer)] * 2


async def test_an_empty_value_in_a_query_counts_as_none(url: URL, client: aiohttp.ClientSession) -> None:
    empty = url.joinpath("users").with_query([("limit", ""), ("tag", "")])

    status, answer = await send(client, "POST", empty, json={"name": "n", "tags": []})

    assert (status, answer["name"]) == (201, "n 20 None none light")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({"data": b"{", "headers": JSON}, 400, id="broken JSON"),
        pytest.param({"data": b"", "headers": JSON}, 400, id="an empty body"),
        pytest.param({"data": b"[" * 100_000, "headers": JSON}, 400, id="nesting without end"),
        pytest.param({"data": b'{"name": NaN}', "headers": JSON}, 400, id="NaN"),
        pytest.param({"data": b"\xff\xfe{\x00}\x00", "headers": JSON}, 400, id="UTF-16"),
        pytest.param(
            {"data": b"{}", "headers": {"Content-Type": "text/plain"}}, 415, id="another media type"
        ),
        pytest.param({"data": b"{}", "headers": FORM}, 415, id="a form"),
        pytest.param(
            {"data": b"{}", "headers": {"Content-Type": "application/json; charset=utf-16"}},
            415,
            id="another charset",
        ),
        pytest.param({"json": []}, 422, id="an array for an object"),
        pytest.param({"data": b"null", "headers": JSON}, 422, id="null for an object"),
        pytest.param({"json": {"name": 5, "tags": []}}, 422, id="a number for a text"),
        pytest.param({"json": {"name": "a\x00b", "tags": []}}, 422, id="NUL in a text"),
    ],
)
async def test_a_bad_body_is_refused(
    options: dict[str, Any], expected: int, url: URL, client: aiohttp.ClientSession
) -> None:
    status, problem = await send(client, "POST", url / "users", **options)

    assert status == expected
    assert problem["status"] == expected
    assert problem["detail"]


@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
async def test_a_body_above_the_limit_is_refused(
    chunked: bool, url: URL, client: aiohttp.ClientSession
) -> None:
    async def chunks() -> Any:
        for _ in range(20):
            yield b" " * 100_000

    body = chunks() if chunked else io.BytesIO(b" " * 2_000_000)

    status, problem = await send(client, "POST", url / "users", data=body, headers=JSON)

    assert status == 413
    assert problem["limit"] == 1024 * 1024


async def test_an_endpoint_may_have_a_limit_of_its_own(url: URL, client: aiohttp.ClientSession) -> None:
    below = await send(client, "POST", url / "bytes", data=b"1234567890")
    above = await send(client, "POST", url / "bytes", data=b"12345678901")

    assert below == (200, 10)
    assert above[0] == 413


async def test_a_patch_sees_just_what_was_sent(url: URL, client: aiohttp.ClientSession) -> None:
    assert await send(client, "PATCH", url / "users", json={"name": "q"}) == (200, {"name": "q"})
    assert (await send(client, "PATCH", url / "users", json={"name": "q" * 11}))[0] == 422
    assert await send(client, "PATCH", url / "users", json={}) == (200, {})


async def test_lists_typed_dicts_schemas_and_free_json_are_bodies(
    url: URL, client: aiohttp.ClientSession
) -> None:
    assert await send(client, "POST", url / "points", json=[{"x": 1, "y": 2}]) == (200, [{"x": 1, "y": 2}])
    assert (await send(client, "POST", url / "points", json=[{"x": 1}]))[1]["errors"][0]["pointer"] == "/0/y"
    assert await send(client, "POST", url / "notes", json={"text": "t"}) == (200, {"text": "t"})
    assert (await send(client, "POST", url / "notes", json={}))[0] == 422
    assert await send(client, "POST", url / "free", json={"a": [1]}) == (200, {"a": [1]})


async def test_a_body_may_be_optional(url: URL, client: aiohttp.ClientSession) -> None:
    assert await send(client, "POST", url / "optional") == (200, "nothing")
    assert await send(client, "POST", url / "optional", json={"name": "n", "tags": []}) == (200, "n")


BOUNDARY = {"Content-Type": "multipart/form-data; boundary=b"}


def multipart(*parts: tuple[str, bytes, str | None]) -> dict[str, Any]:
    """Return a request with these parts: name, content and file name."""
    lines = []
    for name, content, filename in parts:
        file = f'; filename="{filename}"' if filename else ""
        lines.append(f'--b\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + content)
    return {"data": io.BytesIO(b"\r\n".join([*lines, b"--b--\r\n"])), "headers": BOUNDARY}


async def test_a_file_is_streamed_and_its_name_made_safe(url: URL, client: aiohttp.ClientSession) -> None:
    form = multipart(("title", b"T", None), ("document", b"abc" * 300_000, "../../etc/passwd"))

    status, answer = await send(client, "POST", url / "files", **form)

    assert (status, answer) == (200, {"title": "T", "name": "passwd", "size": 900_000, "read": 900_000})


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({"data": {"title": "T", "document": "text"}}, 422, id="a text where a file is wanted"),
        pytest.param(multipart(("title", b"T", None)), 422, id="the file missing"),
        pytest.param(multipart(("title", b"\xff", None)), 400, id="a text that is no UTF-8"),
        pytest.param({"data": b"garbage", "headers": BOUNDARY}, 400, id="no multipart at all"),
        pytest.param({"data": b"--b\r\n", "headers": BOUNDARY}, 400, id="a cut body"),
        pytest.param(
            {"data": b"--b\r\n\r\nx\r\n--b--\r\n", "headers": BOUNDARY}, 400, id="a part without a name"
        ),
        pytest.param(
            {"data": b"--b\r\nfoo\r\n\r\n", "headers": BOUNDARY}, 400, id="a part's line without colon"
        ),
        pytest.param(
            {"data": b"--b\r\n" + b"A: b\r\n" * 1_000, "headers": BOUNDARY},
            400,
            id="too many lines of a part",
        ),
        pytest.param(
            {"data": b"--b\r\nA: " + b"b" * 10_000, "headers": BOUNDARY}, 400, id="too long a line of a part"
        ),
        pytest.param(
            {"data": b"x" * 600_000, "headers": BOUNDARY}, 400, id="too long a line before the parts"
        ),
        pytest.param(multipart(("document", b"x", "a\0b")), 400, id="a file name with NUL"),
        pytest.param(
            {"data": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400, id="no boundary declared"
        ),
        pytest.param({"json": {}}, 415, id="JSON"),
        pytest.param(multipart(*[("title", b"", None)] * 201), 400, id="too many fields"),
        pytest.param(multipart(*[("document", b"", "f")] * 51), 400, id="too many files"),
        pytest.param({"data": b"a=1&" * 201, "headers": FORM}, 400, id="too many urlencoded fields"),
        pytest.param({"data": b"title=%ff", "headers": FORM}, 400, id="urlencoded that is no UTF-8"),
        pytest.param(multipart(("document", b"x" * 1_100_000, "f")), 413, id="above the limit"),
    ],
)
async def test_a_bad_form_is_refused(
    options: dict[str, Any], expected: int, url: URL, client: aiohttp.ClientSession
) -> None:
    status, problem = await send(client, "POST", url / "files", **options)

    assert status == expected, problem
    assert problem["status"] == expected


async def test_a_form_to_be_shown_again_keeps_its_texts_and_errors(
    url: URL, client: aiohttp.ClientSession
) -> None:
    bad = await send(client, "POST", url / "shown", data={"name": "x" * 11, "tags": "a"})
    good = await send(client, "POST", url / "shown", data={"name": "ok", "tags": "a", "csrf_token": "t"})

    assert bad[1]["errors"] == {"name": ["Length must be between 1 and 10."]}
    assert bad[1]["data"] == {"name": "x" * 11, "tags": "a"}
    assert good == (200, {"value": "ok", "errors": {}, "data": {"name": "ok", "tags": "a"}})


async def test_a_result_carries_its_status_and_headers(url: URL, client: aiohttp.ClientSession) -> None:
    async with client.get(url / "created") as response:
        answer = await response.json()

    assert (response.status, response.headers["Location"]) == (201, "/users/2")
    assert answer == {"id": str(UUID(int=2)), "name": "new"}


async def test_plain_json_values_are_written_as_they_are(url: URL, client: aiohttp.ClientSession) -> None:
    assert await send(client, "GET", url / "plain") == (200, {"a": 1, "b": "two", "c": [3.5, None]})


async def test_nothing_is_204_and_has_no_content_type(url: URL, client: aiohttp.ClientSession) -> None:
    async with client.get(url / "nothing") as response:
        body = await response.read()

    assert (response.status, body) == (204, b"")
    assert "Content-Type" not in response.headers


async def test_a_handler_may_return_a_response_or_a_value(url: URL, client: aiohttp.ClientSession) -> None:
    assert await send(client, "GET", url / "either") == (200, {"id": str(UUID(int=3)), "name": "either"})


async def test_a_plain_handler_reads_within_the_endpoint_s_limit(
    url: URL, client: aiohttp.ClientSession
) -> None:
    assert await send(client, "POST", url / "small", data=b"x" * 1_000) == (200, 1_000)


async def test_a_handler_of_the_request_alone_is_called_as_aiohttp_calls_it(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    def decorated(handler: Any) -> Any:
        @functools.wraps(handler)
        async def wrapper(*arguments: Any) -> Any:
            return await handler(*arguments)

        return wrapper

    table = RouteTableDef()

    @table.get("/")
    @decorated
    async def plain(request: web.Request) -> web.Response:
        return web.Response(text=request.path)

    async with client.get(await serve(kernel_app(table))) as answer:
        assert await answer.text() == "/"


def test_forms_and_results_can_be_made_with_their_type() -> None:
    assert Form[int](value=1).valid
    assert Result[int](1).value == 1
