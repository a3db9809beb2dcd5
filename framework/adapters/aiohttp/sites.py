"""A site that gives up on a TLS handshake in time: aiohttp's own give each the minute that asyncio has for it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
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
