"""The connections that all outbound calls of an application share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from socket import AF_UNSPEC, AddressFamily

import aiohttp
import svcs
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

from framework import validation
from framework.batteries.client.calls import HttpClient, Refused
from framework.batteries.client.destinations import Destinations, destinations_from_rules
from framework.batteries.client.settings import ClientSettings
from framework.batteries.client.upstreams import Upstreams
from framework.battery import Battery
from framework.context import DEADLINE, REGISTRY, REQUEST_ID, request_of
from framework.endpoint import Endpoint
from framework.inspection import inspection_of


def battery(settings: ClientSettings, *, resolver: AbstractResolver | None = None) -> Battery:
    """Return the battery that brings `HttpClient`.

    Args:
        settings: Limits and allowed destinations.
        resolver: What finds the addresses of a host; the system's when None.
    """
    destinations, upstreams = destinations_from_rules(settings.allow), Upstreams(settings)

    def setup(app: web.Application, _: Sequence[Endpoint]) -> None:
        inspection_of(app).reports["upstreams"] = upstreams.report

    @asynccontextmanager
    async def lifespan(app: web.Application) -> AsyncIterator[None]:
        guarded = GuardedResolver(destinations, resolver or DefaultResolver())
        try:
            async with _session(settings, destinations, guarded) as session:
                app[REGISTRY].register_factory(HttpClient, _factory(session, settings, upstreams))
                yield
        finally:
            await guarded.close()

    return Battery(name="client", setup=setup, lifespan=lifespan)


@asynccontextmanager
async def connected(settings: ClientSettings | None = None) -> AsyncIterator[HttpClient]:
    """Open connections for a program that is no service, such as a script with a typed client."""
    settings = settings or ClientSettings()
    destinations = destinations_from_rules(settings.allow)
    guarded = GuardedResolver(destinations, DefaultResolver())
    try:
        async with _session(settings, destinations, guarded) as session:
            yield HttpClient(session, settings, upstreams=Upstreams(settings))
    finally:
        await guarded.close()


def _factory(
    session: aiohttp.ClientSession, settings: ClientSettings, upstreams: Upstreams
) -> Callable[[svcs.Container], HttpClient]:
    def client_of(container: svcs.Container) -> HttpClient:
        request = request_of(container)
        if request is None:
            return HttpClient(session, settings, upstreams=upstreams)
        # NOTE: the deadline is asked for at each call: a request that turns into a stream loses it.
        return HttpClient(
            session,
            settings,
            upstreams=upstreams,
            request_id=request.get(REQUEST_ID),
            deadline=partial(request.get, DEADLINE),
        )

    return client_of


class GuardedResolver(AbstractResolver):
    """A resolver that leaves out the addresses where requests must not go.

    The connection is made to the address that was judged, so the name cannot mean another one a moment later.
    """

    def __init__(self, destinations: Destinations, resolver: AbstractResolver) -> None:
        self._destinations = destinations
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the allowed addresses.

        Raises:
            Refused: There are only others.
            OSError: The host is not known.
        """
        found = await self._resolver.resolve(host, port, family)
        if self._destinations.allow_host(host):
            return found
        allowed = [result for result in found if self._destinations.allow_address(result["host"])]
        if not allowed:
            raise Refused(f"{host} is an internal address, and CLIENT_ALLOW does not name it")
        return allowed

    async def close(self) -> None:
        """Release the resolver behind it."""
        await self._resolver.close()


def _session(
    settings: ClientSettings, destinations: Destinations, resolver: AbstractResolver
) -> aiohttp.ClientSession:
    async def ensure_allowed(
        request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        # NOTE: aiohttp asks no resolver about addresses; and this runs again for each redirect.
        host = request.url.host or ""
        if _is_numeric(host) and not destinations.allow_address(host):
            raise Refused(f"{host} is an internal address, and CLIENT_ALLOW does not name it")
        return await send(request)

    connector = aiohttp.TCPConnector(
        resolver=resolver,
        limit=settings.connections,
        limit_per_host=settings.connections_per_host,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": settings.user_agent},
        json_serialize_bytes=validation.encode,
        middlewares=(ensure_allowed,),
        trust_env=False,
    )


def _is_numeric(host: str) -> bool:
    """Tell whether aiohttp takes the host for an address."""
    return ":" in host or host.replace(".", "").isdigit()
