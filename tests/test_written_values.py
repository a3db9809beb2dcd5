"""Values that leave a service by other ways than a handler's answer: sockets, problems, calls to other services."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any

import aiohttp
import pytest
from aiohttp import web

from framework import RouteTableDef, public
from framework.batteries import sockets
from framework.batteries.sockets import Rooms, SocketSettings
from framework.errors import Conflict
from framework.testing import Serve
from framework.validation import Misfit, encode
from tests.kernel import kernel_app


@dataclass
class User:
    name: Annotated[str, {"data_key": "userName"}]
    password: Annotated[str, {"load_only": True}] = "secret"
    balance: Decimal = Decimal("1.50")
    more: Any = None


def user(more: Any = None) -> User:
    return User("ada", more=more)


SHOWN = {"userName": "ada", "balance": "1.50", "more": None}

VALUES = [
    pytest.param(user(), SHOWN, id="itself"),
    pytest.param([user()], [SHOWN], id="in a list"),
    pytest.param({"a": {"b": (user(),)}}, {"a": {"b": [SHOWN]}}, id="deep"),
    pytest.param(user(more=user()), {**SHOWN, "more": SHOWN}, id="in a field of anything"),
    pytest.param(user(more={"k": [user()]}), {**SHOWN, "more": {"k": [SHOWN]}}, id="deep in one"),
]


@pytest.mark.parametrize(("value", "shown"), VALUES)
async def test_an_extension_of_a_problem_is_written_by_the_schema_of_its_class(
    value: Any, shown: Any, serve: Serve, client: aiohttp.ClientSession
) -> None:
    routes = RouteTableDef()

    @routes.get("/")
    async def refuse() -> None:
        raise Conflict("taken", by=value)

    async with client.get(await serve(kernel_app(routes))) as response:
        problem = json.loads(await response.text())

    assert (response.status, problem["by"]) == (409, shown)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param([user(), float("nan")], id="beside NaN"),
        pytest.param([user(), object()], id="beside an object"),
        pytest.param([user(), "\ud800"], id="beside half a character"),
        pytest.param(User(None), id="in the wrong shape"),  # type: ignore[arg-type]
    ],
)
async def test_an_extension_that_cannot_be_written_spoils_no_problem_and_tells_no_secret(
    value: Any, serve: Serve, client: aiohttp.ClientSession
) -> None:
    routes = RouteTableDef()

    @routes.get("/")
    async def refuse() -> None:
        raise Conflict("taken", by=value)

    async with client.get(await serve(kernel_app(routes))) as response:
        text = await response.text()

    assert (response.status, json.loads(text)["detail"]) == (409, "taken")
    assert "secret" not in text
    assert "NaN" not in text.replace("nan", "")


@pytest.mark.parametrize(("value", "shown"), VALUES)
@pytest.mark.parametrize("way", ["send_json", "broadcast_json"])
async def test_a_socket_sends_each_value_by_the_schema_of_its_class(
    value: Any, shown: Any, way: str, serve: Serve, client: aiohttp.ClientSession
) -> None:
    routes = RouteTableDef()

    @routes.get("/ws")
    @public
    async def talk(request: web.Request, rooms: Rooms) -> web.WebSocketResponse:
        async with rooms.join(request, "a") as member:
            if way == "send_json":
                await member.send_json(value)
            else:
                await rooms.broadcast_json("a", value)
            async for _ in member:
                pass
        return member.response

    url = await serve(kernel_app(routes, batteries=(sockets.battery(SocketSettings()),)))
    async with client.ws_connect(url / "ws") as ws:
        assert await ws.receive_json() == shown


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        pytest.param({"a": [1, float("inf")]}, "/a/1", id="infinity"),
        pytest.param({"a/b": {"~": object()}}, "/a~1b/~0", id="an object"),
        pytest.param([user(more=float("nan"))], "/0/more", id="NaN in a field of anything"),
        pytest.param([User("ada", balance=1.5)], "/0/balance", id="a field of another type"),  # type: ignore[arg-type]
        pytest.param("\udc00", "", id="half a character"),
        pytest.param({"a": 2**70}, "/a", id="an integer beyond 64 bits"),
    ],
)
def test_what_cannot_be_written_is_pointed_at(value: Any, pointer: str) -> None:
    with pytest.raises(Misfit) as raised:
        encode(value)

    assert raised.value.pointer == pointer


def test_what_holds_itself_is_refused() -> None:
    circle: list[Any] = [user()]
    circle.append(circle)

    with pytest.raises(Misfit, match="holds itself"):
        encode(circle)


@dataclass
class Node:
    name: str
    children: list[Node] = field(default_factory=list)
    extra: Any = None


def test_a_class_that_holds_itself_is_written() -> None:
    tree = Node("a", [Node("b", extra=user())])

    assert json.loads(encode(tree)) == {
        "name": "a",
        "children": [{"name": "b", "children": [], "extra": SHOWN}],
        "extra": None,
    }
