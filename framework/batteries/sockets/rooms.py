"""Rooms: what one member says reaches all, and none of them can harm the others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from framework import validation
from framework.adapters.aiohttp.sockets import bound
from framework.batteries.sockets.delivery import Delivery, text_frame
from framework.batteries.sockets.flow import MessageRate, Outbox
from framework.batteries.sockets.handshake import ensure_handshake, ensure_origin
from framework.batteries.sockets.membership import Membership
from framework.batteries.sockets.settings import SocketSettings
from framework.battery import Battery
from framework.context import GUARD_SOCKET, REGISTRY
from framework.endpoint import Endpoint
from framework.error_handling import ERROR_HANDLING
from framework.errors import ServiceError, ServiceUnavailable
from framework.http.origins import origins_from
from framework.server.connections import CONNECTIONS
from framework.server.lifecycle import ensure_lifecycle
from framework.tasks import Tasks, running

_LONGEST_REASON_BYTES = 123

_log = logging.getLogger("framework.sockets")


class Member:
    """One end of a socket in a room.

    Iterate over it for the texts that the peer sends; the iteration ends with the connection.

    Attributes:
        room: The room.
        response: What the handler returns in the end.
    """

    def __init__(self, request: web.Request, room: str, settings: SocketSettings) -> None:
        self.room = room
        self._settings = settings
        self._close_seconds = settings.close_timeout.total_seconds()
        self._transport = request.transport
        self._protocol = request.protocol
        self._outbox = Outbox(settings.backlog)
        self._stalled = asyncio.Event()
        self._handshake = asyncio.Event()  # set when it is over, well or not
        self.response = web.WebSocketResponse(
            timeout=self._close_seconds,
            heartbeat=settings.heartbeat.total_seconds(),
            max_msg_size=settings.max_message,
            compress=False,
        )

    async def open(self, request: web.Request) -> None:
        """Answer the handshake."""
        try:
            self._writer = await self.response.prepare(request)
        finally:
            self._handshake.set()

    async def __aiter__(self) -> AsyncGenerator[str]:
        loop = asyncio.get_running_loop()
        rate = MessageRate(self._settings.messages_per_second, loop.time())
        async for message in self.response:
            if message.type is not WSMsgType.TEXT:
                # After an error the socket is closed already, with the code that says which (RFC 6455, 7.4.1).
                await self.close(WSCloseCode.UNSUPPORTED_DATA, "Send text.")
                return
            yield message.data
            delay = rate.delay(len(message.data), loop.time())
            if delay:
                await asyncio.sleep(delay)

    async def values(self) -> AsyncGenerator[Any]:
        """Iterate over the JSON values that the peer sends.

        Raises:
            MalformedJSON: The peer sent something else; left alone, it closes the socket with 1007.
        """
        async for text in self:
            yield validation.decode(text.encode())

    async def send(self, text: str) -> None:
        """Send a text to this member alone; wait while too much waits for it already."""
        while self._outbox.is_half_full and not self.flush():
            await self._fetched()
        self._outbox.offer(text_frame(text.encode()))
        self.flush()

    async def send_json(self, value: Any) -> None:
        """Send a value to this member alone, as JSON."""
        await self.send(validation.encode(value).decode())

    def offer(self, frame: bytes) -> bool:
        """Add a message to what waits for this member; False if it has fallen too far behind."""
        if self._outbox.offer(frame):
            return True
        self.flush()  # perhaps it has only not had its turn
        return self._outbox.offer(frame)

    def flush(self) -> bool:
        """Send what waits, as far as the peer fetches it; False if something is left."""
        outbox, transport = self._outbox, self._transport
        if transport is None or transport.is_closing() or self.response.closed:
            outbox.close(discard=True)
            return True
        while outbox:
            if self._protocol.writing_paused or not self.response.prepared:
                self._stalled.set()
                return False
            transport.write(outbox.take())
        return True

    async def deliver(self) -> None:
        """Send what has to wait for the peer, for as long as this runs."""
        while True:
            await self._stalled.wait()
            self._stalled.clear()
            await self._deliver_all()

    async def _deliver_all(self) -> None:
        while not self.flush():
            await self._fetched()

    async def _fetched(self) -> None:
        """Wait until the peer has fetched what is written, or is gone."""
        with suppress(ConnectionError):
            await self._writer.drain()

    async def close(self, code: int = WSCloseCode.OK, reason: str = "") -> None:
        """Send what waits and close; a peer that takes no leave in time is cut off."""
        self._outbox.close()
        await self._part(code, reason, patiently=True)

    async def drop(self, code: int, reason: str) -> None:
        """Close without sending what waits."""
        self._outbox.close(discard=True)
        await self._part(code, reason, patiently=False)

    async def _part(self, code: int, reason: str, *, patiently: bool) -> None:
        message = reason.encode()[:_LONGEST_REASON_BYTES].decode(errors="ignore").encode()
        await self._handshake.wait()  # a room may say too much for somebody who is only coming in
        if not self.response.prepared:
            return
        try:
            async with asyncio.timeout(self._close_seconds):
                if patiently:
                    await self._deliver_all()
                await self.response.close(code=code, message=message)
        except (TimeoutError, ConnectionError):
            pass
        finally:
            self._cut_off_later()

    def _cut_off_later(self) -> None:
        # NOTE: a transport that is closed still waits for its peer to fetch what is left, for as long as TCP lives.
        if self._transport is not None and self._transport.get_write_buffer_size():
            asyncio.get_running_loop().call_later(self._close_seconds, self._transport.abort)


class Rooms:
    """The rooms of a service; a handler asks for it by its type.

    ::

        @routes.get("/ws/rooms/{room}")
        @authenticated
        async def chat(request: web.Request, room: str, rooms: Rooms) -> web.WebSocketResponse:
            async with rooms.join(request, room) as member:
                async for text in member:
                    await rooms.broadcast(room, text)
            return member.response

    Rooms are within one process.
    """

    def __init__(self, settings: SocketSettings) -> None:
        self._settings = settings
        self._origins = origins_from(settings.origins)
        self._members: Membership[Member] = Membership(settings.room_size)
        self._delivery = Delivery()
        self._farewells = Tasks(limit=100_000, drain_seconds=settings.close_timeout.total_seconds())

    def count(self, room: str) -> int:
        """Return how many are in a room."""
        return self.counts().get(room, 0)

    def counts(self) -> dict[str, int]:
        """Return how many are in each room."""
        return self._members.counts()

    def guard(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        """Give a WebSocket, of ours or a handler's own, its limits, and check that its page may have one.

        Raises:
            Forbidden: The page is of an origin that may not.
        """
        self.ensure_origin(request)
        heartbeat = self._settings.heartbeat.total_seconds()
        bound(socket, heartbeat_seconds=heartbeat, max_message=self._settings.max_message)

    def ensure_origin(self, request: web.Request) -> None:
        """Check that the page that asks for a WebSocket may have one.

        Raises:
            Forbidden: It is of an origin that may not.
        """
        ensure_origin(request.headers, request.host, self._origins)

    @asynccontextmanager
    async def join(self, request: web.Request, room: str) -> AsyncIterator[Member]:
        """Make a socket of the request and a member of it, for as long as the block runs.

        The block ends with the connection. An error in it closes the socket, 1007 or 1008 for one that is the peer's
        fault and 1011 for one that is ours, and goes no further: an HTTP answer is not possible any more. So the
        handler's ``return member.response`` stands behind the block.

        Raises:
            UpgradeRequired: The client does not ask for a WebSocket.
            BadRequest: It asks in the wrong way.
            Forbidden: The page that asks is of an origin that may not.
            ServiceUnavailable: The room is full.
        """
        ensure_handshake(request.method, request.headers)
        self.ensure_origin(request)
        member = Member(request, room, self._settings)
        if not self._members.add(room, member):
            raise ServiceUnavailable("The room is full.")
        try:
            await member.open(request)
            async with (
                request.app[CONNECTIONS].socket(member.response),
                running(member.deliver(), name="sockets.deliver"),
                self._parting(request, member),
            ):
                yield member
        finally:
            self._members.remove(room, member)

    async def broadcast(self, room: str, text: str) -> None:
        """Send a text to everybody in a room; a member who does not fetch delays nobody and is dropped in the end."""
        frame, members = text_frame(text.encode()), self._members.of(room)
        for member in members:
            if not member.offer(frame):
                self._drop(member)
        self._delivery.to(members)
        # Without a pause a fast speaker would fill the outboxes before anything is sent from them.
        await asyncio.sleep(0)

    async def broadcast_json(self, room: str, value: Any) -> None:
        """Send a value to everybody in a room, as JSON."""
        await self.broadcast(room, validation.encode(value).decode())

    async def close(self) -> None:
        """Wait for the members that are being dropped."""
        await self._farewells.close()

    def _drop(self, member: Member) -> None:
        self._members.remove(member.room, member)
        _log.warning("socket_dropped", extra={"room": member.room, "reason": "too far behind"})
        work = member.drop(WSCloseCode.TRY_AGAIN_LATER, "Too far behind.")
        self._farewells.start(work, name="sockets.drop")

    @asynccontextmanager
    async def _parting(self, request: web.Request, member: Member) -> AsyncIterator[None]:
        """Take leave of a member in the way that fits how its block ended."""
        code, reason = WSCloseCode.OK, ""
        try:
            yield
        except asyncio.CancelledError:
            code = WSCloseCode.GOING_AWAY
            raise
        except ConnectionError:
            # The peer is gone; that is no error of anybody's.
            code = WSCloseCode.GOING_AWAY
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends here: no answer can be given any more
            code, reason = _farewell(request, error, member.room)
        finally:
            self._members.remove(member.room, member)
            await member.close(code, reason)


def battery(settings: SocketSettings) -> Battery:
    """Return the battery that brings `Rooms`."""
    rooms = Rooms(settings)

    def setup(app: web.Application, endpoints: Sequence[Endpoint]) -> None:
        ensure_lifecycle(app)
        app[REGISTRY].register_value(Rooms, rooms)
        app[GUARD_SOCKET] = rooms.guard
        # Our own server has ended the sockets by then; others know nothing of them.
        app.on_shutdown.append(lambda app: app[CONNECTIONS].end())

    @asynccontextmanager
    async def lifespan(app: web.Application) -> AsyncIterator[None]:
        yield
        await rooms.close()

    return Battery(name="sockets", setup=setup, lifespan=lifespan)


def _farewell(request: web.Request, error: Exception, room: str) -> tuple[WSCloseCode, str]:
    """Return close code and reason for an error; log and report it if it is ours."""
    handling = request.app[ERROR_HANDLING]
    told = handling.translate(error)
    if isinstance(error, validation.MalformedJSON):
        return WSCloseCode.INVALID_TEXT, str(error)
    if isinstance(told, ServiceError) and told.status < 500:
        return WSCloseCode.POLICY_VIOLATION, told.detail
    _log.error("socket_failed", exc_info=error, extra={"room": room})
    handling.report(error, request)
    return WSCloseCode.INTERNAL_ERROR, ""
