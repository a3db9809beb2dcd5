"""Calls to other services that end in time, stay small and say what went wrong."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from itertools import count
from typing import Any, TypedDict, Unpack

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from framework import validation
from framework.batteries.client.failures import (
    UPSTREAM_ERRORS,
    DestinationRefused,
    UpstreamFailed,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from framework.batteries.client.retries import is_passing, may_be_repeated, pause_before
from framework.batteries.client.settings import ClientSettings
from framework.batteries.client.upstreams import Upstreams
from framework.context import REQUEST_ID_HEADER

_log = logging.getLogger("framework.client")


class Refused(aiohttp.ClientError, OSError):
    """The refusal of an address that is no allowed destination."""


class Sending(TypedDict, total=False):
    """The things that go with a request.

    Attributes:
        json: A value to be sent as JSON.
        data: A body of bytes or text, a form, or an iterable of chunks.
        timeout_seconds: Less than the settings' total, for this call.
    """

    params: Mapping[str, str]
    headers: Mapping[str, str]
    json: Any
    data: Any
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Reply:
    """The whole response of another service.

    Attributes:
        upstream: The origin that it came from.
    """

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    upstream: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        """Return the JSON in it.

        Raises:
            UpstreamFailed: It is none.
        """
        try:
            return validation.decode(self.body)
        except validation.MalformedJSON as error:
            raise UpstreamFailed(self.upstream, "not JSON") from error


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one of several calls.

    Attributes:
        value: The JSON that came; None if the call failed.
        failure: Why it failed, in a few words that may be shown: ``timeout``, ``unreachable``, ``status 503``; empty
            if it did not.
    """

    url: str
    value: Any = None
    failure: str = ""


class HttpClient:
    """A client of other services on connections that the whole application shares; handlers ask for it by type.

    Args:
        session: The shared connections.
        settings: Limits and defaults.
        request_id: The id of the request that is being answered; it goes along as ``X-Request-ID``.
        deadline: ``() -> time``: when that request's time is up, on the clock of the event loop; None if it has no end.
        upstreams: Where each call is noted.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        settings: ClientSettings,
        *,
        upstreams: Upstreams,
        request_id: str | None = None,
        deadline: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._session = session
        self._settings = settings
        self._upstreams = upstreams
        self._request_id = request_id
        self._deadline = deadline

    async def get(self, url: str | URL, **sending: Unpack[Sending]) -> Reply:
        """Send GET; raises what `send` raises."""
        return await self.send("GET", url, **sending)

    async def post(self, url: str | URL, **sending: Unpack[Sending]) -> Reply:
        """Send POST; raises what `send` raises."""
        return await self.send("POST", url, **sending)

    async def get_json(self, url: str | URL, **sending: Unpack[Sending]) -> Any:
        """Return the JSON behind a URL.

        Raises:
            UpstreamFailed: The status is none of success, or the body is no JSON; or as `send` does.
            UpstreamTimeout: As `send` does.
        """
        reply = await self.send("GET", url, **sending)
        with _explained(url):
            if not reply.ok:
                raise UpstreamFailed(_origin(url), f"status {reply.status}")
            return reply.json()

    async def send(self, method: str, url: str | URL, **sending: Unpack[Sending]) -> Reply:
        """Return the whole answer, whatever its status is.

        Raises:
            UpstreamTimeout: It took longer than the settings, the call or the request's deadline allow.
            UpstreamUnreachable: There was no connection.
            DestinationRefused: The address is an internal one that is not allowed.
            UpstreamFailed: The answer is malformed or too large.
            UpstreamSuspended: It has failed too often, and is left alone for a while.
        """
        clock = asyncio.get_running_loop().time
        end = clock() + self._seconds(sending.pop("timeout_seconds", None))
        retries = self._retries(method, sending)
        for attempt in count(1):
            try:
                reply = await self._sent(method, url, end - clock(), sending)
            except DestinationRefused:
                raise
            except UpstreamUnreachable:
                pause = pause_before(attempt, {})
                if attempt > retries or clock() + pause >= end:
                    raise
            else:
                pause = pause_before(attempt, reply.headers)
                if not is_passing(reply.status) or attempt > retries or clock() + pause >= end:
                    return reply
            await asyncio.sleep(pause)
        raise AssertionError

    async def _sent(self, method: str, url: str | URL, seconds: float, sending: Sending) -> Reply:
        timed: Sending = {**sending, "timeout_seconds": seconds}
        async with self.stream(method, url, **timed) as response:
            body = await self._read(response)
            return Reply(response.status, response.headers, body, _origin(url))

    def _retries(self, method: str, sending: Sending) -> int:
        headers = CIMultiDict(sending.get("headers", {}))
        return self._settings.retries if may_be_repeated(method, headers, sending.get("data")) else 0

    @asynccontextmanager
    async def stream(
        self, method: str, url: str | URL, **sending: Unpack[Sending]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open an answer, to be read from its ``content`` as it comes; raises what `send` does, size aside."""
        options: dict[str, Any] = {**sending}
        seconds = self._seconds(options.pop("timeout_seconds", None))
        with _explained(url):
            if seconds <= 0:
                raise UpstreamTimeout(_origin(url), "timeout")
        headers = options["headers"] = CIMultiDict(options.pop("headers", {}))
        if self._request_id is not None:
            headers.setdefault(REQUEST_ID_HEADER, self._request_id)
        timeout = aiohttp.ClientTimeout(total=seconds, connect=self._settings.connect.total_seconds())
        redirects = self._settings.redirects
        self._upstreams.admit(_origin(url))
        with _explained(url), self._noted(url) as outcome:
            async with self._session.request(
                method,
                url,
                timeout=timeout,
                allow_redirects=redirects > 0,
                max_redirects=redirects,
                **options,
            ) as response:
                if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                    outcome.append(f"status {response.status}")
                yield response

    @contextmanager
    def _noted(self, url: str | URL) -> Iterator[list[str]]:
        """Note how a call ends; yield where a failure is told that raises nothing."""
        origin, started = _origin(url), time.perf_counter()
        told: list[str] = []
        try:
            with _translated(origin):
                yield told
        except DestinationRefused:
            self._upstreams.forget(origin)
            raise
        except (UpstreamFailed, UpstreamTimeout) as error:
            self._upstreams.note(origin, time.perf_counter() - started, error.reason)
            raise
        except BaseException:  # the caller has failed, or has been cancelled
            self._upstreams.forget(origin)
            raise
        else:
            self._upstreams.note(origin, time.perf_counter() - started, *told)

    async def fetch_all(self, urls: Iterable[str], *, timeout_seconds: float | None = None) -> list[Outcome]:
        """Get JSON from several places at once; what fails or is late spoils nothing else.

        Returns:
            One outcome for each URL, in their order.
        """
        return list(await asyncio.gather(*(self._outcome(url, timeout_seconds) for url in urls)))

    async def _outcome(self, url: str, timeout_seconds: float | None) -> Outcome:
        sending: Sending = {} if timeout_seconds is None else {"timeout_seconds": timeout_seconds}
        try:
            return Outcome(url, await self.get_json(url, **sending))
        except UPSTREAM_ERRORS as error:
            return Outcome(url, failure=error.reason)

    def _seconds(self, wanted: float | None) -> float:
        """Return how long a call may take: the shortest of what it wants, what is set and what is left."""
        limits = [self._settings.total.total_seconds()]
        if wanted is not None:
            limits.append(wanted)
        due = self._deadline()
        if due is not None:
            limits.append(due - asyncio.get_running_loop().time())
        return min(limits)

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        limit = self._settings.max_body
        body = bytearray()
        # NOTE: counted once unpacked; a small compressed answer can hold a huge one.
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > limit:
                raise UpstreamFailed(_origin(response.url), f"more than {limit} bytes")
        return bytes(body)


@contextmanager
def _explained(url: str | URL) -> Iterator[None]:
    """Log a failure once."""
    try:
        yield
    except UPSTREAM_ERRORS as error:
        fields = {"upstream": error.upstream, "reason": error.reason, "cause": str(error.__cause__ or "")}
        _log.warning("upstream_failed", extra=fields)
        raise


# In the order of search: a timeout of aiohttp's is a connection error as well.
_FAILURES: tuple[tuple[Any, type[UpstreamFailed | UpstreamTimeout], str], ...] = (
    (TimeoutError, UpstreamTimeout, "timeout"),
    ((Refused, aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError), DestinationRefused, "not allowed"),
    (aiohttp.ClientConnectionError, UpstreamUnreachable, "unreachable"),
    (aiohttp.TooManyRedirects, UpstreamFailed, "too many redirects"),
    (aiohttp.ClientError, UpstreamFailed, "malformed answer"),
)


@contextmanager
def _translated(upstream: str) -> Iterator[None]:
    try:
        yield
    except (TimeoutError, aiohttp.ClientError) as error:
        found = error.os_error if isinstance(error, aiohttp.ClientConnectorDNSError) else error
        failure, reason = next(
            ((failure, reason) for kind, failure, reason in _FAILURES if isinstance(found, kind)),
            (UpstreamUnreachable, "unreachable"),
        )
        raise failure(upstream, reason) from error


def _origin(url: str | URL) -> str:
    try:
        return str(URL(url).origin())
    except (TypeError, ValueError):
        return "no URL"
