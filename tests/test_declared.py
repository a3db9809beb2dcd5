"""A handler that returns something else than it declares is told so, and its client gets no empty object."""

from __future__ import annotations

import inspect
import logging
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict, cast

import aiohttp
import pytest
from aiohttp import web
from marshmallow import Schema, fields

from framework import Result, RouteTableDef, accepted, created
from framework.testing import Serve
from tests.kernel import kernel_app


@dataclass
class Note:
    text: str
    pinned: bool = False


class Point(TypedDict):
    x: int


class Place(TypedDict):
    x: int
    y: int


@dataclass
class Guest:
    name: Annotated[str, {"data_key": "guestName"}]
    password: Annotated[str, {"load_only": True}] = "secret"
    text: Annotated[str, {"load_only": True}] = "secret"


@dataclass
class Admin(Note):
    level: int = 0


@dataclass
class Box:
    value: Any
    note: Note | None = None


@dataclass
class Share:
    part: float


@dataclass
class Settings:
    dark: bool = False


@dataclass
class Colour:
    name: Literal["red", "blue"]


@dataclass
class Two:
    first_part: int
    second_part: int = 2


@dataclass
class Group:
    names: set[str]


class StrictSchema(Schema):
    a = fields.Integer(required=True)
    b = fields.Integer()


class NoteSchema(Schema):
    text = fields.String()


class Row:
    """An object of a database: no Note, and like one."""

    text = "row"
    pinned = True


async def load() -> Note:
    return Note("n")


NOTE = Note("n")
COMPILED = pytest.mark.guarantee("compiled validation")
GUEST_AND_NOTE = '[{"guestName":"g"},{"text":"n","pinned":false}]'


def called(value: Any) -> Any:
    """Return the value, with the coroutine of each call that nobody waits for."""
    if isinstance(value, dict):
        return {key: called(each) for key, each in value.items()}
    return load() if value is load else value


def returning(value: Any, annotation: Any) -> Any:
    async def handler() -> Any:
        return called(value)

    handler.__annotations__["return"] = annotation
    return handler


async def answer(handler: Any, serve: Serve, client: aiohttp.ClientSession) -> tuple[int, str]:
    routes = RouteTableDef()
    routes.get("/")(handler)
    url = await serve(kernel_app(routes))
    async with client.get(url) as response:
        return response.status, await response.text()


@pytest.mark.parametrize(
    ("value", "annotation", "got"),
    [
        pytest.param(load, Note, r"a coroutine \(is an 'await' missing\?\)", id="a forgotten await"),
        pytest.param(load, dict[str, Any], "a coroutine", id="a forgotten await where any object will do"),
        pytest.param(load, Any, "a coroutine", id="a forgotten await without a type"),
        pytest.param("text", Note, "a value of type str", id="a text"),
        pytest.param(
            (NOTE, 201), Note, r"a tuple \(Note, int\) \(a status goes into Result", id="a status beside"
        ),
        pytest.param([NOTE], Note, "a list of 1", id="a list"),
        pytest.param(None, Note, "None", id="nothing"),
        pytest.param(
            {"pinned": True}, Note, "a value of type dict without text", id="an object that lacks a field"
        ),
        pytest.param(NOTE, list[Note], "a value of type Note", id="one for a list"),
        pytest.param(
            [NOTE, None],
            list[Note],
            "at '/1' 'Note' is declared and None was found",
            id="None among the items",
        ),
        pytest.param(
            [NOTE, "x"],
            list[Note],
            "at '/1' 'Note' is declared and a value of type str was found",
            id="a text among them",
        ),
        pytest.param({}, Point, "a value of type dict without x", id="a mapping that lacks a key"),
        pytest.param(
            "x", Result[Note] | web.Response, "a value of type str", id="in a union with a response"
        ),
        pytest.param(Result("x"), Result[Note], "a value of type str", id="within a Result"),
        pytest.param(None, web.Response, "None", id="no response"),
        pytest.param({"a": 1}, web.Response, "dict was found", id="an object for a response"),
        pytest.param({"a": 1}, web.Response | web.FileResponse, "dict was found", id="for one of two"),
        pytest.param({"a": 1}, None, "dict was found", id="an object for nothing"),
        pytest.param(
            Note(cast(Any, None)), Note, "at '/text' 'str' is declared and None", id="None in a field"
        ),
        pytest.param({"text": 5}, Note, "at '/text' 'str' is declared and a value of type int", id="a row"),
        pytest.param(object(), Settings, "without|with none of its fields", id="an object of no kind"),
        pytest.param(
            ["1"], list[int], "at '/0' 'int' is declared and a value of type str", id="texts for ints"
        ),
        pytest.param([True], list[int], "at '/0' 'int' is declared and a value of type bool", id="truth"),
        pytest.param(
            {"a": 1}, dict[str, str], "at '/a' 'str' is declared and a value of type int", id="a value"
        ),
        pytest.param({"a": {"b": NOTE, "c": load}}, dict[str, dict[str, Note]], "at '/a/c'", id="deep"),
        pytest.param(
            [{"x": 1}, {"y": 1}], list[Point], "at '/1' 'Point' .* without x", id="a key among items"
        ),
        pytest.param([{"x": 1}, None], list[Point], "at '/1' 'Point' .* None", id="None among mappings"),
        pytest.param({"x": "1"}, Point, "at '/x' 'int'", id="a text in a TypedDict"),
        pytest.param("x", Note | Guest, "'Note | .*Guest' is declared|Union", id="a text for a union"),
        pytest.param(
            [NOTE, Guest("g")],
            list[Note] | list[Guest],
            "'list.* is declared and a list of 2|Union",
            id="a mixture",
        ),
        pytest.param(float("nan"), float, "nan, which is no number", id="NaN"),
        pytest.param([float("inf")], list[float], "at '/0' 'float' is declared and inf", id="infinity"),
        pytest.param(Share(float("nan")), Share, "at '/part' 'float'", id="NaN in a field"),
        pytest.param({"a": [float("nan")]}, dict[str, Any], "at '/a/0' 'Any' .* nan", id="NaN in anything"),
        pytest.param({"a": "\ud800"}, dict[str, Any], "at '/a' .*half a character", id="half a character"),
        pytest.param(Note("\udfff"), Note, "at '/text' .*half a character", id="half a character in a field"),
        pytest.param({"a": object()}, dict[str, Any], "at '/a' .*of type object", id="what JSON has not"),
        pytest.param({"a": load}, dict[str, Any], "at '/a' .*'await'", id="a forgotten await within"),
        pytest.param(
            Colour(cast(Any, "green")),
            Colour,
            "at '/name' 'Literal",
            id="none of a Literal",
        ),
        pytest.param(
            {"other": 1},
            NoteSchema,
            "with none of its fields",
            id="none of a schema's fields",
            marks=COMPILED,
        ),
        pytest.param({"b": 1}, StrictSchema, "without a", id="a schema's required field", marks=COMPILED),
        pytest.param([{"a": 1}, "x"], StrictSchema(many=True), "at '/1'", id="a text among many"),
        pytest.param([1, 1], set[int], "'set.int.' is declared and a list of 2", id="a list for a set"),
        pytest.param(
            Group(cast(Any, ["a", "a"])), Group, "at '/names' 'set", id="a list for a set in a field"
        ),
        pytest.param("x", NoteSchema, "of type str", id="a text for a schema"),
        pytest.param(created("x", location="/x"), Result[Note], "of type str", id="created"),
        pytest.param(accepted([NOTE]), Result[Note] | web.Response, "a list of 1", id="accepted"),
        pytest.param(
            accepted(web.Response()),
            Result[Note],
            "a Result that holds a response",
            id="a response in a Result",
        ),
    ],
)
async def test_what_was_not_declared_is_a_logged_500(
    value: Any,
    annotation: Any,
    got: str,
    serve: Serve,
    client: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        status, text = await answer(returning(value, annotation), serve, client)

    assert status == 500
    assert "declares" not in text
    assert "test_declared.py" in caplog.text
    assert "the handler declares" in caplog.text
    assert re.search(got, caplog.text)


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        pytest.param(NOTE, Note, '{"text":"n","pinned":false}', id="itself"),
        pytest.param(Row(), Note, '{"text":"row","pinned":true}', id="an object like it"),
        pytest.param({"text": "d"}, NoteSchema, '{"text":"d"}', id="a mapping by a schema"),
        pytest.param(
            Result(NOTE),
            Result[Note] | web.Response,
            '{"text":"n","pinned":false}',
            id="a Result in a union",
        ),
        pytest.param(NOTE, Note | web.Response | None, '{"text":"n","pinned":false}', id="a union of three"),
        pytest.param((NOTE,), list[Note], '[{"text":"n","pinned":false}]', id="a tuple for a list"),
        pytest.param([Row()], list[Note], '[{"text":"row","pinned":true}]', id="objects like it in a list"),
        pytest.param({"x": 1}, Point, '{"x":1}', id="a TypedDict"),
        pytest.param({"x": 1, "secret": 2}, Point, '{"x":1}', id="a TypedDict with more"),
        pytest.param(Guest("g"), Note | Guest, '{"guestName":"g"}', id="the second of a union"),
        pytest.param(Guest("g"), Guest | Note, '{"guestName":"g"}', id="the first of a union"),
        pytest.param([Guest("g")], list[Note] | list[Guest], '[{"guestName":"g"}]', id="a union of lists"),
        pytest.param([Guest("g"), NOTE], list[Note | Guest], GUEST_AND_NOTE, id="a list of a union"),
        pytest.param({"k": Guest("g")}, dict[str, Guest | int], '{"k":{"guestName":"g"}}', id="a mapping"),
        pytest.param((Guest("g"), 1), tuple[Guest, int], '[{"guestName":"g"},1]', id="a tuple of two"),
        pytest.param({"a": Guest("g")}, Note | dict, '{"a":{"guestName":"g"}}', id="an object or anything"),
        pytest.param(Guest("g"), Any, '{"guestName":"g"}', id="anything"),
        pytest.param(Guest("g"), inspect.Signature.empty, '{"guestName":"g"}', id="nothing declared"),
        pytest.param({"a": [Guest("g")]}, dict[str, Any], '{"a":[{"guestName":"g"}]}', id="within anything"),
        pytest.param(
            Box(Guest("g")), Box, '{"value":{"guestName":"g"},"note":null}', id="a field of anything"
        ),
        pytest.param(
            Box([Guest("g")], NOTE),
            Box,
            '{"value":[{"guestName":"g"}],"note":{"text":"n","pinned":false}}',
            id="beside a record",
        ),
        pytest.param(
            Admin("a", level=3), Note | Guest, '{"text":"a","pinned":false}', id="a subclass in a union"
        ),
        pytest.param({"x": 1, "y": 2}, Point | Place, '{"x":1,"y":2}', id="the larger TypedDict"),
        pytest.param({"x": 1}, Point | Place, '{"x":1}', id="the smaller TypedDict"),
        pytest.param(
            created(NOTE, location="/n"), Result[Note] | Guest, '{"text":"n","pinned":false}', id="created"
        ),
        pytest.param(
            Result(Guest("g")), Result[Note] | Guest, '{"guestName":"g"}', id="a Result of the other"
        ),
        pytest.param({3}, set[int], "[3]", id="a set"),
        pytest.param(Group({"a"}), Group, '{"names":["a"]}', id="a set in a field"),
        pytest.param([1, 2], list[int], "[1,2]", id="a list of ints"),
        pytest.param({1: 2.0}, dict[int, float], '{"1":2.0}', id="keys that are ints"),
        pytest.param(3, float, "3.0", id="an int for a float"),
        pytest.param(Share(1), Share, '{"part":1.0}', id="an int for a float in a field"),
        pytest.param({"a": None}, dict[str, Any], '{"a":null}', id="null"),
        pytest.param(
            (each for each in [NOTE]), list[Note], '[{"text":"n","pinned":false}]', id="a generator"
        ),
    ],
)
async def test_what_was_declared_is_written(
    value: Any, annotation: Any, expected: str, serve: Serve, client: aiohttp.ClientSession
) -> None:
    status, text = await answer(returning(value, annotation), serve, client)

    assert status in {200, 201}
    assert text == expected


@pytest.mark.parametrize("annotation", [Note | None, None, Any, Result[Note | None]], ids=repr)
async def test_nothing_is_204_where_it_may_be_nothing(
    annotation: Any, serve: Serve, client: aiohttp.ClientSession
) -> None:
    assert await answer(returning(None, annotation), serve, client) == (204, "")


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        pytest.param(
            {"some_key": Two(1)}, dict[str, Any], '{"some_key":{"firstPart":1,"secondPart":2}}', id="anything"
        ),
        pytest.param([Two(1)], list[Two | Guest], '[{"firstPart":1,"secondPart":2}]', id="a union"),
        pytest.param(Two(1), Two, '{"firstPart":1,"secondPart":2}', id="the class itself"),
    ],
)
async def test_conventions_of_the_service_hold_for_each_object_in_an_answer(
    value: Any, annotation: Any, expected: str, serve: Serve, client: aiohttp.ClientSession
) -> None:
    routes = RouteTableDef(names="camel")
    routes.get("/")(returning(value, annotation))

    async with client.get(await serve(kernel_app(routes))) as response:
        assert await response.text() == expected


async def test_a_pointer_speaks_of_the_document(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    routes = RouteTableDef(names="camel")
    routes.get("/")(returning([Two(1), Two(1, cast(Any, "2"))], list[Two]))

    async with client.get(await serve(kernel_app(routes))) as response:
        assert response.status == 500

    assert "at '/1/secondPart' 'int' is declared and a value of type str was found" in caplog.text
