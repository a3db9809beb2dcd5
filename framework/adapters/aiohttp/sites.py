"""A site that gives up on a TLS handshake in time: aiohttp's own give each the minute that asyncio has for it."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from aiohttp import web


class Site(web.BaseSite):
    """A listener of a runner.

    Args:
        listen: The keyword arguments of ``loop.create_server``.
    """

    __slots__ = ("_listen",)

    def __init__(self, runner: web.BaseRunner, listen: Mapping[str, Any]) -> None:
        super().__init__(runner)
        self._listen = listen

    @property
    def name(self) -> str:
        return str(self._listen.get("sock") or self._listen["host"])

    async def start(self) -> None:
        await super().start()
        loop, server = asyncio.get_running_loop(), self._runner.server
        if server is None:
            raise RuntimeError("Set the runner up before a site of it is started.")
        self._server = await loop.create_server(server, **self._listen)

    async def stop(self) -> None:
        """Stop listening, and take over the connections that the system has accepted until then."""
        listening = getattr(self._server, "sockets", ())
        spare = [socket.socket(fileno=os.dup(each.fileno())) for each in listening]
        await super().stop()
        # NOTE: closing a listener resets what waits in its queue, and under load something always does.
        for listener in spare:
            with listener:
                await self._take_over(listener)

    async def _take_over(self, listener: socket.socket) -> None:
        loop, server = asyncio.get_running_loop(), self._runner.server
        options = {
            name: self._listen[name] for name in ("ssl", "ssl_handshake_timeout") if name in self._listen
        }
        listener.setblocking(False)
        if server is None:
            return
        waiting = []
        with suppress(OSError):
            while True:
                waiting.append(listener.accept()[0])
        for connection in waiting:
            with suppress(OSError):
                await loop.connect_accepted_socket(server, connection, **options)
