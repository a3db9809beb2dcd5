"""What the modules are made of that ``framework client python`` writes: calls with types, and errors as exceptions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote

import aiohttp
from yarl import URL

from framework import validation
from framework.batteries.client.calls import HttpClient

Authorize = Callable[[], Awaitable[Mapping[str, str]]]


class APIProblem(Exception):
    """An error that the service answered with (RFC 9457); the generated module has a class for each of its kinds.

    Attributes:
        status: The HTTP status.
        type: The URI that tells the kind of problem.
        document: The problem with all of its members.
    """

    status: ClassVar[int] = 0
    type: ClassVar[str] = "about:blank"

    def __init__(self, code: int, document: Mapping[str, Any]) -> None:
        self.code = code
        self.document = document
        super().__init__(str(document.get("detail") or document.get("title") or f"status {code}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of an operation.

    Attributes:
        path: The template, and under `at` what goes into it.
        query, headers: Their values; None leaves one out.
        body: What is sent as JSON, with its type.
        form: The fields of a multipart form, files among them.
    """

    method: str
    path: str
    at: Mapping[str, Any] | None = None
    query: Mapping[str, Any] | None = None
    headers: Mapping[str, Any] | None = None
    body: tuple[Any, Any] | None = None
    form: Mapping[str, Any] | None = None


class TypedClient:
    """A client of one service; the generated class adds a method for each operation.

    Args:
        http: What sends, with its limits and retries.
        base: Where the service is.
        authorize: ``async () -> headers``: asked before each request for who calls.
    """

    problems: ClassVar[tuple[type[APIProblem], ...]] = ()

    def __init__(self, http: HttpClient, base: str | URL, *, authorize: Authorize | None = None) -> None:
        self._http = http
        self._base = str(base).rstrip("/")
        self._authorize = authorize

    async def send(self, call: Call, returns: Any = None) -> Any:
        """Return what the service answered, as a value of the type.

        Raises:
            APIProblem: It answered with an error.
        """
        reply = await self._http.send(call.method, self._url(call), **await self._sending(call))
        if not reply.ok:
            raise self._problem(reply.status, reply.body)
        if returns is None or not reply.body:
            return None
        return validation.compile(returns).load(validation.decode(reply.body))

    @asynccontextmanager
    async def open(self, call: Call) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open an answer that is read piece by piece, from its ``content``.

        Raises:
            APIProblem: The service answered with an error.
        """
        sending = await self._sending(call)
        async with self._http.stream(call.method, self._url(call), **sending) as response:
            if not response.ok:
                raise self._problem(response.status, await response.content.read(_LONGEST_PROBLEM_BYTES))
            yield response

    def _url(self, call: Call) -> URL:
        path = call.path
        for name, value in (call.at or {}).items():
            path = path.replace("{" + name + "}", quote(_text(value), safe=""))
        query = [
            (name, _text(each))
            for name, value in (call.query or {}).items()
            if value is not None
            for each in (value if isinstance(value, list | tuple | set) else [value])
        ]
        return URL(self._base + path, encoded=True).with_query(query)

    async def _sending(self, call: Call) -> Any:
        headers = {name: _text(value) for name, value in (call.headers or {}).items() if value is not None}
        if self._authorize is not None:
            headers.update(await self._authorize())
        if call.form is not None:
            return {"headers": headers, "data": _form(call.form)}
        if call.body is None:
            return {"headers": headers}
        kind, value = call.body
        headers["Content-Type"] = "application/json"
        # As bytes, so that it can be sent again where that is safe.
        return {"headers": headers, "data": validation.encode(validation.compile(kind).dump(value))}

    def _problem(self, status: int, body: bytes) -> APIProblem:
        try:
            document = validation.decode(body)
        except validation.MalformedJSON:
            document = {}
        document = document if isinstance(document, dict) else {}
        named = [each for each in self.problems if each.type == document.get("type") != APIProblem.type]
        usual = [each for each in self.problems if (each.status, each.type) == (status, APIProblem.type)]
        kind = next(iter([*named, *usual]), APIProblem)
        return kind(status, document)


_LONGEST_PROBLEM_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to be sent: bytes, an open file, or chunks that come one by one."""

    content: Any
    filename: str = "file"
    content_type: str = "application/octet-stream"


def _form(values: Mapping[str, Any]) -> aiohttp.FormData:
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in values.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, Upload):
                form.add_field(name, each.content, filename=each.filename, content_type=each.content_type)
            elif each is not None:
                form.add_field(name, _text(each))
    return form


def _text(value: Any) -> str:
    written = validation.decode(validation.encode(value))
    return written if isinstance(written, str) else validation.encode(written).decode()
