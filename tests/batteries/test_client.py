"""Calls to other services, with real ones on this machine."""

from __future__ import annotations

import asyncio
import dataclasses
import gzip
import logging
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import svcs
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from framework.batteries import client as client_battery
from framework.batteries.client import (
    ClientSettings,
    DestinationRefused,
    HttpClient,
    UpstreamFailed,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from framework.batteries.client.destinations import destinations_from_rules
from framework.battery import Battery, Handler
from framework.context import DEADLINE, REGISTRY, REQUEST_ID
from framework.errors import ConfigurationError
from framework.routing import RouteTableDef
from framework.testing import Serve
from tests.kernel import kernel_app
from tests.ports import free_port

SETTINGS = ClientSettings(
    allow=("127.0.0.1",),
    total=timedelta(seconds=5),
    max_body=100_000,
)

upstream = web.RouteTableDef()


@upstream.get("/json")
async def answer_json(request: web.Request) -> web.Response:
    return web.json_response(
        {"id": request.headers.get("X-Request-ID"), "agent": request.headers["User-Agent"]}
    )


@upstream.post("/echo")
async def answer_echo(request: web.Request) -> web.Response:
    return web.json_response({"got": await request.json(), "cookie": request.headers.get("Cookie")})


@upstream.get("/status/{status}")
async def answer_status(request: web.Request) -> web.Response:
    return web.Response(status=int(request.match_info["status"]), text="no")


@upstream.get("/text")
async def answer_text(request: web.Request) -> web.Response:
    return web.Response(text="<p>no JSON</p>")


@upstream.get("/never")
async def answer_never(request: web.Request) -> web.Response:
    await asyncio.sleep(60)
    return web.Response()


@upstream.get("/dribble")
async def answer_in_dribbles(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.05)


@upstream.get("/large")
async def answer_large(request: web.Request) -> web.Response:
    return web.Response(body=b"1" * 100_001)


@upstream.get("/bomb")
async def answer_bomb(request: web.Request) -> web.Response:
    return web.Response(body=gzip.compress(b" " * 5_000_000), headers={"Content-Encoding": "gzip"})


@upstream.get("/elsewhere")
async def answer_elsewhere(request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "/json", "Set-Cookie": "a=b"})


@upstream.get("/loop")
async def answer_loop(request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "/loop"})


@upstream.get("/inwards")
async def answer_inwards(request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": f"http://127.0.0.2:{request.url.port}/json"})


@upstream.get("/cut")
async def answer_cut(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "100"})
    await response.prepare(request)
    await response.write(b"{")
    assert request.transport is not None
    request.transport.abort()
    return response


@pytest_asyncio.fixture
async def other() -> AsyncIterator[URL]:
    """Run the other service, on aiohttp alone."""
    app = web.Application()
    app.add_routes(upstream)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield URL(f"http://127.0.0.1:{runner.addresses[0][1]}")
    await runner.cleanup()


class Running:
    """Run a service with the battery for the length of a test, and hand out its client."""

    def __init__(self, settings: ClientSettings = SETTINGS, resolver: AbstractResolver | None = None) -> None:
        self._app = kernel_app(batteries=(client_battery.battery(settings, resolver=resolver),))
        self._runner = web.AppRunner(self._app)

    async def __aenter__(self) -> HttpClient:
        await self._runner.setup()
        self._container = svcs.Container(self._app[REGISTRY])
        return await self._container.aget(HttpClient)

    async def __aexit__(self, *error: object) -> None:
        await self._container.aclose()
        await self._runner.cleanup()


async def test_json_comes_as_a_value(other: URL) -> None:
    async with Running() as http:
        assert await http.get_json(other / "json") == {"id": None, "agent": "aiohttp-batteries"}


async def test_json_goes_as_a_value_and_cookies_are_not_kept(other: URL) -> None:
    async with Running() as http:
        await http.get(other / "elsewhere")

        reply = await http.post(other / "echo", json={"a": [1, 2]})

        assert reply.ok
        assert reply.body == b'{"got": {"a": [1, 2]}, "cookie": null}'
        assert reply.json() == {"got": {"a": [1, 2]}, "cookie": None}


async def test_a_reply_that_is_no_json_is_the_other_service_s_fault(other: URL) -> None:
    async with Running() as http:
        reply = await http.get(other / "text")

    with pytest.raises(UpstreamFailed) as caught:
        reply.json()
    assert (caught.value.reason, caught.value.upstream) == ("not JSON", str(other))


async def test_a_redirect_is_an_answer_and_is_not_followed(other: URL) -> None:
    async with Running() as http:
        reply = await http.get(other / "elsewhere")

        assert (reply.status, reply.headers["Location"]) == (302, "/json")


@pytest.mark.parametrize(
    ("path", "failure", "reason"),
    [
        pytest.param("status/500", UpstreamFailed, "status 500", id="a status of failure"),
        pytest.param("elsewhere", UpstreamFailed, "status 302", id="a redirect"),
        pytest.param("text", UpstreamFailed, "not JSON", id="something else"),
        pytest.param("large", UpstreamFailed, "more than 100000 bytes", id="too much"),
        pytest.param("bomb", UpstreamFailed, "more than 100000 bytes", id="too much once unpacked"),
        pytest.param("cut", UpstreamFailed, "malformed answer", id="half an answer"),
        pytest.param("never", UpstreamTimeout, "timeout", id="nothing"),
        pytest.param("dribble", UpstreamTimeout, "timeout", id="a byte now and then"),
    ],
)
async def test_an_answer_fails_when_it_is(
    other: URL, caplog: pytest.LogCaptureFixture, path: str, failure: type[Exception], reason: str
) -> None:
    async with Running() as http:
        with caplog.at_level(logging.WARNING, "framework.client"), pytest.raises(failure) as caught:
            await http.get_json(other / path, timeout_seconds=0.3)

    assert caught.value.reason == reason  # type: ignore[attr-defined]
    records = [record for record in caplog.records if record.name == "framework.client"]
    assert [record.message for record in records] == ["upstream_failed"]
    assert records[0].upstream == str(other)  # type: ignore[attr-defined]


async def test_nobody_listening_is_unreachable(other: URL) -> None:
    async with Running() as http:
        with pytest.raises(UpstreamUnreachable) as caught:
            await http.get(other.with_port(free_port()))

    assert not isinstance(caught.value, DestinationRefused)


async def test_all_outcomes_come_in_order_and_failures_spoil_nothing(other: URL) -> None:
    urls = [str(other / path) for path in ("never", "json", "status/503")] + ["http://127.0.0.2/", "nonsense"]

    async with Running() as http:
        outcomes = await http.fetch_all(urls, timeout_seconds=0.5)

    assert [outcome.url for outcome in outcomes] == urls
    assert [outcome.failure for outcome in outcomes] == [
        "timeout",
        "",
        "status 503",
        "not allowed",
        "not allowed",
    ]
    assert outcomes[1].value["agent"] == "aiohttp-batteries"


def front(other: URL, seconds_left: float = 5.0) -> web.Application:
    routes = RouteTableDef()

    @routes.get("/pass/{path}")
    async def pass_on(path: str, http: HttpClient) -> dict[str, Any]:
        value: dict[str, Any] = await http.get_json(other / path)
        return value

    async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[REQUEST_ID] = "request-1"
        request[DEADLINE] = asyncio.get_running_loop().time() + seconds_left
        return await handler(request)

    # Without the request's deadline a call would outlive the patience of the test's own client.
    patient = dataclasses.replace(SETTINGS, total=timedelta(minutes=1))
    batteries = (Battery(name="notes", middleware=note), client_battery.battery(patient))
    return kernel_app(routes, batteries=batteries)


async def test_the_id_of_the_request_goes_along(
    serve: Serve, client: aiohttp.ClientSession, other: URL
) -> None:
    url = await serve(front(other))

    answer = await client.get(url / "pass/json")

    assert (await answer.json())["id"] == "request-1"


@pytest.mark.parametrize("seconds_left", [0.2, -1.0])
async def test_a_request_s_deadline_ends_its_calls_and_says_nothing_of_the_inside(
    serve: Serve, client: aiohttp.ClientSession, other: URL, seconds_left: float
) -> None:
    url = await serve(front(other, seconds_left))

    answer = await client.get(url / "pass/never")

    assert answer.status == 504
    assert str(other.port) not in await answer.text()


async def test_a_failed_upstream_is_502_and_says_nothing_of_the_inside(
    serve: Serve, client: aiohttp.ClientSession, other: URL
) -> None:
    url = await serve(front(other))

    answer = await client.get(url / "pass/text")

    assert answer.status == 502
    assert "127.0.0.1" not in await answer.text()
    assert "JSON" not in await answer.text()


async def test_redirects_are_followed_as_far_as_the_settings_say(other: URL) -> None:
    async with Running(dataclasses.replace(SETTINGS, redirects=2)) as http:
        assert (await http.get(other / "elsewhere")).status == 200
        with pytest.raises(UpstreamFailed, match="too many redirects"):
            await http.get(other / "loop")


async def test_a_redirect_leads_to_no_internal_address(other: URL) -> None:
    async with Running(dataclasses.replace(SETTINGS, redirects=2)) as http:
        with pytest.raises(DestinationRefused):
            await http.get(other / "inwards")


class Names(AbstractResolver):
    """Know a few names; ``turning`` is another address each time it is asked for."""

    def __init__(self) -> None:
        self._turns = iter(["93.184.215.14", "127.0.0.1"])
        self.known = {
            "localhost": ["127.0.0.1", "::1"],
            "mixed.example": ["127.0.0.1", "10.0.0.1"],
            "mapped.example": ["::ffff:127.0.0.1"],
            "metadata.example": ["169.254.169.254"],
            "nat64.example": ["64:ff9b::7f00:1"],
            "inventory.internal": ["127.0.0.1"],
            "a.b.cluster.local": ["127.0.0.1"],
        }

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        addresses = [next(self._turns)] if host == "turning.example" else self.known.get(host)
        if addresses is None:
            infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses = [str(info[4][0]) for info in infos]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        pass


INTERNAL_HOSTS = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "0",
    "0.0.0.0",
    "2130706433",
    "017700000001",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "0x7f.1",
    "localhost",
    "LOCALHOST",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "169.254.169.254",
    "169.254.170.2",
    "2852039166",
    "192.0.0.192",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:169.254.169.254]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[2001:db8::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[fec0::1]",
    "[ff02::1]",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "mixed.example",
    "mapped.example",
    "metadata.example",
    "nat64.example",
    "user:secret@127.0.0.1",
]


@pytest.mark.parametrize("host", INTERNAL_HOSTS)
async def test_no_connection_is_made_to(host: str) -> None:
    knocks = 0

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal knocks
        knocks += 1
        writer.close()

    async with await asyncio.start_server(count, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        settings = dataclasses.replace(SETTINGS, allow=())

        async with Running(settings, Names()) as http:
            with pytest.raises(DestinationRefused):
                await http.get(f"http://{host}:{port}/")

    assert knocks == 0


async def test_a_name_that_turns_inwards_is_judged_again() -> None:
    names = Names()
    resolver = client_battery.pool.GuardedResolver(destinations_from_rules(()), names)

    first = await resolver.resolve("turning.example")

    assert [result["host"] for result in first] == ["93.184.215.14"]
    with pytest.raises(OSError, match="internal"):
        await resolver.resolve("turning.example")


async def test_internal_addresses_are_left_out_beside_public_ones() -> None:
    names = Names()
    names.known["half.example"] = ["10.0.0.1", "93.184.215.14"]
    resolver = client_battery.pool.GuardedResolver(destinations_from_rules(()), names)

    found = await resolver.resolve("half.example")

    assert [result["host"] for result in found] == ["93.184.215.14"]


@pytest.mark.parametrize(
    ("rule", "host"),
    [
        ("inventory.internal", "inventory.internal"),
        ("Inventory.Internal.", "INVENTORY.internal"),
        ("*.cluster.local", "a.b.cluster.local"),
        ("127.0.0.0/8", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
    ],
)
async def test_what_is_allowed_is_reached(other: URL, rule: str, host: str) -> None:
    async with Running(dataclasses.replace(SETTINGS, allow=(rule,)), Names()) as http:
        reply = await http.get(f"http://{host}:{other.port}/json")

    assert reply.status == 200


@pytest.mark.parametrize("host", ["xcluster.local", "cluster.local", "cluster.local.example", "localhost"])
def test_a_suffix_allows_no(host: str) -> None:
    destinations = destinations_from_rules(["*.cluster.local"])

    assert not destinations.allow_host(host)


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "8.8.8.8", "2606:2800:21f::1", "100.63.255.255", "11.0.0.1"]
)
def test_public_addresses_are_allowed(address: str) -> None:
    assert destinations_from_rules(()).allow_address(address)


@pytest.mark.parametrize(
    "fields",
    [
        {"total": timedelta(0)},
        {"connect": timedelta(seconds=-1)},
        {"max_body": 0},
        {"connections": 0},
        {"redirects": -1},
        {"user_agent": "a\r\nb"},
        {"allow": ("10.0.0.1/8",)},
        {"allow": ("http://inventory",)},
        {"allow": ("1.2.3",)},
        {"allow": ("*",)},
        {"allow": ("",)},
    ],
    ids=str,
)
def test_settings_refuse(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        ClientSettings(**fields)
