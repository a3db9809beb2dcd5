"""Find the route of a path without trying them all.

aiohttp keeps routes by the part in front of the first variable and tries one after the other. A service with five
hundred routes below ``/{tenant}`` would try five hundred patterns. Here a path without variables is one look-up, and
patterns that have another number of segments, or other fixed ones, are not tried; the order of the others is aiohttp's.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from aiohttp import hdrs, web
from aiohttp.web_urldispatcher import AbstractResource, DynamicResource, PrefixedSubAppResource
from yarl import URL

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


def index_as_decoded(router: web.UrlDispatcher) -> None:
    """Let sub-applications below ``/größe`` be found: aiohttp keeps the prefix encoded, and looks for it decoded."""
    if is_plain("aiohttp"):
        return
    for key, resources in list(router._resource_index.items()):
        found = [each for each in resources if isinstance(each, PrefixedSubAppResource)]
        decoded = URL.build(path=key, encoded=True).path_safe
        if found and decoded != key:
            router._resource_index.setdefault(decoded, []).extend(found)
        for each in found:
            _write_decoded(each.get_info()["app"].router, each.get_info()["prefix"])
            index_as_decoded(each.get_info()["app"].router)


def _write_decoded(router: web.UrlDispatcher, prefix: str) -> None:
    """Let the paths of a sub-application below ``/a%20b`` begin as the router compares them."""
    decoded = URL.build(path=prefix, encoded=True).path_safe
    if decoded == prefix:
        return
    for resource in router.resources():
        if not resource.canonical.startswith(prefix):
            continue
        router.unindex_resource(resource)
        if isinstance(resource, web.PlainResource):
            resource._path = decoded + resource._path.removeprefix(prefix)
        elif isinstance(resource, DynamicResource):
            own = resource._pattern.pattern.removeprefix(re.escape(prefix))
            resource._formatter = decoded + resource._formatter.removeprefix(prefix)
            resource._pattern = re.compile(re.escape(decoded) + own)
        router.index_resource(resource)


def read_pattern(resource: DynamicResource) -> Pattern:
    """Return what there is to know of a path with variables."""
    return Pattern(
        resource._formatter,
        resource._pattern.pattern,
        resource._match,
        resource._routes,
        resource._any_route,
    )


_VARIABLE = re.compile(r"\{([_a-zA-Z][_a-zA-Z0-9]*)\}")
_NO_SHAPES: Mapping[Any, Any] = MappingProxyType({})
_FIXED = re.compile(r"[A-Za-z0-9._~-]*")  # reads the same in a path, in a pattern and in aiohttp's spelling


class _Entry(NamedTuple):
    order: int
    pattern: Pattern


class _Shape(NamedTuple):
    """How many segments a path has, and which of them are fixed."""

    length: int
    positions: tuple[int, ...]

    def fixed(self, segments: list[str]) -> tuple[str, ...]:
        return tuple([segments[position] for position in self.positions])


class _Bucket:
    """The patterns that begin with the same fixed segments."""

    def __init__(self, resources: Iterable[AbstractResource]) -> None:
        self.is_known = True
        self._anywhere: list[_Entry] = []
        self._shaped: dict[int, dict[_Shape, dict[tuple[str, ...], list[_Entry]]]] = {}
        self.plain: list[web.PlainResource] = []
        patterns: list[Pattern] = []
        for order, resource in enumerate(resources):
            if type(resource) is DynamicResource:
                patterns.append(read_pattern(resource))
                self._add(_Entry(order, patterns[-1]))
            elif type(resource) is not web.PlainResource:
                self.is_known = False  # static files and sub-applications look at a path in their own way
            elif self.is_known and not any(
                pattern.match(resource.canonical) is not None for pattern in patterns
            ):
                self.plain.append(resource)
            else:
                self.is_known = False  # an earlier one may take the path, or not; it hangs on the method

    def _add(self, entry: _Entry) -> None:
        segments = entry.pattern.template.split("/")
        shape = _shape_of(entry.pattern, segments)
        if shape is None:
            self._anywhere.append(entry)
            return
        of_length = self._shaped.setdefault(shape.length, {})
        of_length.setdefault(shape, {}).setdefault(shape.fixed(segments), []).append(entry)

    def candidates(self, segments: list[str]) -> list[_Entry]:
        """Return what may match a path, in the order of registration."""
        found = self._anywhere
        for shape, entries in self._shaped.get(len(segments), _NO_SHAPES).items():
            fitting = entries.get(shape.fixed(segments))
            if fitting is not None:
                found = found + fitting if found else fitting
        return sorted(found) if len(found) > 1 else found


Found = tuple[web.AbstractRoute, Mapping[str, str]]
#: A route, its variables and the application.
Way = tuple[web.AbstractRoute, Mapping[str, str], web.Application]

_NOTHING: Mapping[str, str] = MappingProxyType({})


class Lookup:
    """What the router of an application would find; it has to be made anew when a route is added."""

    def __init__(self, router: web.UrlDispatcher) -> None:
        self._plain: dict[tuple[str, str], Found] = {}
        index = find_index(router) or {}
        self._buckets = {prefix: _Bucket(found) for prefix, found in index.items()}
        self._depth = max((prefix.rstrip("/").count("/") + 1 for prefix in index), default=1)
        for bucket in self._buckets.values():
            for resource in bucket.plain:
                path = resource.canonical
                # What stands behind a route of all methods never gets a request.
                for route in resource if (hdrs.METH_ANY, path) not in self._plain else ():
                    self._plain.setdefault((route.method, path), (route, _NOTHING))

    def exact(self) -> Iterator[tuple[tuple[str, str], Found]]:
        """Yield what is found for each method and target that need no decoding."""
        for line, found in self._plain.items():
            if "%" not in line[1] and "?" not in line[1]:
                yield line, found

    def find(self, method: str, path: str) -> Found | None:
        """Return a route and its variables; None if there is none, or if only the router can say.

        Args:
            path: As ``URL.path_safe`` has it.
        """
        plain = self._plain
        return plain.get((method, path)) or plain.get((hdrs.METH_ANY, path)) or self._matching(method, path)

    def _matching(self, method: str, path: str) -> Found | None:
        segments = path.split("/")
        # PERF: no bucket has a longer name than this.
        prefix = "/".join(segments[: self._depth]) or "/"
        while prefix:
            bucket = self._buckets.get(prefix)
            if bucket is not None:
                if not bucket.is_known:
                    return None
                for _, pattern in bucket.candidates(segments):
                    variables = pattern.match(path)
                    route = pattern.routes.get(method, pattern.any_route)
                    if variables is not None and route is not None:
                        return route, variables
            if prefix == "/":
                return None
            prefix = prefix.rpartition("/")[0] or "/"
        return None


def _shape_of(pattern: Pattern, segments: list[str]) -> _Shape | None:
    """Return the shape of all paths that match; None for a pattern that is not made of whole, plain segments."""
    expected = []
    for segment in segments:
        variable = _VARIABLE.fullmatch(segment)
        if variable is None and not _FIXED.fullmatch(segment):
            return None
        expected.append(re.escape(segment) if variable is None else f"(?P<{variable[1]}>{SEGMENT})")
    if pattern.expression != "/".join(expected):
        return None  # a variable has a pattern of its own, and may take several segments
    fixed = [position for position, segment in enumerate(segments) if not _VARIABLE.fullmatch(segment)]
    return _Shape(len(segments), tuple(fixed))


def line_of(request: web.BaseRequest) -> tuple[str, str]:
    """Return method and target of a request of our server, as they were sent (RFC 9112, 3)."""
    return request._method, request._message.path


def set_found(request: Any, found: Way, heads: Heads | None) -> None:
    """Let a request of our server go this way, with what is known of the heads of its responses."""
    request.found, request.heads = found, heads


def set_match(request: web.Request, match: web.UrlMappingMatchInfo) -> None:
    """Let a request go to the route that aiohttp's router has found."""
    request._match_info = match


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
