"""All seams that a user reaches for, in one service, each in a line."""

from __future__ import annotations

import inspect
import time
from typing import Any

import aiohttp
import jwt
import pytest
from yarl import URL

from framework.testing import Serve
from tests.wishes import service
from tests.wishes.service import OPEN, REPORTED, SECRET, build

MOST_LINES = 60


def foreign_token(**changes: Any) -> str:
    """Return an access token of the other issuer: without a key id, with its own type."""
    now = int(time.time())
    claims = {"iss": "billing", "aud": "notes", "sub": "7", "iat": now, "exp": now + 3600, **changes}
    return jwt.encode(claims, SECRET.reveal(), "HS256")


@pytest.fixture
async def url(serve: Serve) -> URL:
    return await serve(build())


async def test_a_note_is_written_in_camel_case_and_answered_as_its_type_says(
    url: URL, client: aiohttp.ClientSession
) -> None:
    sent = {"noteTitle": "Lost", "nobodyKnows": 1}

    response = await client.post(url / "api/notes", json=sent, headers={"X-API-Key": "key-of-ada"})

    assert response.status == 201
    assert await response.json() == {"note_title": "Lost", "written_by": "ada POST ada"}


@pytest.mark.parametrize(
    ("headers", "who"),
    [
        ({"X-API-Key": "key-of-ada"}, "ada"),
        ({"Authorization": f"Token {foreign_token()}"}, "provider:7"),
        ({"Authorization": f"Bearer {foreign_token()}"}, "provider:7"),
    ],
    ids=["key", "token", "bearer"],
)
async def test_any_of_several_credentials_will_do(
    url: URL, client: aiohttp.ClientSession, headers: dict[str, str], who: str
) -> None:
    response = await client.post(url / "api/notes", json={"noteTitle": "Lost"}, headers=headers)

    assert (await response.json())["written_by"] == f"{who} POST {who}"


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-API-Key": "no"}, {"Authorization": f"Bearer {foreign_token(aud='others')}"}],
    ids=["none", "wrong key", "for others"],
)
async def test_others_are_refused_in_the_shape_of_the_service(
    url: URL, client: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    response = await client.post(url / "api/notes", json={"noteTitle": "Lost"}, headers=headers)

    assert response.status == 401
    assert "WWW-Authenticate" in response.headers
    assert (await response.json())["error_code"] == 401


async def test_errors_have_the_shape_and_the_meaning_of_the_service(
    url: URL, client: aiohttp.ClientSession
) -> None:
    key = {"X-API-Key": "key-of-ada"}

    sold = await client.post(url / "api/notes", json={"noteTitle": "sold"}, headers=key)
    nowhere = await client.get(url / "api/notes/404")
    untitled = await client.post(url / "api/notes", json={}, headers=key)

    assert await sold.json() == {"error_code": 409, "error_text": "It is sold."}
    assert await nowhere.json() == {"error_code": 404, "error_text": "There is no note '404'."}
    assert (untitled.status, sold.content_type) == (422, "application/json")


async def test_a_parameter_comes_from_a_battery_and_another_from_the_query(
    url: URL, client: aiohttp.ClientSession
) -> None:
    response = await client.get(url / "api/notes/1", headers={"X-Tenant": "acme"})
    limited = await client.get((url / "api/notes/1").with_query(pageLimit="7", unknown="x"))
    too_many = await client.get((url / "api/notes/1").with_query(pageLimit="70"))

    assert [await response.json(), await limited.json()] == [["acme", "3"], ["nobody", "7"]]
    assert too_many.status == 422


async def test_a_bug_is_reported_once_and_tells_nothing(url: URL, client: aiohttp.ClientSession) -> None:
    REPORTED.clear()

    well = await client.delete(url / "api/bugs")
    failed = await client.delete((url / "api/bugs").with_query(now="1"))

    assert (well.status, failed.status) == (204, 500)
    assert "bug" not in await failed.text()
    assert REPORTED == ["RuntimeError('bug')"]


async def test_the_document_tells_of_it(url: URL, client: aiohttp.ClientSession) -> None:
    document = await (await client.get(url / "openapi.json")).json()

    operation = document["paths"]["/api/notes"]["post"]
    schemas = document["components"]["schemas"]
    assert "noteTitle" in schemas["NoteDraft"]["properties"]
    assert "note_title" in schemas["Note"]["properties"]
    assert "Shape" in schemas
    refusal = operation["responses"]["401"]["$ref"].rpartition("/")[2]
    assert "application/json" in document["components"]["responses"][refusal]["content"]
    assert [*map(list, operation["security"])] == [["X-API-Key"], ["token"], ["bearer"], ["session"]]


async def test_what_lives_as_long_as_the_application_is_closed_with_it(serve: Serve) -> None:
    OPEN.clear()

    await serve(build())

    assert OPEN == ["partners"]


def test_the_wishes_take_few_lines() -> None:
    source = inspect.getsource(service)

    wished = source[source.index("# The wishes begin here.") :].splitlines()

    assert (
        sum(bool(line.strip()) and not line.lstrip().startswith(("#", '"""')) for line in wished) < MOST_LINES
    )
