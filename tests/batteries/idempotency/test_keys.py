"""With an Idempotency-Key a request is done once, and answered each time the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from yarl import URL

from framework.app import ServiceSettings, create_app, standard
from framework.batteries import idempotency
from framework.batteries.idempotency import MemoryStore, idempotent, requires_key
from framework.batteries.idempotency.stores import Kept
from framework.errors import BadGateway, ConfigurationError
from framework.forms import Form
from framework.marks import authenticated, public
from framework.responses import Result, created
from framework.routing import RouteTableDef
from framework.testing import Serve


@dataclass
class Order:
    item: str


@dataclass
class Shop:
    """What was ordered, and how the next order goes."""

    done: list[str] = field(default_factory=list)
    fail: Exception | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    taken: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def take(self, item: str) -> int:
        self.done.append(item)
        self.taken.set()
        await self.gate.wait()
        if self.fail is not None:
            raise self.fail
        return len(self.done)


def app_of(shop: Shop, store: MemoryStore | None = None) -> web.Application:
    routes = RouteTableDef()

    @routes.post("/orders", status=201)
    @public
    @idempotent
    async def order(body: Order) -> Result[dict[str, int]]:
        number = await shop.take(body.item)
        return created({"number": number}, location=f"/orders/{number}")

    @routes.post("/payments")
    @public
    @requires_key
    async def pay(body: Order) -> dict[str, int]:
        return {"number": await shop.take(body.item)}

    @routes.post("/plain")
    @public
    @idempotent
    async def plain(request: web.Request) -> web.Response:
        number = await shop.take("plain")
        raise web.HTTPSeeOther(f"/orders/{number}")

    settings = ServiceSettings()
    return create_app(
        settings, routes=[routes], batteries=[*standard(settings), idempotency.battery(store=store)]
    )


async def sent(
    client: aiohttp.ClientSession, url: URL, key: str | None, item: str = "tea", path: str = "orders"
) -> tuple[int, Any, Any]:
    headers = {} if key is None else {"Idempotency-Key": key}
    async with client.post(url / path, json={"item": item}, headers=headers, allow_redirects=False) as answer:
        return answer.status, await answer.read(), answer.headers


async def test_a_repeated_request_is_answered_as_the_first_and_done_once(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    shop = Shop()
    url = await serve(app_of(shop))

    first = await sent(client, url, "8e03978e")
    second = await sent(client, url, '"8e03978e"')

    assert shop.done == ["tea"]
    assert first[:2] == second[:2] == (201, b'{"number":1}')
    assert [each[2].get("Idempotent-Replay") for each in (first, second)] == [None, "true"]
    for name in ("Location", "Content-Type", "Content-Length", "X-Content-Type-Options"):
        assert first[2][name] == second[2][name]
    assert first[2]["X-Request-ID"] != second[2]["X-Request-ID"]


async def test_without_a_key_each_request_is_done(serve: Serve, client: aiohttp.ClientSession) -> None:
    shop = Shop()
    url = await serve(app_of(shop))

    statuses = [(await sent(client, url, None))[0] for _ in range(2)]

    assert (statuses, shop.done) == ([201, 201], ["tea", "tea"])


async def test_a_key_of_another_request_is_refused(serve: Serve, client: aiohttp.ClientSession) -> None:
    shop = Shop()
    url = await serve(app_of(shop))
    await sent(client, url, "k")

    status, _, headers = await sent(client, url, "k", "coffee")
    elsewhere = await sent(client, url, "k", "coffee", "payments")

    assert (status, headers["Content-Type"]) == (422, "application/problem+json")
    assert (elsewhere[0], shop.done) == (200, ["tea", "coffee"])


@pytest.mark.parametrize(
    "key",
    [
        "",
        " ",
        "x" * 256,
        '"' + "x" * 256 + '"',
        '""',
        '"a',
        'a"',
        "a,b",
        "a;b",
        "a b",
        "\xe4",
        '"\\a"',
        '"a";p=1',
    ],
)
async def test_a_text_that_is_no_key_is_refused(
    key: str, serve: Serve, client: aiohttp.ClientSession
) -> None:
    shop = Shop()
    url = await serve(app_of(shop))

    status, _, headers = await sent(client, url, key)

    assert (status, headers["Content-Type"], shop.done) == (400, "application/problem+json", [])


@pytest.mark.parametrize("key", ["x" * 255, '"' + "x" * 255 + '"', '"a b, c; \\" \\\\"', ":", "!~"])
async def test_each_text_that_is_a_key_is_taken(
    key: str, serve: Serve, client: aiohttp.ClientSession
) -> None:
    shop = Shop()
    url = await serve(app_of(shop))

    answers = [await sent(client, url, key) for _ in range(2)]

    assert [each[0] for each in answers] == [201, 201]
    assert shop.done == ["tea"]


async def test_two_keys_are_refused(serve: Serve, client: aiohttp.ClientSession) -> None:
    shop = Shop()
    url = await serve(app_of(shop))

    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "a")]
    async with client.post(url / "orders", json={"item": "tea"}, headers=headers) as answer:
        assert (answer.status, shop.done) == (400, [])


async def test_where_a_key_is_needed_a_request_without_is_refused(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    shop = Shop()
    url = await serve(app_of(shop))

    statuses = [(await sent(client, url, key, path="payments"))[0] for key in (None, "k", "k")]

    assert (statuses, shop.done) == ([400, 200, 200], ["tea"])


async def test_a_twin_is_told_to_come_later(serve: Serve, client: aiohttp.ClientSession) -> None:
    shop = Shop()
    shop.gate.clear()
    url = await serve(app_of(shop))
    first = asyncio.create_task(sent(client, url, "k"))
    await shop.taken.wait()

    status, _, headers = await sent(client, url, "k")
    shop.gate.set()

    assert (status, headers["Retry-After"]) == (409, "1")
    assert (await first)[0] == 201
    assert (await sent(client, url, "k"))[2]["Idempotent-Replay"] == "true"
    assert shop.done == ["tea"]


@pytest.mark.parametrize(
    ("error", "status"),
    [(BadGateway("The bank is away."), 502), (web.HTTPConflict(), 409), (web.HTTPServiceUnavailable(), 503)],
)
async def test_an_error_is_not_kept(
    error: Exception, status: int, serve: Serve, client: aiohttp.ClientSession
) -> None:
    shop = Shop(fail=error)
    url = await serve(app_of(shop))

    failed = await sent(client, url, "k")
    shop.fail = None
    again = await sent(client, url, "k")

    assert (failed[0], again[0], shop.done) == (status, 201, ["tea", "tea"])
    assert "Idempotent-Replay" not in again[2]


async def test_a_redirect_that_is_raised_is_kept(serve: Serve, client: aiohttp.ClientSession) -> None:
    shop = Shop()
    url = await serve(app_of(shop))

    answers = [await sent(client, url, "k", path="plain") for _ in range(2)]

    assert [(each[0], each[2]["Location"]) for each in answers] == [(303, "/orders/1")] * 2
    assert shop.done == ["plain"]


async def test_an_answer_is_forgotten_when_its_time_is_up(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    shop, now = Shop(), [0.0]
    url = await serve(app_of(shop, MemoryStore(clock=lambda: now[0])))

    numbers = []
    for moment in (0, 24 * 3600 - 1, 24 * 3600):
        now[0] = float(moment)
        numbers.append((await sent(client, url, "k"))[1])

    assert numbers == [b'{"number":1}', b'{"number":1}', b'{"number":2}']


async def test_memory_forgets_the_oldest_first(serve: Serve, client: aiohttp.ClientSession) -> None:
    shop = Shop()
    url = await serve(app_of(shop, MemoryStore(max_bytes=2_500)))

    for key in ("a", "b", "c", "c", "b", "a"):
        await sent(client, url, key)

    assert len(shop.done) == 4


async def test_an_answer_that_is_larger_than_the_memory_puts_out_no_other() -> None:
    store, request = MemoryStore(max_bytes=4_000), make_mocked_request("POST", "/")
    small, large = (Kept("f", 200, (), b"x" * size) for size in (10, 5_000))

    await store.keep(request, "small", small, 60)
    await store.keep(request, "large", large, 60)

    assert [await store.begin(request, key) for key in ("small", "large")] == [small, None]


async def test_the_document_tells_of_the_key(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve(app_of(Shop()))

    async with client.get(url / "openapi.json") as answer:
        paths = (await answer.json())["paths"]

    for path, required in (("/orders", False), ("/payments", True)):
        operation = paths[path]["post"]
        [header] = operation["parameters"]
        assert (header["in"], header["name"], header["required"]) == ("header", "Idempotency-Key", required)
        assert {"400", "409", "422"} <= set(operation["responses"])


def reads(routes: RouteTableDef) -> None:
    @routes.get("/")
    @public
    @idempotent
    async def read() -> dict[str, str]:
        return {}


def takes_form(routes: RouteTableDef) -> None:
    @routes.post("/")
    @public
    @idempotent
    async def write(form: Form[Order]) -> dict[str, str]:
        return {}


@pytest.mark.parametrize(
    ("declare", "said"), [(reads, "GET never does"), (takes_form, "take a body instead")]
)
def test_a_mark_that_cannot_hold_is_refused_at_the_start(
    declare: Callable[[RouteTableDef], None], said: str
) -> None:
    routes, settings = RouteTableDef(), ServiceSettings()
    declare(routes)

    with pytest.raises(ConfigurationError, match=said):
        create_app(settings, routes=[routes], batteries=[*standard(settings), idempotency.battery()])


def test_a_service_without_the_battery_does_not_start() -> None:
    routes = RouteTableDef()

    @routes.post("/")
    @authenticated
    @idempotent
    async def write(body: Order) -> dict[str, str]:
        return {}

    with pytest.raises(ConfigurationError, match="idempotency"):
        create_app(ServiceSettings(), routes=[routes])
