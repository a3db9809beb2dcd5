"""Visitors, for the tests: each asks the service as one person does."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from aiohttp import ClientResponse, ClientSession
from yarl import URL

PASSWORD = "correct horse"  # noqa: S105 - it opens nothing
NOBODYS = UUID("3f0c8b5e-6d0f-4c3a-9a51-0f2f6f1f7d10")
"""An id that nothing has."""


@dataclass
class Visitor:
    """Somebody, signed in or not."""

    session: ClientSession
    url: URL
    id: str = ""
    email: str = ""
    token: str = ""

    def ask(self, method: str, path: str, **options: Any) -> AbstractAsyncContextManager[ClientResponse]:
        """Send a request, with the token if there is one."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= options.pop("headers", {})
        return self.session.request(method, self.url.join(URL(path)), headers=headers, **options)

    async def get(self, path: str, **options: Any) -> Any:
        """Return the JSON of a successful answer."""
        async with self.ask("GET", path, **options) as response:
            return await _json_of(response, succeeded=response.status == 200)

    async def post(self, path: str, json: Any) -> Any:
        """Return the JSON of a successful answer."""
        async with self.ask("POST", path, json=json) as response:
            return await _json_of(response, succeeded=response.status in {200, 201})

    async def refused(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Return the status and the problem document of an error."""
        async with self.ask(method, path, **options) as response:
            problem = await _json_of(response, succeeded=response.content_type == "application/problem+json")
            return response.status, problem

    async def sign_in(self, email: str, password: str = PASSWORD) -> Any:
        """Get tokens and use them from now on."""
        tokens = await self.post("/api/tokens", {"email": email, "password": password})
        self.token = tokens["access_token"]
        return tokens


async def _json_of(response: ClientResponse, *, succeeded: bool) -> Any:
    if not succeeded:
        raise AssertionError(f"{response.status}: {await response.text()}")
    return await response.json()
