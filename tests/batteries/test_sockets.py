"""Rooms over WebSockets, with real clients."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
import svcs
from aiohttp import ClientWebSocketResponse, WSCloseCode, WSMsgType, web
from yarl import URL

from framework.batteries import auth, sockets
from framework.batteries.auth import AuthSettings, Tokens
from framework.batteries.sockets import Rooms, SocketSettings
from framework.batteries.sockets.delivery import Delivery
from framework.batteries.sockets.flow import MessageRate, Outbox
from framework.batteries.sockets.membership import Membership
from framework.context import REGISTRY
from framework.errors import BadRequest, ConfigurationError
from framework.marks import public, requires
from framework.routing import RouteTableDef
from framework.secrets import Profile, Secret
from framework.testing import Serve
from tests.kernel import kernel_app

SETTINGS = SocketSettings(close_timeout=timedelta(seconds=0.5), messages_per_second=1_000)

routes = RouteTableDef()


@routes.get("/rooms/{room}")
@public
async def chat(request: web.Request, room: str, rooms: Rooms) -> web.WebSocketResponse:
    async with rooms.join(request, room) as member:
        await rooms.broadcast_json(room, {"joined": rooms.count(room)})
        async for text in member:
            await rooms.broadcast(room, text)
    await rooms.broadcast_json(room, {"left": rooms.count(room)})
    return member.response


@routes.get("/values/{room}")
@public
async def add_up(request: web.Request, room: str, rooms: Rooms) -> web.WebSocketResponse:
    async with rooms.join(request, room) as member:
        async for value in member.values():
            if value == "refuse":
                raise BadRequest("No such luck. " + "ü" * 100)
            await member.send_json({"double": value * 2})
            _ = 1 / value
    return member.response


@routes.get("/secret/{room}")
@requires("chat")
async def chat_in_secret(request: web.Request, room: str, rooms: Rooms) -> web.WebSocketResponse:
    async with rooms.join(request, room) as member:
        await member.send(request.path)
    return member.response


SPEECH = [f"{number} {'x' * 10_000}" for number in range(300)]


@routes.get("/speeches/{room}")
@public
async def give_a_speech(request: web.Request, room: str, rooms: Rooms) -> web.WebSocketResponse:
    async with rooms.join(request, room) as member:
        for number, text in enumerate(SPEECH):
            await (member.send(text) if number % 3 else rooms.broadcast(room, text))
        async for _ in member:
            pass
    return member.response


class Service:
    """Hold a running service and the ways to speak with it."""

    def __init__(self, app: web.Application, url: URL, client: aiohttp.ClientSession) -> None:
        self.app, self.url, self.client = app, url, client

    @property
    def rooms(self) -> Rooms:
        return svcs.Container(self.app[REGISTRY]).get(Rooms)

    async def connect(self, path: str = "rooms/a", **options: Any) -> ClientWebSocketResponse:
        ws: ClientWebSocketResponse = await self.client.ws_connect(self.url / path, **options)
        return ws

    async def count_becomes(self, room: str, count: int) -> None:
        async with asyncio.timeout(10):
            while self.rooms.count(room) != count:  # noqa: ASYNC110 - a room tells nobody
                await asyncio.sleep(0.01)


@pytest.fixture
def start(serve: Serve, client: aiohttp.ClientSession) -> Any:
    async def start(**fields: Any) -> Service:
        app = kernel_app(
            routes, batteries=(sockets.battery(dataclasses.replace(SETTINGS, **fields)), NO_AUTH)
        )
        return Service(app, await serve(app), client)

    return start


NO_AUTH = auth.battery(
    AuthSettings(keys=(Secret("correct-horse-battery-staple-0123456789"),)), profile=Profile.development
)


async def texts(ws: ClientWebSocketResponse, count: int) -> list[str]:
    return [await ws.receive_str(timeout=10) for _ in range(count)]


async def closed_with(ws: ClientWebSocketResponse) -> int | None:
    while (await ws.receive(timeout=10)).type in {WSMsgType.TEXT, WSMsgType.PING}:
        pass
    return ws.close_code


async def test_what_one_says_reaches_all_in_order(start: Any) -> None:
    service = await start()
    ada, bob = await service.connect(), await service.connect()

    await ada.send_str("one")
    await ada.send_str("zwei ✓")

    assert await texts(ada, 4) == ['{"joined":1}', '{"joined":2}', "one", "zwei ✓"]
    assert await texts(bob, 3) == ['{"joined":2}', "one", "zwei ✓"]


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536, 200_000])
async def test_a_text_of_any_size_arrives_as_it_was(start: Any, size: int) -> None:
    service = await start()
    ada = await service.connect()
    text = "ü" * (size // 2) + "x" * (size % 2)

    await service.rooms.broadcast("a", text)

    assert await texts(ada, 2) == ['{"joined":1}', text]


async def test_what_is_said_to_one_alone_keeps_its_place_among_what_is_said_to_all(start: Any) -> None:
    service = await start()
    ws = await service.connect("speeches/a")

    assert await texts(ws, len(SPEECH)) == SPEECH


async def test_a_room_that_is_talked_to_faster_than_it_is_served_loses_nobody(start: Any) -> None:
    service = await start(backlog=1_500)
    members = [await service.connect() for _ in range(90)]
    said = [str(number) + "x" * 1_000 for number in range(40)]

    for text in said:
        await service.rooms.broadcast("a", text)

    for number, member in enumerate(members):
        assert (await texts(member, 90 - number + len(said)))[-len(said) :] == said
    assert service.rooms.count("a") == 90


async def test_what_is_said_during_the_handshake_comes_behind_it(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    app = kernel_app(routes, batteries=(sockets.battery(SETTINGS), NO_AUTH))

    async def interrupt(request: web.Request, response: web.StreamResponse) -> None:
        await service.rooms.broadcast("a", "early")
        await asyncio.sleep(0.05)

    app.on_response_prepare.append(interrupt)
    service = Service(app, await serve(app), client)
    ada = await service.connect()

    assert await texts(ada, 2) == ["early", '{"joined":1}']


async def test_whoever_falls_behind_during_the_handshake_is_told_so_behind_it(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    settings = dataclasses.replace(SETTINGS, backlog=200_000)
    app = kernel_app(routes, batteries=(sockets.battery(settings), NO_AUTH))

    async def interrupt(request: web.Request, response: web.StreamResponse) -> None:
        for _ in range(3):
            await service.rooms.broadcast("a", "x" * 100_000)
        await asyncio.sleep(2 * SETTINGS.close_timeout.total_seconds())

    app.on_response_prepare.append(interrupt)
    service = Service(app, await serve(app), client)
    ada = await service.connect()

    assert await closed_with(ada) == WSCloseCode.TRY_AGAIN_LATER
    assert "socket_dropped" in caplog.messages
    assert "background_task_failed" not in caplog.messages


async def test_a_handshake_that_fails_takes_no_leave(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    settings = dataclasses.replace(SETTINGS, backlog=200_000)
    app = kernel_app(routes, batteries=(sockets.battery(settings), NO_AUTH))

    async def interrupt(request: web.Request, response: web.StreamResponse) -> None:
        for _ in range(3):
            await service.rooms.broadcast("a", "x" * 100_000)
        raise BadRequest("Not today.")

    app.on_response_prepare.append(interrupt)
    service = Service(app, await serve(app), client)
    with pytest.raises((aiohttp.WSServerHandshakeError, aiohttp.ClientConnectionError)):
        await service.connect()

    assert service.rooms.count("a") == 0
    assert "background_task_failed" not in caplog.messages


async def test_rooms_hear_nothing_of_each_other(start: Any) -> None:
    service = await start()
    ada, bob = await service.connect("rooms/a"), await service.connect("rooms/b")
    await texts(ada, 1)

    await ada.send_str("only here")
    await bob.send_str("only there")

    assert await texts(ada, 1) == ["only here"]
    assert await texts(bob, 2) == ['{"joined":1}', "only there"]


async def test_whoever_leaves_is_counted_out(start: Any) -> None:
    service = await start()
    ada, bob = await service.connect(), await service.connect()
    await texts(ada, 2)

    await bob.close()

    assert await texts(ada, 1) == ['{"left":1}']
    assert bob.close_code == WSCloseCode.OK


async def test_whoever_vanishes_is_counted_out(start: Any, caplog: pytest.LogCaptureFixture) -> None:
    service = await start()
    ada, bob = await service.connect(), await service.connect()
    await texts(ada, 2)

    bob._response.connection.transport.abort()

    assert await texts(ada, 1) == ['{"left":1}']
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_room_is_gone_when_the_last_has_left(start: Any) -> None:
    service = await start()
    ada = await service.connect()
    await texts(ada, 1)

    await ada.close()
    await service.count_becomes("a", 0)

    assert service.rooms.counts() == {}


async def test_a_plain_request_is_told_to_upgrade(start: Any) -> None:
    service = await start()

    answer = await service.client.get(service.url / "rooms/a")

    assert answer.status == 426
    assert answer.headers["Upgrade"] == "websocket"
    assert (await answer.json())["status"] == 426


GOOD = {
    "Upgrade": "websocket",
    "Connection": "keep-alive, Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


async def shake_hands(url: URL, headers: dict[str, str], method: str = "GET") -> tuple[Any, Any, int]:
    reader, writer = await asyncio.open_connection(url.host, url.port)
    lines = [
        f"{method} /rooms/a HTTP/1.1",
        f"Host: {url.authority}",
        *(f"{k}: {v}" for k, v in headers.items()),
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    return reader, writer, int(head.split()[1])


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({}, 101, id="nothing wrong"),
        pytest.param({"Upgrade": "WebSocket"}, 101, id="another case"),
        pytest.param({"Upgrade": "h2c"}, 426, id="another protocol"),
        pytest.param({"Connection": "keep-alive"}, 426, id="no upgrade"),
        pytest.param({"Sec-WebSocket-Version": "8"}, 426, id="an old version"),
        pytest.param({"Sec-WebSocket-Version": ""}, 426, id="no version"),
        pytest.param({"Sec-WebSocket-Key": ""}, 400, id="no key"),
        pytest.param({"Sec-WebSocket-Key": "c2hvcnQ="}, 400, id="a short key"),
        pytest.param({"Sec-WebSocket-Key": "not base64 at all!!!!!=="}, 400, id="a key that is no base64"),
        pytest.param({"Sec-WebSocket-Key": "ü" * 22 + "=="}, 400, id="a key that is not ASCII"),
        pytest.param({"Sec-WebSocket-Protocol": "chat, superchat"}, 101, id="subprotocols nobody speaks"),
        pytest.param({"Sec-WebSocket-Extensions": "permessage-deflate"}, 101, id="compression"),
        pytest.param({"Origin": "https://evil.example"}, 403, id="a stranger's page"),
        pytest.param({"Origin": "null"}, 403, id="a page without an origin"),
    ],
)
async def test_a_handshake_with(start: Any, changes: dict[str, str], status: int) -> None:
    service = await start()

    _, writer, answered = await shake_hands(service.url, {**GOOD, **changes})

    assert answered == status
    writer.close()
    await service.count_becomes("a", 0)


async def test_messages_are_not_compressed(start: Any) -> None:
    service = await start()

    ws = await service.connect(compress=15)

    assert not ws.compress


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        pytest.param("http://{host}", True, id="its own"),
        pytest.param("https://{host}", True, id="its own, behind TLS"),
        pytest.param("https://app.example", True, id="one that is configured"),
        pytest.param("HTTPS://APP.example", True, id="one that is configured, in another case"),
        pytest.param("https://a.family.example", True, id="one of a pattern"),
        pytest.param("https://a.b.family.example", False, id="one deeper than a pattern"),
        pytest.param("http://app.example", False, id="one with another scheme"),
        pytest.param("https://app.example:8443", False, id="one with another port"),
        pytest.param("https://app.example.evil.example", False, id="one that starts the same"),
        pytest.param("https://{host}.evil.example", False, id="one that starts like its own"),
        pytest.param("https://evil.example/{host}", False, id="one with its own in the path"),
        pytest.param("https://{host}@evil.example", False, id="one with its own as the user"),
        pytest.param("ftp://{host}", False, id="another protocol"),
        pytest.param("null", False, id="null"),
        pytest.param("", False, id="nothing"),
        pytest.param("http://[::1", False, id="nonsense"),
    ],
)
async def test_a_page_may_connect_from(start: Any, origin: str, allowed: bool) -> None:
    service = await start(origins=("https://app.example", "https://*.family.example"))

    _, writer, status = await shake_hands(
        service.url, {**GOOD, "Origin": origin.format(host=service.url.authority)}
    )

    assert status == (101 if allowed else 403)
    writer.close()


async def test_a_socket_needs_what_the_endpoint_requires(start: Any) -> None:
    service = await start()
    token = Tokens(AuthSettings(keys=(Secret("correct-horse-battery-staple-0123456789"),))).issue(
        "ada", ["chat"]
    )

    with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
        await service.connect("secret/a")
    ws = await service.connect("secret/a", headers={"Authorization": f"Bearer {token.access_token}"})

    assert await texts(ws, 1) == ["/secret/a"]
    assert await closed_with(ws) == WSCloseCode.OK


async def test_a_message_too_large_closes_1009_and_harms_nobody(start: Any) -> None:
    service = await start(max_message=1_000)
    ada, bob = await service.connect(), await service.connect()

    await bob.send_str("x" * 1_001)

    assert await closed_with(bob) == WSCloseCode.MESSAGE_TOO_BIG
    assert await texts(ada, 3) == ['{"joined":1}', '{"joined":2}', '{"left":1}']


async def test_text_that_is_no_utf_8_closes_1007(start: Any) -> None:
    service = await start()
    ws = await service.connect()

    await ws.send_frame(b"\xff\xfe", WSMsgType.TEXT)

    assert await closed_with(ws) == WSCloseCode.INVALID_TEXT


async def test_a_frame_against_the_protocol_closes_1002(start: Any) -> None:
    service = await start()
    reader, writer, _ = await shake_hands(service.url, GOOD)

    writer.write(b"\x83\x80\x00\x00\x00\x00")  # an opcode that nobody has defined
    received = await asyncio.wait_for(reader.read(), 10)

    assert b"\x88" in received
    assert int.from_bytes(received.partition(b"\x88")[2][1:3], "big") == WSCloseCode.PROTOCOL_ERROR
    writer.close()


async def test_binary_messages_close_1003(start: Any) -> None:
    service = await start()
    ws = await service.connect()

    await ws.send_bytes(b"\x00")

    assert await closed_with(ws) == WSCloseCode.UNSUPPORTED_DATA


@pytest.mark.parametrize(
    ("said", "code", "logged"),
    [
        pytest.param("{not JSON", WSCloseCode.INVALID_TEXT, 0, id="1007, for what is no JSON"),
        pytest.param('"refuse"', WSCloseCode.POLICY_VIOLATION, 0, id="1008, for what the handler refuses"),
        pytest.param("0", WSCloseCode.INTERNAL_ERROR, 1, id="1011, for a bug, which is logged once"),
    ],
)
async def test_an_error_in_the_handler_closes(
    start: Any, caplog: pytest.LogCaptureFixture, said: str, code: int, logged: int
) -> None:
    service = await start()
    ws = await service.connect("values/a")
    await ws.send_str("21")

    await ws.send_str(said)

    assert (await texts(ws, 1)) == ['{"double":42}']
    assert await closed_with(ws) == code
    await service.count_becomes("a", 0)
    assert [r.message for r in caplog.records if r.levelno >= logging.ERROR] == ["socket_failed"] * logged


async def test_a_full_room_takes_nobody_else(start: Any) -> None:
    service = await start(room_size=1)
    ada = await service.connect()

    with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
        await service.connect()

    assert await texts(ada, 1) == ['{"joined":1}']
    assert service.rooms.count("a") == 1


@asynccontextmanager
async def stuck(url: URL) -> AsyncIterator[None]:
    """Join a room and never read again."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(connection, (url.host, url.port))
    lines = ["GET /rooms/a HTTP/1.1", f"Host: {url.authority}", *(f"{k}: {v}" for k, v in GOOD.items())]
    await loop.sock_sendall(connection, "\r\n".join([*lines, "", ""]).encode())
    try:
        yield
    finally:
        connection.close()


async def test_a_stuck_member_delays_nobody_and_is_dropped(start: Any) -> None:
    service = await start(backlog=200_000)
    ada = await service.connect()
    message = "x" * 100_000

    async with stuck(service.url):
        await service.count_becomes("a", 2)
        await texts(ada, 2)
        sent = 0
        while service.rooms.count("a") == 2:
            await ada.send_str(message)
            assert await texts(ada, 1) == [message]
            sent += 1
            assert sent < 1_000
        assert await texts(ada, 1) == ['{"left":1}']

    assert service.rooms.count("a") == 1


async def test_the_connection_of_a_stuck_member_is_given_up(client: aiohttp.ClientSession) -> None:
    settings = dataclasses.replace(SETTINGS, backlog=200_000)
    app = kernel_app(routes, batteries=(sockets.battery(settings), NO_AUTH))
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    service = Service(app, URL(f"http://127.0.0.1:{runner.addresses[0][1]}"), client)

    async with stuck(service.url):
        await service.count_becomes("a", 1)
        while service.rooms.count("a"):
            await service.rooms.broadcast("a", "x" * 100_000)
        async with asyncio.timeout(10):
            while runner.server is not None and runner.server.connections:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    assert service.rooms.counts() == {}
    await runner.cleanup()


async def test_whoever_talks_too_fast_is_listened_to_more_slowly(start: Any) -> None:
    service = await start(messages_per_second=1)
    ada, bob = await service.connect(), await service.connect()
    await texts(bob, 1)

    for number in range(10):
        await ada.send_str(str(number))
    heard = await texts(bob, 2)
    for _ in range(20):  # time enough for the rest, if it were listened to
        await service.client.get(service.url / "rooms/a")
    await bob.send_str("bob")
    while heard[-1] != "bob":
        heard += await texts(bob, 1)

    assert heard[:2] == ["0", "1"]
    assert len(heard) < 10


async def test_a_burst_of_messages_drops_nobody_who_fetches(start: Any) -> None:
    service = await start(backlog=20_000)
    ada, bob = await service.connect(), await service.connect()
    await texts(ada, 2)
    await texts(bob, 1)

    for number in range(500):
        await ada.send_str(str(number))

    assert await texts(bob, 500) == [str(number) for number in range(500)]


async def test_a_peer_that_gives_no_sign_of_life_is_let_go(start: Any) -> None:
    service = await start(heartbeat=timedelta(seconds=0.2))

    _, writer, _ = await shake_hands(service.url, GOOD)

    await service.count_becomes("a", 0)
    assert service.rooms.counts() == {}
    writer.close()


async def test_every_socket_is_closed_1001_when_the_service_stops(client: aiohttp.ClientSession) -> None:
    app = kernel_app(routes, batteries=(sockets.battery(SETTINGS), NO_AUTH))
    runner = web.AppRunner(app, shutdown_timeout=5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = URL(f"http://127.0.0.1:{runner.addresses[0][1]}/rooms/a")
    both = [await client.ws_connect(url), await client.ws_connect(url)]

    codes, _ = await asyncio.gather(asyncio.gather(*map(closed_with, both)), runner.cleanup())

    assert codes == [WSCloseCode.GOING_AWAY, WSCloseCode.GOING_AWAY]


def test_a_pace_lets_a_burst_pass_and_then_slows_down() -> None:
    rate = MessageRate(10, now=0.0)

    delays = [rate.delay(10, now=0.0) for _ in range(22)]

    assert delays[:20] == [0.0] * 20
    assert delays[20:] == [0.1, 0.2]
    assert rate.delay(10, now=10.0) == 0.0


def test_a_pace_counts_a_large_message_as_many() -> None:
    rate = MessageRate(10, now=0.0)

    assert rate.delay(1024 * 1024, now=0.0) == pytest.approx(4.5)


def test_an_outbox_takes_no_more_than_its_limit_and_gives_what_it_has() -> None:
    outbox = Outbox(1_000)

    taken = [outbox.offer(letter * 300) for letter in (b"a", b"b", b"c")]
    outbox.close()

    assert taken == [True, True, False]
    assert outbox.take() == b"a" * 300 + b"b" * 300
    assert len(outbox) == 0


def test_an_outbox_gives_no_more_at_once_than_is_worth_one_write() -> None:
    outbox = Outbox(150_000)
    for letter in (b"a", b"b", b"c"):
        outbox.offer(letter * 40_000)

    first, has_room = outbox.take(), outbox.offer(b"d" * 70_000)
    rest, is_empty = outbox.take(), not outbox

    assert (first, has_room) == (b"a" * 40_000 + b"b" * 40_000, True)
    assert (rest, is_empty) == (b"c" * 40_000 + b"d" * 70_000, True)


def test_an_empty_outbox_takes_a_message_of_any_size() -> None:
    assert Outbox(10).offer(b"x" * 100)


def test_a_closed_outbox_takes_nothing_and_blames_nobody() -> None:
    outbox = Outbox(10)
    outbox.offer(b"x" * 100)
    outbox.close(discard=True)

    assert outbox.offer(b"more")
    assert len(outbox) == 0


class Listener:
    """Be somebody for whom nothing waits, or whose turn fails."""

    def __init__(self, fails: bool) -> None:
        self._fails = fails
        self.turns = 0

    def flush(self) -> bool:
        self.turns += 1
        if self._fails:
            raise OSError("broken")
        return True


async def test_whoever_fails_at_their_turn_keeps_nobody_from_theirs() -> None:
    failures: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: failures.append(context))
    listeners = [Listener(fails=number == 10) for number in range(200)]

    Delivery().to(listeners)
    for _ in range(10):
        await asyncio.sleep(0)

    assert [listener.turns for listener in listeners] == [1] * 200
    assert [str(failure["exception"]) for failure in failures] == ["broken"]


def test_a_membership_forgets_empty_rooms() -> None:
    membership: Membership[str] = Membership(2)

    admitted = [membership.add("a", name) for name in ("ada", "bob", "eve")]
    counts = membership.counts()
    membership.remove("a", "ada")
    membership.remove("a", "bob")
    membership.remove("a", "bob")

    assert admitted == [True, True, False]
    assert counts == {"a": 2}
    assert membership.counts() == {}


@pytest.mark.parametrize(
    "fields",
    [
        {"heartbeat": timedelta(0)},
        {"max_message": 0},
        {"backlog": 0},
        {"origins": ("app.example",)},
        {"origins": ("https://app.example/",)},
        {"origins": ("*",)},
        {"origins": ("https://*",)},
    ],
    ids=str,
)
def test_settings_refuse(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        SocketSettings(**fields)
