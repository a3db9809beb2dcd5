from typing import Any

import pytest
from aiohttp import ClientSession
from todo import Settings, build
from yarl import URL

from framework.testing import Serve

ORIGIN = {"Origin": "https://todobackend.example"}


@pytest.fixture
async def url(serve: Serve) -> URL:
    return await serve(build(Settings()))


async def test_another_origin_may_read_and_write(url: URL, client: ClientSession) -> None:
    for method in ("GET", "POST", "PATCH", "DELETE"):
        asking = {
            **ORIGIN,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "content-type",
        }
        place = url if method in {"GET", "POST"} else url / "1"
        async with client.options(place, headers=asking) as answer:
            assert answer.ok, method
            assert method in answer.headers["Access-Control-Allow-Methods"]
    async with client.post(url, json={"title": "a todo"}, headers=ORIGIN) as answer:
        assert answer.status == 201
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_an_entry_is_added_found_changed_and_removed(url: URL, client: ClientSession) -> None:
    async def ask(method: str, place: URL | str, **sent: Any) -> tuple[int, Any]:
        async with client.request(method, place, headers=ORIGIN, **sent) as answer:
            return answer.status, await answer.json() if answer.status != 204 else None

    made = (await ask("POST", url, json={"title": "tea", "order": 95}))[1]

    assert (made["completed"], made["order"]) == (False, 95)
    assert await ask("GET", made["url"]) == (200, made)
    assert await ask("PATCH", made["url"], json={"completed": True}) == (200, {**made, "completed": True})
    assert (await ask("GET", url))[1][0]["completed"] is True
    assert (await ask("DELETE", made["url"]))[0] == 204
    assert (await ask("GET", made["url"]))[0] == 404


async def test_the_list_is_cleared(url: URL, client: ClientSession) -> None:
    await (await client.post(url, json={"title": "tea"})).read()

    async with client.delete(url) as answer:
        assert answer.status == 204
    async with client.get(url) as answer:
        assert await answer.json() == []
