"""A handler that returns something else than it declares is told so, and its client gets no empty object."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Any, TypedDict

import aiohttp
import pytest
from aiohttp import web
from marshmallow import Schema, fields

from framework import Result, RouteTableDef
from framework.testing import Serve
from tests.kernel import kernel_app


@dataclass
class Note:
    text: str
    pinned: bool = False


class Point(TypedDict):
    x: int


class NoteSchema(Schema):
    text = fields.String()


class Row:
    """An object of a database: no Note, and like one."""

    text = "row"
    pinned = True


async def load() -> Note:
    return Note("n")


NOTE = Note("n")


def returning(value: Any, annotation: Any) -> Any:
    async def handler() -> Any:
        return load() if value is load else value

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
        pytest.param(load, Note, "a coroutine: is an 'await' missing?", id="a forgotten await"),
        pytest.param(load, dict[str, Any], "a coroutine", id="a forgotten await where any object will do"),
        pytest.param(load, Any, "a coroutine", id="a forgotten await without a type"),
        pytest.param("text", Note, "a value of type str", id="a text"),
        pytest.param(
            (NOTE, 201), Note, r"a tuple \(Note, int\); a status goes into Result", id="a status beside"
        ),
        pytest.param([NOTE], Note, "a list of 1", id="a list"),
        pytest.param(None, Note, "None", id="nothing"),
        pytest.param(
            {"pinned": True}, Note, "a value of type dict without text", id="an object that lacks a field"
        ),
        pytest.param(NOTE, list[Note], "a value of type Note", id="one for a list"),
        pytest.param([NOTE, None], list[Note], "a list whose item 1 is None", id="None among the items"),
        pytest.param(
            [NOTE, "x"], list[Note], "a list whose item 1 is a value of type str", id="a text among them"
        ),
        pytest.param({}, Point, "a value of type dict without x", id="a mapping that lacks a key"),
        pytest.param(
            "x", Result[Note] | web.Response, "a value of type str", id="in a union with a response"
        ),
        pytest.param(Result("x"), Result[Note], "a value of type str", id="within a Result"),
        pytest.param(None, web.Response, "None", id="no response"),
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
    ],
)
async def test_what_was_declared_is_written(
    value: Any, annotation: Any, expected: str, serve: Serve, client: aiohttp.ClientSession
) -> None:
    assert await answer(returning(value, annotation), serve, client) == (200, expected)


@pytest.mark.parametrize("annotation", [Note | None, None, Any, Result[Note | None]], ids=repr)
async def test_nothing_is_204_where_it_may_be_nothing(
    annotation: Any, serve: Serve, client: aiohttp.ClientSession
) -> None:
    assert await answer(returning(None, annotation), serve, client) == (204, "")
