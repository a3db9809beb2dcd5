"""Annotations that are written seldom: each is taken, answered and described in the same way, or refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Any, Generic, NotRequired, Required, Tuple, TypedDict, TypeVar  # noqa: UP035

import aiohttp
import jsonschema
import pytest
import typing_extensions
from typing_extensions import ReadOnly, TypeAliasType

from framework import Partial, RouteTableDef, create_app, public
from framework.testing import Serve
from framework.validation import writer_of
from framework.validation.answers.misfit import Misfit

T = TypeVar("T")
Tree = TypeAliasType("Tree", "int | list[Tree] | dict[str, Tree]")


class Note(typing_extensions.TypedDict, total=False):
    number: Required[int]
    text: ReadOnly[NotRequired[str]]


class Box(typing_extensions.TypedDict, Generic[T]):
    item: T
    more: NotRequired[list[T]]


class Marked(TypedDict, total=False):
    parts: Annotated[NotRequired[list[int]], "seldom"]
    number: Annotated[Required[int], "always"]


class Named(TypedDict, total=False):
    """A type with the names of methods that every dict has."""

    items: list[int]
    keys: int
    number: Required[int]


@dataclass
class Holder:
    note: Note
    tree: Tree


TAKEN = [
    (Note, {"number": 1}, {"text": "a"}),
    (list[Note], [{"number": 1, "text": "a"}], [{"number": "1"}]),
    (dict[str, Note], {"a": {"number": 1}}, {"a": {}}),
    (Partial[Note], {"text": "a"}, {"text": 1}),
    (Note | list[int], {"number": 1}, {"text": "a"}),
    (Box[int], {"item": 1, "more": [2]}, {"item": "a"}),
    (Marked, {"number": 1}, {"parts": [1]}),
    (Named, {"number": 1}, {"items": [1]}),
    (list[Named], [{"number": 1, "keys": 2, "items": [3]}, {"number": 1}], [{"number": 1, "keys": "2"}]),
    (dict[str, Named | None], {"a": {"number": 1}, "b": None}, {"a": {"number": "1"}}),
    (Holder, {"note": {"number": 1}, "tree": [1, {"a": [2]}]}, {"note": {"number": 1}, "tree": "a"}),
    (Tree, {"a": [1, {"b": 2}]}, {"a": ["b"]}),
    (tuple[()], [], [1]),
    (tuple, [1, "a"], {}),
    (Tuple, [1, "a"], {}),  # noqa: UP006 - the older spelling
    (Counter, {"a": 1}, {"a": "b"}),
]


@pytest.mark.parametrize(("annotation", "good", "bad"), TAKEN, ids=str)
async def test_it_is_taken_answered_and_described(
    serve: Serve, client: aiohttp.ClientSession, annotation: Any, good: Any, bad: Any
) -> None:
    routes = RouteTableDef()

    async def echo(body: Any) -> Any:
        return body

    echo.__annotations__ = {"body": annotation, "return": annotation}
    routes.post("/")(public(echo))
    url = await serve(create_app(routes=[routes]))

    async with client.post(url, json=good) as response:
        assert (response.status, await response.json()) == (200, good)
    async with client.post(url, json=bad) as response:
        assert response.status == 422
    async with client.get(url / "openapi.json") as response:
        document = await response.json()
    described = document["paths"]["/"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    judge = jsonschema.Draft202012Validator({**described, "components": document["components"]})
    assert (judge.is_valid(good), judge.is_valid(bad)) == (True, False)


def test_an_answer_of_an_empty_tuple_has_no_items() -> None:
    write = writer_of(tuple[()])

    assert write(()) == b"[]"
    with pytest.raises(Misfit):
        write((1,))
