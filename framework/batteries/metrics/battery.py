"""The wiring of the metrics."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from aiohttp import hdrs, web
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from framework.batteries.metrics.counting import Histogram, Requests
from framework.batteries.metrics.numbers import Numbers
from framework.batteries.metrics.settings import MetricsSettings
from framework.battery import Battery
from framework.endpoint import Endpoint
from framework.errors import Unauthorized
from framework.inspection import Respond, inspection_of
from framework.marks import public, quiet, undocumented
from framework.routing import RouteTableDef
from framework.secrets import Secret
from framework.server.siblings import SIBLINGS
from framework.tasks import running


def battery(settings: MetricsSettings | None = None, *, registry: CollectorRegistry = REGISTRY) -> Battery:
    """Return the battery that counts requests, and shows that and all that is in a registry.

    Args:
        settings: The defaults when None.
        registry: Where a service's own metrics are; the library's own by default.
    """
    settings = settings or MetricsSettings()
    requests = Requests(settings.buckets_seconds)
    numbers = Numbers(requests, registry)

    async def show(request: web.Request) -> web.StreamResponse:
        encode, media_type = choose_encoder(request.headers.get(hdrs.ACCEPT, ""))
        body = encode(_Collected(await numbers.families()))
        return web.Response(
            body=body, headers={hdrs.CONTENT_TYPE: media_type, hdrs.CACHE_CONTROL: "no-store"}
        )

    def setup(app: web.Application, _: Sequence[Endpoint]) -> None:
        inspection_of(app).whole["metrics"] = show

    @asynccontextmanager
    async def lifespan(app: web.Application) -> AsyncIterator[None]:
        if SIBLINGS in app:
            numbers.begin(app[SIBLINGS])
        async with running(_measure(requests.lag, settings.lag_seconds), name="framework.metrics.lag"):
            yield
        numbers.end()

    return Battery(
        name="metrics",
        before={"logs", "problems"},
        plan=requests.plan,
        routes=() if settings.token is None else _guarded(settings.path, settings.token, show),
        setup=setup,
        lifespan=lifespan,
    )


def _guarded(path: str, token: Secret, show: Respond) -> RouteTableDef:
    """Return the route of the service's own port, for those who have the token."""
    routes = RouteTableDef(tags=["metrics"])
    wanted = f"Bearer {token.reveal()}".encode()

    @routes.get(path)
    @quiet
    @undocumented
    @public
    async def metrics(request: web.Request) -> web.StreamResponse:
        """Show the metrics to a scraper."""
        sent = request.headers.get(hdrs.AUTHORIZATION, "").encode(errors="surrogateescape")
        if not hmac.compare_digest(sent, wanted):
            raise Unauthorized("The metrics need their token.", challenge="Bearer")
        return await show(request)

    return routes


class _Collected(Collector):
    """Families that the library's writer takes for a registry."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


async def _measure(lag: Histogram, seconds: float) -> None:
    clock = asyncio.get_running_loop().time
    while True:
        due = clock() + seconds
        await asyncio.sleep(seconds)
        lag.observe(max(0.0, clock() - due))
