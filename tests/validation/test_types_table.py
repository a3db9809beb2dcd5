"""Each kind of type works in each position, or is refused when the service is built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from framework import RouteTableDef, create_app, public
from framework.errors import ConfigurationError
from framework.testing import Serve
from framework.validation import compile, schema_of
from tests.types_table.cases import Case
from tests.types_table.probing import CASES, POSITIONS, TEXT, probe

# JSON Schema takes 1.0 for an integer, and cannot say what a computed field or a name of a time zone is.
_MAY_DIFFER = {"doc+"}
# Anything at all, and what is not text as well: as a parameter of its own it would be taken for a service.
_TEXT_OF_A_FORM_ALONE = {"Any", "object", "list", "list[Any]", "tuple", "dataclass or text", "recursive type"}


@dataclass
class Wanted:
    limit: int


@dataclass
class Other:
    limit: int
    more: int = 0


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_type_works_or_is_refused_at_start(case: Case, client: aiohttp.ClientSession) -> None:
    found = {position: await probe(case, position, client) for position in POSITIONS}

    assert {each.verdict for each in found.values()} <= {"ok", "x", "-", *_MAY_DIFFER}, found
    if not (case.refused or case.answers):
        assert {found[position].verdict for position in ("field", "item", "return")} <= {
            "ok",
            *_MAY_DIFFER,
        }, found
    if case.text:
        one = all(isinstance(each, str) for each in case.text.values())
        positions: tuple[str, ...] = TEXT if one else ("query", "form", "header")
        if case.name in _TEXT_OF_A_FORM_ALONE:
            positions = ("form",)
        assert {found[position].verdict for position in positions} == {"ok"}, found


async def test_a_query_that_may_be_none_is_none_where_nothing_was_sent(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    routes = RouteTableDef()

    @routes.get("/")
    @public
    async def show(query: Wanted | None = None) -> str:
        return repr(query)

    url = await serve(create_app(routes=[routes]))

    async with client.get(url) as response:
        assert await response.json() == "None"
    async with client.get(url.with_query("limit=3")) as response:
        assert await response.json() == "Wanted(limit=3)"
    async with client.get(url.with_query("limit=x")) as response:
        assert response.status == 422


@pytest.mark.parametrize(
    ("annotation", "path", "words"),
    [
        (Wanted | Other, "/", "take.*'body'.*told apart"),
        (dict[Wanted, int], "/", "take.*'body'.*keys"),
        (complex, "/", "take.*'body'.*complex"),
        (int, "/{v:int}", "take.*{v}.*v: int"),
    ],
    ids=["ambiguous union", "key", "complex", "type in a path"],
)
def test_what_cannot_be_is_refused_at_start(annotation: Any, path: str, words: str) -> None:
    routes = RouteTableDef()

    async def take(body: Any) -> None:
        """Take what cannot be."""

    take.__annotations__["body"] = annotation
    routes.post(path)(public(take))

    with pytest.raises(ConfigurationError, match=words):
        create_app(routes=[routes])


def test_an_ambiguous_union_may_be_answered() -> None:
    write = compile(schema_of(Wanted | Other)).dump_json

    assert (write(Wanted(1)), write(Other(1, 2))) == (b'{"limit":1}', b'{"limit":1,"more":2}')
