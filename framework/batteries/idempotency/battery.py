"""Do once what is sent several times with the same key, and answer each time the same."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from aiohttp import hdrs, web

from framework.batteries.idempotency.keys import HEADER, PATTERN, digest, key_from
from framework.batteries.idempotency.settings import IdempotencySettings
from framework.batteries.idempotency.stores import Kept, MemoryStore, Store, in_progress
from framework.battery import Battery, Handler, Middleware
from framework.binding.bodies import read_body
from framework.context import BATTERIES, PRINCIPAL
from framework.endpoint import Endpoint, Mark, Source, function_of
from framework.errors import BadRequest, ConfigurationError, UnprocessableContent, UnsupportedMediaType

REPLAY_HEADER = "Idempotent-Replay"

_SAFE = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS, hdrs.METH_TRACE})
_FIRST_ERROR = 400
# Of this connection, of this moment, or of one browser: each answer gets its own.
_PASSING = frozenset(
    name.lower()
    for name in (
        hdrs.CONNECTION,
        hdrs.CONTENT_LENGTH,
        hdrs.DATE,
        hdrs.KEEP_ALIVE,
        hdrs.SERVER,
        hdrs.SET_COOKIE,
        hdrs.TRANSFER_ENCODING,
    )
)


@dataclass(frozen=True, slots=True)
class Idempotent(Mark):
    """A promise that a request with an ``Idempotency-Key`` is done once, however often it is sent.

    Attributes:
        required: A request without a key is refused.
    """

    battery: ClassVar[str | None] = "idempotency"
    problems: ClassVar[tuple[int, ...]] = (400, 409, 422)
    required: bool = False

    def parameters(self) -> Sequence[Mapping[str, Any]]:
        """Return the header, for the OpenAPI document."""
        description = (
            "Repeat a request with the same key to get the first one's answer instead of a second effect."
        )
        schema = {"type": "string", "pattern": PATTERN}
        return (
            {
                "in": "header",
                "name": HEADER,
                "description": description,
                "required": self.required,
                "schema": schema,
            },
        )

    def headers(self) -> Mapping[str, str]:
        """Return the header that tells an answer which was given before."""
        return {REPLAY_HEADER: "That this is the answer to an earlier request with the same key."}


idempotent = Idempotent()
"""Do a request with an ``Idempotency-Key`` only once: ``@idempotent``."""

requires_key = Idempotent(required=True)
"""Do each request only once, and refuse those without an ``Idempotency-Key``: ``@requires_key``."""


def battery(settings: IdempotencySettings | None = None, *, store: Store | None = None) -> Battery:
    """Heed ``Idempotency-Key`` at the endpoints that are marked ``@idempotent`` or ``@requires_key``.

    Args:
        settings: How long answers are kept.
        store: Where; in memory when None. With a `SqlStore` list the battery behind the database's, with another store
            before it.
    """
    settings, store = settings or IdempotencySettings(), store or MemoryStore()
    seconds = int(settings.lifetime.total_seconds())
    running: set[str] = set()

    def plan(endpoint: Endpoint) -> Middleware | None:
        mark = endpoint.find(Idempotent)
        if mark is None or not _is_unsafe(endpoint):
            return None
        return _Once(store, seconds, mark.required, endpoint, running).middleware

    @asynccontextmanager
    async def lifespan(app: web.Application) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await store.close()

    inner = {"database"} if store.in_transaction else set()

    def setup(app: web.Application, endpoints: Sequence[Endpoint]) -> None:
        if inner.difference(each.name for each in app[BATTERIES]):
            raise ConfigurationError(
                "The battery 'idempotency' keeps answers in the database, and there is none; "
                "list database.battery(...) before it."
            )

    return Battery(
        name="idempotency",
        after=frozenset({"problems", "csrf", "auth", *inner}),
        before=frozenset({"database"} - inner),
        plan=plan,
        setup=setup,
        lifespan=lifespan,
        check=store.check,
    )


def _is_unsafe(endpoint: Endpoint) -> bool:
    """Tell whether an endpoint changes something.

    Raises:
        ConfigurationError: It does not, or it takes a form, whose boundary is another at each try.
    """
    if endpoint.method in _SAFE:
        if inspect.isclass(function_of(endpoint.handler)):
            return False  # one of several methods of a web.View
        raise ConfigurationError(
            f"{endpoint}: @idempotent is for what changes something, and {endpoint.method} never does; take it away."
        )
    if endpoint.parameter(Source.FORM) is not None:
        raise ConfigurationError(
            f"{endpoint}: @idempotent compares bodies, and a form's may differ at each try; take a body instead."
        )
    return True


@dataclass(frozen=True, slots=True)
class _Once:
    """What stands around one endpoint's handler.

    Attributes:
        running: The keys that this worker works on, of all endpoints.
    """

    store: Store
    seconds: int
    required: bool
    endpoint: Endpoint
    running: set[str] = field(repr=False)

    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request that was answered before as it was then.

        Raises:
            BadRequest: The key is missing or none.
            UnprocessableContent: It was used for another request.
            Conflict: That request is being worked on.
        """
        lines = request.headers.getall(HEADER, None)
        if lines is None:
            if self.required:
                raise BadRequest(
                    f"Send {HEADER}: a new text for each new request, and the same at each try of it."
                )
            return await handler(request)
        if request.method in _SAFE:
            return await handler(request)
        key, fingerprint = self._scoped(request, key_from(lines)), await _fingerprint(request)
        if key in self.running:
            raise in_progress()
        self.running.add(key)
        try:
            kept = await self.store.begin(request, key)
            if kept is None:
                return await self._first(request, handler, key, fingerprint)
        finally:
            self.running.discard(key)
        if kept.fingerprint != fingerprint:
            raise UnprocessableContent(f"This {HEADER} was used for another request: make a new one.")
        return _again(kept)

    async def _first(
        self, request: web.Request, handler: Handler, key: str, fingerprint: str
    ) -> web.StreamResponse:
        is_kept = False
        try:
            response = await handler(request)
            is_kept = await self._keep(request, response, key, fingerprint)
        except web.HTTPException as error:
            # A plain aiohttp handler raises its redirects.
            is_kept = await self._keep(request, error, key, fingerprint)
            raise
        finally:
            if not is_kept:
                await self.store.release(request, key)
        return response

    async def _keep(
        self, request: web.Request, response: web.StreamResponse, key: str, fingerprint: str
    ) -> bool:
        """Keep a success, and tell whether it was one: errors have left nothing behind, so the next try is free."""
        if response.status >= _FIRST_ERROR:
            return False
        await self.store.keep(request, key, _record(response, fingerprint, self.endpoint), self.seconds)
        return True

    def _scoped(self, request: web.Request, key: str) -> str:
        """Return the key within those of the caller and the endpoint."""
        principal = request.get(PRINCIPAL)
        caller = ("address", request.remote or "") if principal is None else ("subject", principal.subject)
        return digest(*caller, self.endpoint.method, self.endpoint.path, key)


async def _fingerprint(request: web.Request) -> str:
    """Return what tells a request from another with the same key.

    Raises:
        UnsupportedMediaType: It is a multipart body, which differs at each try.
        ContentTooLarge: The body is longer than the endpoint's limit.
    """
    if request.content_type.startswith("multipart/"):
        raise UnsupportedMediaType(request.headers[hdrs.CONTENT_TYPE], ["application/json"])
    content_type = request.headers.get(hdrs.CONTENT_TYPE, "")
    return digest(request.method, request.raw_path, content_type, await read_body(request))


def _record(response: web.StreamResponse, fingerprint: str, endpoint: Endpoint) -> Kept:
    body = response.body if isinstance(response, web.Response) else NotImplemented
    if response.prepared or not isinstance(body, bytes | bytearray | None):
        raise TypeError(f"{endpoint}: @idempotent keeps whole answers, and this one is a stream.")
    headers = tuple((name, value) for name, value in response.headers.items() if name.lower() not in _PASSING)
    return Kept(fingerprint, response.status, headers, bytes(body or b""))


def _again(kept: Kept) -> web.Response:
    response = web.Response(status=kept.status, body=kept.body or None)
    for name in {name for name, _ in kept.headers}:
        response.headers.popall(name, None)
    for name, value in kept.headers:
        response.headers.add(name, value)
    response.headers[REPLAY_HEADER] = "true"
    return response
