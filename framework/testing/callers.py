"""A caller of a service under test, and what comes back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import aiohttp
import svcs
from aiohttp import hdrs, web
from multidict import CIMultiDictProxy
from yarl import URL

from framework.batteries.auth import Tokens
from framework.context import REGISTRY
from framework.testing.contract import ensure_kept
from framework.testing.forms import forms_in

_LONGEST = 2000


@dataclass(frozen=True)
class Answer:
    """A whole response, and assertions that say what came instead."""

    method: str
    url: URL
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @cached_property
    def json(self) -> Any:
        return json.loads(self.body)

    def ensure(self, status: int) -> Answer:
        """Return the answer.

        Raises:
            AssertionError: It has another status; the message shows what it says.
        """
        if self.status != status:
            raise AssertionError(f"{self._line} answered {self.status} instead of {status}:\n{self._shown}")
        return self

    def problem(self, status: int) -> Mapping[str, Any]:
        """Return the problem document (RFC 9457) that it holds.

        Raises:
            AssertionError: It has another status, or holds none.
        """
        self.ensure(status)
        if not self.headers.get(hdrs.CONTENT_TYPE, "").startswith("application/problem+json"):
            raise AssertionError(f"{self._line} answered {status} without a problem document:\n{self._shown}")
        document: Mapping[str, Any] = self.json
        return document

    def faults(self) -> dict[str, str]:
        """Return what is wrong with the values of a request, by their JSON pointers.

        Raises:
            AssertionError: It is no 422 with a problem document.
        """
        return {each["pointer"]: each["detail"] for each in self.problem(422)["errors"]}

    @property
    def _line(self) -> str:
        return f"{self.method} {self.url.path_qs}"

    @property
    def _shown(self) -> str:
        try:
            text = json.dumps(self.json, indent=2, ensure_ascii=False)
        except ValueError:
            text = self.body.decode(errors="replace")
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


@dataclass(frozen=True, slots=True)
class Event:
    """A server-sent event."""

    data: str
    event: str = "message"
    id: str = ""


class Api:
    """A caller of a service: nobody in particular, with cookies of its own.

    Args:
        app: The service.
        url: Where it runs.
        session: The connections, and the cookies.
        headers: What goes with each request.
    """

    def __init__(
        self,
        app: web.Application,
        url: URL,
        session: aiohttp.ClientSession,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.app, self.url, self.session = app, url, session
        self.headers = dict(headers or {})

    async def as_user(self, subject: str, *scopes: str, generation: int = 0) -> Api:
        """Return a caller with an access token of the service's own.

        Args:
            subject: Who it is.
            scopes: What they may do.
            generation: That of their sign-ins.

        Raises:
            svcs.exceptions.ServiceNotFoundError: The service has no battery `auth`.
        """
        async with svcs.Container(self.app[REGISTRY]) as container:
            tokens = await container.aget(Tokens)
        token = tokens.issue(subject, scopes, generation=generation).access_token
        return Api(self.app, self.url, self.session, {**self.headers, hdrs.AUTHORIZATION: f"Bearer {token}"})

    async def request(self, method: str, path: str, **sending: Any) -> Answer:
        """Send a request and return the whole answer; redirects are not followed unless ``allow_redirects=True``.

        Args:
            method: The method.
            path: Path and query on the service.
            sending: What aiohttp's `ClientSession.request` takes, such as ``json``, ``data`` and ``params``.
        """
        sending["headers"] = {**self.headers, **(sending.get("headers") or {})}
        sending.setdefault("allow_redirects", False)
        async with self.session.request(method, self.url.join(URL(path)), **sending) as response:
            body = await response.read()
            return Answer(method, response.url, response.status, response.headers, body)

    async def get(self, path: str, **sending: Any) -> Answer:
        """Send GET, as `request` does."""
        return await self.request(hdrs.METH_GET, path, **sending)

    async def post(self, path: str, **sending: Any) -> Answer:
        """Send POST, as `request` does."""
        return await self.request(hdrs.METH_POST, path, **sending)

    async def put(self, path: str, **sending: Any) -> Answer:
        """Send PUT, as `request` does."""
        return await self.request(hdrs.METH_PUT, path, **sending)

    async def patch(self, path: str, **sending: Any) -> Answer:
        """Send PATCH, as `request` does."""
        return await self.request(hdrs.METH_PATCH, path, **sending)

    async def delete(self, path: str, **sending: Any) -> Answer:
        """Send DELETE, as `request` does."""
        return await self.request(hdrs.METH_DELETE, path, **sending)

    async def submit(self, page: str, **fields: Any) -> Answer:
        """Fill in the form of a page that has these fields, and send it as a browser would, CSRF token included.

        Args:
            page: Path of the page.
            fields: What is filled in; a file is an open one, or bytes.

        Raises:
            AssertionError: The page is none, or has no such form.
        """
        shown = (await self.get(page)).ensure(200)
        forms = forms_in(shown.text)
        form = next((each for each in forms if fields.keys() <= each.names), None)
        if form is None:
            found = "; ".join(", ".join(sorted(each.names)) for each in forms) or "no form"
            raise AssertionError(f"{page} has no form with {', '.join(fields)}; it has {found}.")
        target = str(URL(page).join(URL(form.action))) if form.action else page
        values = {**form.values, **fields}
        if form.method == hdrs.METH_GET:
            return await self.get(target, params=values)
        data = aiohttp.FormData(default_to_multipart=form.is_multipart)
        for name, value in values.items():
            data.add_field(name, value)
        return await self.request(form.method, target, data=data)

    def socket(self, path: str, **options: Any) -> Any:
        """Return the context of a WebSocket: ``async with api.socket("/chat") as socket``."""
        options["headers"] = {**self.headers, **(options.get("headers") or {})}
        return self.session.ws_connect(self.url.join(URL(path)), **options)

    @asynccontextmanager
    async def events(self, path: str, **sending: Any) -> AsyncIterator[AsyncIterator[Event]]:
        """Listen to server-sent events: ``async with api.events("/news") as events: first = await anext(events)``.

        Raises:
            AssertionError: The answer is no stream of events.
        """
        sending["headers"] = {**self.headers, **(sending.get("headers") or {})}
        async with self.session.get(self.url.join(URL(path)), **sending) as response:
            if response.content_type != "text/event-stream":
                kind = response.content_type
                raise AssertionError(
                    f"GET {path} answered {response.status} with {kind}, which is no stream of events."
                )
            yield _events(response)

    async def assert_contract(self, answer: Answer) -> None:
        """Check that an answer is one of those that the service's OpenAPI document names, with a body that fits.

        Raises:
            AssertionError: It is not; the message says what differs.
        """
        document = (await self.get("/openapi.json")).ensure(200).json
        ensure_kept(document, answer)


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[Event]:
    found: dict[str, list[str]] = {}
    async for line in response.content:
        text = line.decode().rstrip("\r\n")
        if text:
            name, _, value = text.partition(":")
            found.setdefault(name, []).append(value.removeprefix(" "))
        elif "data" in found:
            kind, number = found.get("event", ["message"])[-1], found.get("id", [""])[-1]
            yield Event("\n".join(found["data"]), kind, number)
            found = {}
