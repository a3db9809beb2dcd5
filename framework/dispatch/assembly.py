"""Batteries and endpoints become one aiohttp application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import svcs
from aiohttp import web

from framework.adapters.aiohttp.applications import stock_service
from framework.adapters.aiohttp.routes import index_as_decoded
from framework.adapters.versions import is_plain
from framework.battery import Battery, brought_by, ensure_order
from framework.binding import bind
from framework.binding.handlers import is_bound
from framework.context import BATTERIES, ENDPOINTS, FORM_LIMITS, REGISTRY, SETTINGS
from framework.dispatch.chains import Chain, Dispatcher, compose, heads_for
from framework.dispatch.stamping import Preparer, refuser
from framework.endpoint import Brought, Endpoint, Source, completed
from framework.error_handling import ERROR_HANDLING, ErrorHandling
from framework.errors import ConfigurationError
from framework.forms import FormLimits
from framework.progress import PROGRESS, Progress
from framework.routing import (
    Routes,
    classes_in,
    ensure_distinct,
    ensure_plain,
    read_added,
    read_routes,
    register,
)
from framework.server import SERVICE, Service
from framework.server.elsewhere import tell_what_is_unkept
from framework.server.plain import checking
from framework.server.service import ReadService
from framework.services import ensure_provided, provide
from framework.tasks import Tasks
from framework.validation.conventions import Conventions


def assemble(
    settings: Any,
    routes: Routes,
    batteries: Sequence[Battery],
    *,
    max_body: int,
    form_limits: FormLimits,
    conventions: Conventions,
    elsewhere: Mapping[Any, str],
) -> web.Application:
    """Make the application; every mistake that can be seen without running it is raised here.

    Args:
        elsewhere: The batteries that would bring what a handler may ask for, as in `Brought`.

    Raises:
        ConfigurationError: A battery, an endpoint or a mark does not fit; the message says where and what to do.
    """
    routes = [*routes]
    batteries = [*batteries, *_making(classes_in(routes), batteries)]
    ensure_order(batteries)
    present = {battery.name for battery in batteries}
    lacking = {kind: name for kind, name in elsewhere.items() if name not in present}
    brought = Brought(brought_by(batteries), lacking)
    read = read_routes([*routes, *(battery.routes for battery in batteries)], brought)
    endpoints = tuple(following(endpoint, conventions) for endpoint in read)
    ensure_distinct(endpoints)
    ensure_marks(endpoints, batteries)
    chains: dict[Any, Chain] = {}
    progress = Progress()
    dispatcher, preparer = Dispatcher(chains, batteries, progress), Preparer(batteries)
    dispatching = dispatcher.middleware()
    app = web.Application(
        middlewares=[dispatching],
        client_max_size=max_body,
        client_max_fields=form_limits.fields,
    )
    app[SETTINGS], app[BATTERIES], app[ENDPOINTS] = settings, tuple(batteries), endpoints
    app[PROGRESS] = progress
    app[REGISTRY], app[ERROR_HANDLING], app[FORM_LIMITS] = svcs.Registry(), ErrorHandling(), form_limits
    for endpoint in endpoints:
        handler = bind(endpoint, form_limits)
        register(app.router, endpoint, handler)
        chains[handler] = Chain(
            endpoint, compose(batteries, endpoint, handler), heads_for(batteries, endpoint)
        )
    app.on_response_prepare.append(preparer)
    app[SERVICE] = _reader(dispatcher, preparer)
    _attach(app, batteries, endpoints)
    app.on_startup.append(tell_what_is_unkept)
    app.on_startup.append(_ensuring_services(endpoints, brought))
    app.on_startup.append(_adopting(dispatcher, chains, brought, form_limits, dispatching))
    if is_plain("aiohttp"):
        app.middlewares.insert(0, checking(refuser(preparer.stamps, app[ERROR_HANDLING])))
    return app


def _making(classes: Sequence[type], batteries: Sequence[Battery]) -> list[Battery]:
    """Return the battery that makes objects of the classes in a list of routes which no other battery brings."""
    brought = brought_by(batteries)
    made = [kind for kind in classes if kind not in brought]
    return [provide(*made, name="handlers")] if made else []


def following(endpoint: Endpoint, conventions: Conventions) -> Endpoint:
    """Return an endpoint that follows its table's marks and the service's conventions where it says nothing itself."""
    held = endpoint.options.conventions.within(conventions)
    parameters = tuple(
        replace(each, key=held.name(each.key)) if each.source is Source.QUERY and each.key else each
        for each in endpoint.parameters
    )
    options = replace(endpoint.options, conventions=held)
    return replace(
        endpoint, parameters=parameters, options=options, marks=completed(endpoint.marks, options.marks)
    )


def _attach(app: web.Application, batteries: Iterable[Battery], endpoints: Sequence[Endpoint]) -> None:
    app.cleanup_ctx.append(_services)
    for battery in batteries:
        if battery.setup is not None:
            battery.setup(app, endpoints)
        if battery.lifespan is not None:
            app.cleanup_ctx.append(battery.lifespan)
    # NOTE: not when the application starts: one that is part of another is frozen by then.
    app.on_shutdown.append(_close_tasks)


async def _services(app: web.Application) -> AsyncIterator[None]:
    """Open the registry first and close it last; in between, background tasks end before what they use."""
    async with app[REGISTRY]:
        report = app[ERROR_HANDLING].report
        tasks = Tasks(report=lambda error: report(error, None))
        app[REGISTRY].register_value(Tasks, tasks)
        yield


async def _close_tasks(app: web.Application) -> None:
    async with svcs.Container(app[REGISTRY]) as container:
        await container.get(Tasks).close()


def _reader(dispatcher: Dispatcher, preparer: Preparer) -> ReadService:
    """Return what tells our server, once all is started, how it may go straight to endpoints and stamps.

    Other hands may have put middlewares and receivers of the signal between until then.
    """

    def read(app: web.Application) -> Service:
        stock = stock_service(app)
        return replace(
            stock,
            handler=dispatcher.direct(app) if len(app.middlewares) == 1 else stock.handler,
            refuse=refuser(preparer.stamps, app[ERROR_HANDLING]),
            release=dispatcher.release,
            prepare=preparer.prepare if len(app.on_response_prepare) == 1 else None,
            form=app[FORM_LIMITS],
        )

    return read


def _ensuring_services(
    endpoints: Sequence[Endpoint], brought: Brought
) -> Callable[[web.Application], Awaitable[None]]:
    async def ensure(app: web.Application) -> None:
        ensure_provided(endpoints, app[REGISTRY], brought)

    return ensure


def _adopting(
    dispatcher: Dispatcher,
    chains: Mapping[Any, Chain],
    brought: Brought,
    limits: FormLimits,
    dispatching: Any,
) -> Callable[[web.Application], Awaitable[None]]:
    """Return what reads the handlers that other hands have added to the application's router, as any others."""

    async def adopt(app: web.Application) -> None:
        batteries = app[BATTERIES]
        index_as_decoded(app.router)
        for resource in app.router.resources():
            if isinstance(resource, web.PrefixedSubAppResource):
                _ensure_plain_parts(resource, brought)
            for route in resource if isinstance(resource, web.Resource) else ():
                endpoints = (
                    [] if route.handler in chains or is_bound(route.handler) else read_added(route, brought)
                )
                ensure_marks(endpoints, batteries)
                ensure_provided(endpoints, app[REGISTRY], brought)
                for endpoint in endpoints:
                    if app.middlewares[-1] is not dispatching:
                        ensure_plain(endpoint, _BEHIND_MIDDLEWARES)
                    dispatcher.add(route, endpoint, bind(endpoint, limits))

    return adopt


_BEHIND_MIDDLEWARES = (
    "the application has middlewares of its own, which would call this handler with the request alone; "
    "register it in a RouteTableDef, or make batteries of the middlewares."
)
_IN_A_PLAIN_PART = (
    "it is part of a plain sub-application, where aiohttp calls handlers with the request alone; "
    "register it in a RouteTableDef with that prefix, or make the sub-application by create_app(...)."
)


def _ensure_plain_parts(part: Iterable[web.AbstractRoute], brought: Brought) -> None:
    """Check that aiohttp can call the handlers of a sub-application, but those that somebody's decorator calls."""
    for route in part:
        if not is_bound(route.handler) and not hasattr(route.handler, "__wrapped__"):
            for endpoint in read_added(route, brought):
                ensure_plain(endpoint, _IN_A_PLAIN_PART)


def ensure_marks(endpoints: Iterable[Endpoint], batteries: Iterable[Battery]) -> None:
    """Check that the battery is there that keeps a mark's promise.

    Raises:
        ConfigurationError: One is not; the message names the handler and the mark.
    """
    present = {battery.name for battery in batteries}
    for endpoint in endpoints:
        for mark in endpoint.marks:
            if mark.battery is not None and mark.battery not in present:
                raise ConfigurationError(
                    f"{endpoint}: the mark {mark!r} needs the battery '{mark.battery}', which is not in the list."
                )
