"""Trusted proxies: what they say of a client counts, and what anybody else says does not."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDict

from framework import RouteTableDef, ServiceSettings, create_app, limit, public
from framework.adapters.versions import is_plain
from framework.batteries.proxies import ProxySettings, Spelling
from framework.errors import ConfigurationError
from framework.http.addresses import find_address, site_of
from framework.testing import Serve

HERE = ("127.0.0.0/8", "10.0.0.0/8")


def app_of(**settings: Any) -> web.Application:
    routes = RouteTableDef()

    @routes.get("/x")
    @public
    async def tell(request: web.Request) -> dict[str, Any]:
        return {
            "remote": request.remote,
            "scheme": request.scheme,
            "host": request.host,
            "secure": request.secure,
        }

    @routes.get("/limited")
    @limit("1/minute")
    @public
    async def limited() -> dict[str, bool]:
        return {"done": True}

    return create_app(ServiceSettings(proxies=ProxySettings(**settings)), routes=[routes])


async def seen(
    serve: Serve, client: aiohttp.ClientSession, app: web.Application, *headers: tuple[str, str]
) -> Any:
    url = await serve(app)
    async with client.get(url / "x", headers=CIMultiDict(headers)) as response:
        assert response.status == 200
        found = await response.json()
        found["hsts"] = "Strict-Transport-Security" in response.headers
        return found


FOR, PROTO, HOST = "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"


async def test_nobody_is_believed_by_default(serve: Serve, client: aiohttp.ClientSession) -> None:
    headers = [
        (FOR, "8.8.8.8"),
        (PROTO, "https"),
        (HOST, "evil.example"),
        ("Forwarded", "for=8.8.8.8;proto=https"),
    ]

    found = await seen(serve, client, app_of(), *headers)

    assert (found["remote"], found["scheme"], found["hsts"]) == ("127.0.0.1", "http", False)
    assert found["host"].startswith("127.0.0.1:")


async def test_a_proxy_from_elsewhere_is_not_believed(serve: Serve, client: aiohttp.ClientSession) -> None:
    found = await seen(serve, client, app_of(trusted=("192.0.2.0/24",)), (FOR, "8.8.8.8"), (PROTO, "https"))

    assert (found["remote"], found["scheme"]) == ("127.0.0.1", "http")


@pytest.mark.parametrize(
    ("sent", "remote"),
    [
        ("8.8.8.8", "8.8.8.8"),
        ("6.6.6.6, 8.8.8.8", "8.8.8.8"),  # what the client itself has sent stands in front
        ("6.6.6.6, 8.8.8.8, 10.1.2.3", "8.8.8.8"),  # two proxies of ours
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("8.8.8.8:4711", "8.8.8.8"),
        ("::ffff:8.8.8.8", "8.8.8.8"),
        ("6.6.6.6, nonsense", "127.0.0.1"),
        ("nonsense", "127.0.0.1"),
        ("unknown, 10.1.2.3", "10.1.2.3"),
        ("8.8.8.8, 999.1.1.1", "127.0.0.1"),
        ("fe80::1%eth0", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
async def test_the_client_is_the_last_address_that_our_proxies_vouch_for(
    serve: Serve, client: aiohttp.ClientSession, sent: str, remote: str
) -> None:
    found = await seen(serve, client, app_of(trusted=HERE), (FOR, sent))

    assert found["remote"] == remote


async def test_lines_of_one_name_are_one_list(serve: Serve, client: aiohttp.ClientSession) -> None:
    found = await seen(serve, client, app_of(trusted=HERE), (FOR, "6.6.6.6"), (FOR, "8.8.8.8"))

    assert found["remote"] == "8.8.8.8"


@pytest.mark.parametrize(
    "sent",
    [[(FOR, "8.8.8.8"), (PROTO, "https")], [(PROTO, "https")], [(FOR, "8.8.8.8"), (PROTO, "http, https")]],
)
async def test_a_request_that_came_to_the_proxy_over_tls_is_secure(
    serve: Serve, client: aiohttp.ClientSession, sent: list[tuple[str, str]]
) -> None:
    found = await seen(serve, client, app_of(trusted=HERE), *sent)

    assert (found["scheme"], found["secure"]) == ("https", True)
    assert found["hsts"] or is_plain("aiohttp")  # there stamps see the request as it came, not its clone


@pytest.mark.parametrize("sent", ["gopher", "https://", "<script>", ""])
async def test_a_scheme_that_is_none_is_not_heeded(
    serve: Serve, client: aiohttp.ClientSession, sent: str
) -> None:
    found = await seen(serve, client, app_of(trusted=HERE), (FOR, "8.8.8.8"), (PROTO, sent))

    assert (found["remote"], found["scheme"]) == ("8.8.8.8", "http")


async def test_the_host_is_taken_only_if_the_settings_say_so(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    headers = [(FOR, "8.8.8.8"), (HOST, "board.example")]

    without = await seen(serve, client, app_of(trusted=HERE), *headers)
    taken = await seen(serve, client, app_of(trusted=HERE, host=True), *headers)
    wrong = await seen(serve, client, app_of(trusted=HERE, host=True), (FOR, "8.8.8.8"), (HOST, "a b/c@d"))

    assert without["host"].startswith("127.0.0.1:")
    assert taken["host"] == "board.example"
    assert wrong["host"].startswith("127.0.0.1:")


@pytest.mark.parametrize(
    ("sent", "remote", "scheme"),
    [
        ("for=8.8.8.8;proto=https", "8.8.8.8", "https"),
        ('for="[2001:db8::1]:4711";proto=https', "2001:db8::1", "https"),
        ("for=6.6.6.6, for=8.8.8.8;proto=https", "8.8.8.8", "https"),
        ("For=8.8.8.8;PROTO=HTTPS", "8.8.8.8", "https"),
        ("for=8.8.8.8;for=9.9.9.9", "127.0.0.1", "http"),
        ('for="8.8.8.8', "127.0.0.1", "http"),
        ('for="6.6.6.6, for=8.8.8.8', "8.8.8.8", "http"),
        ("for=_hidden", "127.0.0.1", "http"),
        ("proto=https", "127.0.0.1", "https"),
        (";;;", "127.0.0.1", "http"),
    ],
)
async def test_forwarded_is_read_where_the_proxies_write_that(
    serve: Serve, client: aiohttp.ClientSession, sent: str, remote: str, scheme: str
) -> None:
    app = app_of(trusted=HERE, spelling=Spelling.forwarded)

    found = await seen(serve, client, app, ("Forwarded", sent), (FOR, "6.6.6.6"))

    assert (found["remote"], found["scheme"]) == (remote, scheme)


async def test_clients_behind_a_proxy_are_counted_each_for_itself_and_by_their_network(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(app_of(trusted=HERE)) / "limited"
    senders = ["8.8.8.8", "8.8.8.9", "8.8.8.8", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"]

    found = [(await client.get(url, headers={FOR: sender})).status for sender in senders]

    assert found == [200, 200, 429, 200, 429, 200]


@pytest.mark.parametrize(
    ("remote", "site"),
    [
        ("2001:db8::1", "2001:db8::/64"),
        ("8.8.8.8", "8.8.8.8"),
        ("::ffff:8.8.8.8", "8.8.8.8"),
        (None, ""),
        ("@sock", "@sock"),
    ],
)
def test_a_client_stands_for_its_site(remote: str | None, site: str) -> None:
    assert site_of(remote) == site


def test_what_is_no_address_is_none() -> None:
    assert [find_address(text) for text in ("", "1", "1.2.3", "fe80::1%1", "x" * 10_000)] == [None] * 5


@pytest.mark.parametrize("network", ["10.0.0.1/8", "everybody", "10.0.0.0/33", ""])
def test_a_network_that_is_none_is_refused(network: str) -> None:
    with pytest.raises(ConfigurationError, match=r"trusted: .* is no network"):
        ProxySettings(trusted=(network,))
