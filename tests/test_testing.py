"""What `framework.testing` brings to the tests of a service."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from framework import (
    Conflict,
    Form,
    Principal,
    RouteTableDef,
    ServiceSettings,
    create_app,
    provide,
    public,
    raises,
    requires,
    standard,
    stream,
)
from framework.batteries.auth import AuthSettings, InvalidToken, Tokens
from framework.batteries.client import ClientSettings, HttpClient, UpstreamUnreachable
from framework.secrets import Secret
from framework.testing import Api, Clock, Upstream, leaving_nothing, override

PAGE = """<!doctype html><title>t</title>
<form action="/search"><input name="q" value="was"><button>Go</button></form>
<form method="post" action="/orders">
  <input type="hidden" name="batch" value="{token}">
  <input name="name"><textarea name="note">as
usual</textarea>
  <select name="size"><option value="s">S</option><option value="m" selected>M</option></select>
  <input type="checkbox" name="gift" value="yes" checked><input type="checkbox" name="fast">
</form>"""


@dataclass
class Order:
    name: str
    note: str = ""
    size: str = ""
    gift: str = ""
    batch: str = ""


class Prices:
    """A service that a test replaces."""

    def of(self, name: str) -> int:
        raise AssertionError(name)


routes = RouteTableDef()


@routes.get("/form")
@public
async def show_form() -> web.Response:
    return web.Response(text=PAGE.format(token="t0ken"), content_type="text/html")


@routes.get("/search")
@public
async def search(q: str) -> str:
    return q


@routes.post("/orders")
@public
async def order(form: Form[Order]) -> Order:
    assert form.value is not None
    return form.value


@routes.get("/me")
@requires("read")
async def me(principal: Principal) -> list[str]:
    return [principal.subject, *sorted(principal.scopes)]


@routes.post("/things/{number}")
@public
@raises(Conflict)
async def thing(number: int, body: Order) -> Order:
    if number == 1:
        raise Conflict("taken")
    return body


@routes.get("/price/{name}")
@public
async def price(name: str, prices: Prices) -> int:
    return prices.of(name)


@routes.get("/wrong")
@public
async def wrong() -> web.Response:
    return web.json_response({"undeclared": True}, status=418)


@routes.get("/events")
@public
async def events() -> web.StreamResponse:
    async def each() -> AsyncIterator[bytes]:
        yield b": hello\n\nevent: tick\nid: 1\ndata: one\ndata: two\n\ndata: {}\n\n"

    return stream(each(), content_type="text/event-stream")


@routes.get("/echo")
@public
async def echo(request: web.Request) -> web.WebSocketResponse:
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    async for message in ws:
        await ws.send_str(f"{message.data}!")
    return ws


@routes.get("/upstream")
@public
async def ask(url: str, http: HttpClient) -> Any:
    try:
        reply = await http.post(url, json={"a": 1}, timeout_seconds=1)
    except UpstreamUnreachable:
        return "unreachable"
    return [reply.status, reply.json()]


@pytest.fixture
def app() -> web.Application:
    settings = ServiceSettings(
        client=ClientSettings(allow=("127.0.0.1",)), auth=AuthSettings(keys=(Secret("0123456789abcdef" * 2),))
    )
    return create_app(settings, routes=[routes], batteries=[*standard(settings), provide(Prices)])


async def test_somebody_is_who_the_test_says(api: Api) -> None:
    ada = await api.as_user("ada", "read", "write")

    assert (await ada.get("/me")).ensure(200).json == ["ada", "read", "write"]
    (await (await api.as_user("bob")).get("/me")).ensure(403)
    assert (await api.get("/me")).problem(401)["title"] == "Unauthorized"


async def test_an_assertion_says_what_came_instead(api: Api) -> None:
    answer = await api.post("/things/2?x=1", json={"name": 1})

    with pytest.raises(
        AssertionError, match=r'POST /things/2\?x=1 answered 422 instead of 200:\n\{\n  "type"'
    ):
        answer.ensure(200)
    with pytest.raises(AssertionError, match="without a problem document"):
        (await api.get("/search?q=a")).problem(200)
    assert {*answer.faults()} == {"/name"}


async def test_a_form_is_filled_in_and_sent_as_a_browser_would(api: Api) -> None:
    sent = await api.submit("/form", name="Ada")
    found = await api.submit("/form", q="tea")

    assert sent.ensure(200).json == {
        "name": "Ada",
        "note": "as\nusual",
        "size": "m",
        "gift": "yes",
        "batch": "t0ken",
    }
    assert found.json == "tea"
    with pytest.raises(AssertionError, match="/form has no form with price; it has q; "):
        await api.submit("/form", price="1")


async def test_an_answer_is_held_against_the_document(api: Api) -> None:
    good = [
        await api.post("/things/2", json={"name": "a"}),
        await api.post("/things/1", json={"name": "a"}),
        await api.post("/things/2", json={}),
    ]
    for each in good:
        await api.assert_contract(each)

    with pytest.raises(AssertionError, match=r"GET /wrong answered application/json; the document names"):
        await api.assert_contract(await api.get("/wrong"))
    with pytest.raises(AssertionError, match="no such operation"):
        await api.assert_contract(await api.get("/nowhere"))


async def test_a_body_that_does_not_fit_the_document_is_told(api: Api) -> None:
    answer = await api.post("/things/2", json={"name": "a"})
    changed = type(answer)(answer.method, answer.url, answer.status, answer.headers, b'{"name":1}')

    with pytest.raises(AssertionError, match=r"\$\.name: 1 is not of type 'string'"):
        await api.assert_contract(changed)


async def test_events_and_sockets_are_read(api: Api) -> None:
    async with api.events("/events") as events:
        first, second = await anext(events), await anext(events)
    async with api.socket("/echo") as ws:
        await ws.send_str("a")
        said = await ws.receive_str()

    assert (first.event, first.id, first.data) == ("tick", "1", "one\ntwo")
    assert (second.event, second.id, second.data) == ("message", "", "{}")
    assert said == "a!"
    with pytest.raises(AssertionError, match="no stream of events"):
        async with api.events("/search?q=a"):
            pass


class Cheap(Prices):
    def of(self, name: str) -> int:
        return len(name)


async def test_a_service_is_replaced_for_a_test(
    app: web.Application, serve: Any, client: aiohttp.ClientSession
) -> None:
    override(app, Prices, Cheap())

    async with client.get(await serve(app) / "price/tea") as response:
        assert await response.json() == 3


async def test_an_upstream_says_what_the_test_wants(api: Api, upstream: Upstream) -> None:
    upstream.answer("POST", "/a", status=503, json="later", headers={"Retry-After": "1"})
    upstream.answer("POST", "/a", json={"b": 2})
    upstream.answer("POST", "/cut", resets=True)
    upstream.answer("POST", "/slow", seconds=5)

    found = [
        (await api.get("/upstream", params={"url": str(upstream.url / path)})).json
        for path in ("a", "a", "a", "cut")
    ]
    slow = await api.get("/upstream", params={"url": str(upstream.url / "slow")})

    assert found == [[503, "later"], [200, {"b": 2}], [200, {"b": 2}], "unreachable"]
    slow.problem(504)
    first = upstream.requests[0]
    assert (first.method, first.path, first.body) == ("POST", "/a", b'{"a":1}')


def test_a_clock_stands_still_until_it_is_moved(clock: Clock) -> None:
    before = clock()
    tokens = Tokens(AuthSettings(keys=(Secret("0123456789abcdef" * 2),)), clock=clock)
    token = tokens.issue("ada", ()).access_token

    clock.forward(timedelta(minutes=1))
    later = clock()
    clock.forward(timedelta(days=1))

    assert (later - before, clock() - later) == (60, 86_400)
    with pytest.raises(InvalidToken):
        asyncio.run(tokens.verify(token))


async def watched_block() -> None:
    async with leaving_nothing():
        await asyncio.sleep(0.05)
        time.sleep(0.7)  # noqa: ASYNC251 - that is the fault
        await asyncio.sleep(0.05)


async def test_what_a_test_leaves_behind_is_told() -> None:
    with pytest.raises(AssertionError, match="task forgotten: "):
        async with leaving_nothing():
            forgotten = asyncio.create_task(asyncio.sleep(60), name="forgotten")
    forgotten.cancel()
    with pytest.raises(AssertionError, match=r"the event loop was kept for \d"):
        await watched_block()
    with pytest.raises(AssertionError, match="unclosed"):
        async with leaving_nothing():
            socket.create_server(("127.0.0.1", 0))


@pytest.mark.usefixtures("leaves_nothing")
async def test_a_test_that_leaves_nothing_passes(api: Api) -> None:
    assert (await api.get("/search?q=a")).ensure(200).json == "a"
