"""What of a request once passed unnoticed: bodies that no schema looked at, lines of headers, blank files, digits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any

import aiohttp
import pytest
from marshmallow import Schema, fields

from framework import Cookie, Header, RouteTableDef
from framework.forms import UploadedFile
from framework.testing import Serve
from framework.validation import Partial
from tests.kernel import kernel_app


class Item(Schema):
    a = fields.Integer(required=True)


class Amount(Schema):
    amount = fields.Decimal()


async def outcomes(
    annotation: Any, bodies: list[Any], serve: Serve, client: aiohttp.ClientSession
) -> list[int]:
    async def handler(body: Any) -> dict[str, Any]:
        return {"body": body}

    handler.__annotations__["body"] = annotation
    routes = RouteTableDef()
    routes.post("/")(handler)
    url = await serve(kernel_app(routes))
    found = []
    for body in bodies:
        async with client.post(url, json=body) as response:
            found.append(response.status)
    return found


@pytest.mark.parametrize(
    ("annotation", "good", "bad"),
    [
        pytest.param(Annotated[dict[str, Any], Item()], {"a": 1}, {"a": "x"}, id="an instance"),
        pytest.param(Annotated[Any, Item()], {"a": 1}, {}, id="on anything"),
        pytest.param(Annotated[dict[str, Any], Item], {"a": 1}, {"a": "x"}, id="a class in Annotated"),
        pytest.param(Item, {"a": 1}, {"b": 1}, id="a class"),
        pytest.param(Annotated[list[Any], Item(many=True)], [{"a": 1}], [{}], id="many"),
        pytest.param(list[Annotated[dict[str, Any], Item()]], [{"a": 1}], [{}], id="in a list"),
        pytest.param(list[Item], [{"a": 1}], [{}], id="a list of a class"),
        pytest.param(Annotated[dict[str, Any], Item()] | None, None, {}, id="or None"),
        pytest.param(Annotated[dict[str, Any] | None, Item()], {"a": 1}, {}, id="None within"),
        pytest.param(dict, {"x": [1]}, [1], id="dict"),
        pytest.param(dict[str, Any], {}, "text", id="dict of anything"),
        pytest.param(Mapping[str, object], {"x": 1}, 5, id="a Mapping"),
        pytest.param(dict[str, Any] | None, None, [], id="dict or None"),
        pytest.param(list, [1, "x"], {}, id="list"),
        pytest.param(list[Any], [], 1.5, id="list of anything"),
        pytest.param(list[Any] | None, None, {"a": 1}, id="list or None"),
        pytest.param(Annotated[dict[str, Any], "metadata"], {}, False, id="with metadata"),
    ],
)
async def test_a_body_is_what_was_declared_wherever_that_stands(
    annotation: Any, good: Any, bad: Any, serve: Serve, client: aiohttp.ClientSession
) -> None:
    assert await outcomes(annotation, [good, bad, "x", 5], serve, client) == [200, 422, 422, 422]


async def test_a_schema_in_annotated_reads_query_form_headers_and_cookies(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    routes = RouteTableDef()

    @routes.post("/{part}")
    async def read(
        part: str,
        query: Annotated[dict[str, Any], Item()],
        form: Annotated[dict[str, Any], Item],
        headers: Annotated[Any, Item()],
        cookies: Annotated[dict[str, Any], Item],
    ) -> list[Any]:
        return [query["a"], form["a"], headers["a"], cookies["a"]]

    url = await serve(kernel_app(routes))
    async with client.post(f"{url}/x?a=1", data={"a": "2"}, headers={"a": "3", "Cookie": "a=4"}) as response:
        good = await response.json()
    async with client.post(f"{url}/x?a=q", data={"a": "f"}, headers={"a": "h", "Cookie": "a=c"}) as response:
        bad = await response.json(content_type=None)

    assert good == [1, 2, 3, 4]
    assert sorted(each["in"] for each in bad["errors"]) == ["cookies", "form", "headers", "query"]


@dataclass
class Tags:
    x_tags: list[str] = field(default_factory=list)
    x_one: str = ""


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param([("X-Tags", "a"), ("X-Tags", "b")], [["a", "b"], ""], id="two lines"),
        pytest.param([("X-Tags", "a, b"), ("X-Tags", "c")], [["a", "b", "c"], ""], id="commas too"),
        pytest.param([("X-One", "a, b")], [[], "a, b"], id="a comma in a scalar"),
        pytest.param([("X-One", "a"), ("X-One", "b")], 422, id="a scalar twice"),
    ],
)
async def test_each_line_of_a_header_is_read(
    lines: list[tuple[str, str]], expected: Any, serve: Serve, client: aiohttp.ClientSession
) -> None:
    routes = RouteTableDef()

    @routes.get("/record")
    async def record(headers: Tags) -> list[Any]:
        return [headers.x_tags, headers.x_one]

    @routes.get("/single")
    async def single(
        tags: Annotated[list[str], Header("X-Tags")] = [],  # noqa: B006 - read only
        one: Annotated[str, Header("X-One")] = "",
        theme: Annotated[str, Cookie("theme")] = "light",
    ) -> list[Any]:
        return [tags, one]

    url = await serve(kernel_app(routes))
    found = []
    for path in ("record", "single"):
        async with client.get(f"{url}/{path}", headers=lines) as response:
            found.append(await response.json() if response.status == 200 else response.status)

    assert found == [expected, expected]


@dataclass
class Upload:
    file: UploadedFile | None = None
    more: list[UploadedFile] = field(default_factory=list)


@dataclass
class Required:
    file: UploadedFile


def file_part(name: str, filename: str, content: str) -> str:
    return (
        f'--B\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
        f"Content-Type: application/octet-stream\r\n\r\n{content}\r\n"
    )


@pytest.mark.parametrize(
    ("filename", "content", "expected"),
    [
        pytest.param("", "", [[None, 0], 422], id="left blank"),
        pytest.param("empty.txt", "", [[0, 1], 0], id="a file of no bytes"),
        pytest.param("a.txt", "abc", [[3, 1], 3], id="a file"),
        pytest.param("", "abc", [[3, 1], 3], id="bytes without a name"),
    ],
)
async def test_a_file_input_that_was_left_blank_is_no_file(
    filename: str, content: str, expected: Any, serve: Serve, client: aiohttp.ClientSession
) -> None:
    routes = RouteTableDef()

    @routes.post("/optional")
    async def optional(form: Upload) -> list[Any]:
        return [form.file and form.file.size, len(form.more)]

    @routes.post("/required")
    async def required(form: Required) -> int:
        return form.file.size

    url = await serve(kernel_app(routes))
    found = []
    for path, names in (("optional", ("file", "more")), ("required", ("file",))):
        body = "".join(file_part(name, filename, content) for name in names) + "--B--\r\n"
        headers = {"Content-Type": "multipart/form-data; boundary=B"}
        async with client.post(f"{url}/{path}", data=body.encode(), headers=headers) as response:
            found.append(await response.json() if response.status == 200 else response.status)

    assert found == expected


@dataclass
class Price:
    amount: Decimal
    items: list[Decimal] = field(default_factory=list)
    table: dict[str, Decimal] = field(default_factory=dict)


@pytest.mark.parametrize("annotation", [Price, Annotated[dict[str, Any], Amount()], Amount], ids=repr)
@pytest.mark.parametrize("number", ["9007199254740993.01", "-123456789012345678.5", "0.30000000000000004441"])
async def test_a_decimal_is_exact_from_the_request_to_the_answer(
    annotation: Any, number: str, serve: Serve, client: aiohttp.ClientSession
) -> None:
    async def handler(body: Any) -> str:
        return str(body.amount if isinstance(body, Price) else body["amount"])

    handler.__annotations__["body"] = annotation
    routes = RouteTableDef()
    routes.post("/")(handler)
    url = await serve(kernel_app(routes))

    headers = {"Content-Type": "application/json"}
    async with client.post(url, data=f'{{"amount": {number}}}'.encode(), headers=headers) as response:
        assert await response.json() == number


@dataclass
class Address:
    street: str
    zip_code: Annotated[str, {"data_key": "zip"}]
    country: str = "FR"


@dataclass
class Person:
    name: str
    address: Address | None = None


def somewhere() -> Address:
    return Address("old", "1")


@pytest.mark.parametrize(
    ("before", "sent", "expected"),
    [
        pytest.param(None, {"street": "s", "zip": "2"}, Address("s", "2"), id="whole where there was none"),
        pytest.param(somewhere(), {"street": "s"}, Address("s", "1"), id="a part of one"),
        pytest.param(somewhere(), None, None, id="none any more"),
        pytest.param(None, {"street": "s"}, "/address/zip", id="a part where there was none"),
        pytest.param(None, {}, "/address/street", id="nothing where there was none"),
    ],
)
async def test_what_a_patch_sends_of_a_nested_object_that_is_not_there_is_whole_or_refused(
    before: Address | None, sent: Any, expected: Any, serve: Serve, client: aiohttp.ClientSession
) -> None:
    person = Person("n", before)
    routes = RouteTableDef()

    @routes.patch("/")
    async def change(body: Partial[Person]) -> Person:
        body.apply(person)
        return person

    url = await serve(kernel_app(routes))
    async with client.patch(url, json={"name": "m", "address": sent}) as response:
        answer = await response.json(content_type=None)

    if isinstance(expected, str):
        assert (response.status, answer["errors"][0]["pointer"], person) == (422, expected, Person("n"))
    else:
        assert (response.status, person) == (200, Person("m", expected))
