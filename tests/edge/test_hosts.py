"""A service answers for the hosts that it was told of, and for no other."""

from __future__ import annotations

import pytest

from framework.errors import ConfigurationError
from framework.server import ServerSettings, serve
from tests.edge.service import build
from tests.server.raw import exchange, request


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("example.com", 200),
        ("EXAMPLE.com:8080", 200),
        ("a.example.org", 200),
        ("[::1]:8080", 200),
        ("example.org", 421),
        ("evil.com", 421),
        ("example.com.evil.com", 421),
        ("aexample.com", 421),
        ("127.0.0.1", 421),
    ],
)
async def test_a_host_that_is_not_ours_is_misdirected(host: str, status: int) -> None:
    async with serve(build(hosts=("Example.com", ".example.org", "[::1]"))) as running:
        [answer] = await exchange(running.port, request("GET / HTTP/1.1", "Connection: close", host=host))

    assert answer.status == status


@pytest.mark.parametrize(
    "name", ["https://example.com", "example.com:8080", "*", "*.example.com", "example.com.", ""]
)
def test_a_name_that_no_host_can_be_is_refused_at_start_up(name: str) -> None:
    with pytest.raises(ConfigurationError, match="without scheme and port"):
        ServerSettings(hosts=(name,))


async def test_a_second_request_may_not_name_another_host() -> None:
    last = request("GET / HTTP/1.1", "Connection: close", host="evil.com")

    async with serve(build(hosts=("example.com",))) as running:
        answers = await exchange(running.port, request("GET / HTTP/1.1", host="example.com") + last)

    assert [answer.status for answer in answers] == [200, 421]


async def test_without_a_list_any_host_is_answered() -> None:
    async with serve(build()) as running:
        [answer] = await exchange(
            running.port, request("GET / HTTP/1.1", "Connection: close", host="any.example")
        )

    assert answer.status == 200
