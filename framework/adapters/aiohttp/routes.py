"""What the quick look-up of routes needs of aiohttp's router, read once when a service has started."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from aiohttp import web
from aiohttp.web_urldispatcher import AbstractResource, DynamicResource

from framework.adapters.aiohttp.heads import Heads
from framework.adapters.versions import is_plain

#: The expression that one variable without a pattern of its own stands for.
SEGMENT = DynamicResource.GOOD


class Pattern(NamedTuple):
    """A path with variables.

    Attributes:
        template: The path with its variables in braces, percent-encoded as the router compares it.
        expression: The regular expression that matches it.
        match: Returns a path's variables; None if the path is another one.
        routes: Its routes by their methods.
        any_route: The route of all other methods.
    """

    template: str
    expression: str
    match: Callable[[str], Mapping[str, str] | None]
    routes: Mapping[str, web.AbstractRoute]
    any_route: web.AbstractRoute | None


def find_index(router: web.UrlDispatcher) -> Mapping[str, Sequence[AbstractResource]] | None:
    """Return the resources by the part in front of their first variable; None if only the router can look them up.

    So it is where sub-applications are told apart by their host, and without private parts.
    """
    if is_plain("aiohttp") or router._matched_sub_app_resources:
        return None
    return router._resource_index


def read_pattern(resource: DynamicResource) -> Pattern:
    """Return what there is to know of a path with variables."""
    return Pattern(
        resource._formatter,
        resource._pattern.pattern,
        resource._match,
        resource._routes,
        resource._any_route,
    )


def set_match(request: Any, match: web.UrlMappingMatchInfo, heads: Heads | None = None) -> None:
    """Let a request of our server go to this route, with what is known of the heads of its responses."""
    request._match_info, request.heads = match, heads


def forget_heads(request: Any) -> None:
    """Keep nothing of the head of the response to a request of our server."""
    if getattr(request, "heads", None) is not None:
        request.heads = None


def handle(app: web.Application, request: web.Request) -> Awaitable[web.StreamResponse]:
    """Respond to a request by the application's own routing and middlewares."""
    return app._handle(request)


class Match(web.UrlMappingMatchInfo):
    """A route and its variables, found without the router, in an application that is no other's."""

    def __init__(self, route: web.AbstractRoute, variables: Mapping[str, str], app: web.Application) -> None:
        # PERF: what adding the application and freezing come to, without five calls.
        if variables:
            self.update(variables)
        self._route = route
        self._apps = [app]
        self._current_app = app
        self._frozen = True
