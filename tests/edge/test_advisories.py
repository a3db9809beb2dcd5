"""What was published about the libraries below us does not reach a service (docs/advisories.md)."""

from __future__ import annotations

import gc
import logging
import re
import tomllib

import pytest
from aiohttp import ClientSession, web
from packaging.requirements import Requirement
from packaging.version import Version

from framework import RouteTableDef, create_app, public
from framework.testing import Serve
from tests.edge.service import build
from tests.server.raw import exchange, request
from tests.source import ROOT

PAGE = (ROOT / "docs" / "advisories.md").read_text("utf-8")
FLOORS = tomllib.loads((ROOT / "tests" / "security_floors.toml").read_text("utf-8"))
NUMBER = re.compile(r"CVE-\d{4}-\d+|GHSA(?:-\w{4}){3}")


@pytest.mark.parametrize("name", FLOORS)
def test_each_advisory_has_its_row(name: str) -> None:
    told = NUMBER.findall(PAGE)

    assert [each for each in FLOORS[name]["advisories"] if told.count(each) != 1] == []
    assert f"{name} (at least {FLOORS[name]['minimum']})" in PAGE.lower()


def test_each_test_that_is_named_is_there() -> None:
    named = set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE))

    missing = [
        (path, name)
        for path, name in named
        if not re.search(rf"def {name}\(" if name else "def test_", (ROOT / path).read_text("utf-8"))
    ]

    assert len(named) > 10
    assert missing == []


def test_no_client_of_redis_that_mixes_up_answers_is_let_in() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]

    wanted = {need.name: need.specifier for need in map(Requirement, extras["redis"])}
    redis = wanted["redis"]

    assert min(Version(part.version) for part in redis if part.operator == ">=") > Version("4.5.5")


async def test_a_method_of_the_client_cannot_hold_a_line_break(serve: Serve, client: ClientSession) -> None:
    url = await serve(build())

    with pytest.raises(ValueError, match="Method cannot contain"):
        await client.request("GET / HTTP/1.1\r\nX: y\r\n\r\nGET", url)


@pytest.mark.guarantee("response faults")
async def test_a_reason_with_a_line_break_is_no_header(serve: Serve, client: ClientSession) -> None:
    routes = RouteTableDef()

    @routes.get("/")
    @public
    async def split(request: web.Request) -> web.Response:
        return web.Response(reason="OK\r\nX-Evil: 1")

    url = await serve(create_app(routes=[routes]))
    async with client.get(url) as answer:
        pass

    assert answer.status == 500
    assert "X-Evil" not in answer.headers


async def test_requests_that_match_nothing_leave_nothing_behind(serve: Serve, client: ClientSession) -> None:
    url = await serve(build())

    async def ask(first: int) -> int:
        for number in range(first, first + 50):
            async with client.request("PUT", url / f"nothing/{number}") as answer:
                assert answer.status == 404
        gc.collect()
        return sum(isinstance(each, web.Request) for each in gc.get_objects())

    before = await ask(0)

    assert await ask(50) <= before + 1


async def test_malformed_cookies_are_no_lines_in_the_log(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = await serve(build())
    caplog.clear()

    cookies = "Cookie: " + "\x80 =1;" * 900
    [answer] = await exchange(
        url.port or 0, request("GET /plain/cookies HTTP/1.1", cookies, "Connection: close")
    )

    assert answer.status == 200
    assert len(caplog.records) <= 1
