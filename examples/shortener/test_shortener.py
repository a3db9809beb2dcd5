from pathlib import Path

import pytest
from aiohttp import ClientSession
from shortener import Settings, build
from yarl import URL

from framework import Secret
from framework.batteries.database import DatabaseSettings
from framework.testing import Serve


@pytest.fixture
async def url(serve: Serve, tmp_path: Path) -> URL:
    place = DatabaseSettings(url=Secret(f"sqlite:///{tmp_path}/links.sqlite3"))
    return await serve(build(Settings(links=place)))


async def test_a_link_leads_to_its_address_and_counts(url: URL, client: ClientSession) -> None:
    async with client.post(url / "links", json={"url": "https://example.org/?a=b"}) as answer:
        link = await answer.json()
        place = url.join(URL(answer.headers["Location"]))
    for _ in range(2):
        async with client.get(url / link["name"], allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (302, "https://example.org/?a=b")
    async with client.get(place) as answer:
        assert await answer.json() == {**link, "visits": 2}


async def test_a_name_is_taken_once_and_what_is_no_address_is_refused(
    url: URL, client: ClientSession
) -> None:
    bodies = [
        {"url": "https://example.org", "name": "home"},
        {"url": "https://example.com", "name": "home"},
        {"url": "javascript:alert(1)"},
        {"url": "https://example.org", "name": "a/b"},
    ]

    statuses = []
    for body in bodies:
        async with client.post(url / "links", json=body) as answer:
            statuses.append(answer.status)

    assert statuses == [201, 409, 422, 422]


async def test_an_unknown_name_leads_nowhere(url: URL, client: ClientSession) -> None:
    async with client.get(url / "nowhere", allow_redirects=False) as answer:
        assert answer.status == 404
