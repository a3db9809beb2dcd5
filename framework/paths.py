"""Paths of routes in any script: ``/größe/{id}`` and ``/hello world``, written as they are read."""

from __future__ import annotations

import re

from aiohttp import web
from aiohttp.web_urldispatcher import ROUTE_RE, DynamicResource
from yarl import URL

_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


class ReadablePath(DynamicResource):
    """A path with letters that are percent-encoded on the wire.

    NOTE: aiohttp compares a request's path when it is decoded, and the fixed parts of a template when they are encoded,
    so such a template would match nothing; and it gives the address of a path without variables as it was written.

    Args:
        path: The template; it may be written percent-encoded, too.
    """

    def __init__(self, path: str, *, name: str | None = None) -> None:
        self._written = path
        super().__init__(_LONE_PERCENT.sub("%25", path), name=name)
        self._prefix, self._readable = "", ""
        expression = ""
        for part in ROUTE_RE.split(path):
            variable = ROUTE_RE.fullmatch(part)
            if variable is None:
                text = _decoded(part)
                self._readable += text
                expression += re.escape(text)
            else:
                variable_name, has_expression, own = part[1:-1].partition(":")
                self._readable += f"{{{variable_name}}}"
                expression += f"(?P<{variable_name}>{own if has_expression else self.GOOD})"
        self._expression = re.compile(expression)

    @property
    def canonical(self) -> str:
        """The template as the router looks it up: decoded."""
        return f"{self._prefix}{self._readable}"

    def raw_match(self, path: str) -> bool:
        """Tell whether a route's path is this one."""
        return path == self._written

    def add_prefix(self, prefix: str) -> None:
        """Put the path of a sub-application in front."""
        super().add_prefix(prefix)
        self._prefix = _decoded(prefix) + self._prefix
        self._expression = re.compile(re.escape(_decoded(prefix)) + self._expression.pattern)

    async def resolve(self, request: web.Request) -> tuple[web.UrlMappingMatchInfo | None, set[str]]:
        """Return the route of a request, and the methods that the path has."""
        match = self._expression.fullmatch(request.rel_url.path_safe)
        if match is None:
            return None, set()
        routes = {route.method: route for route in self}
        route = routes.get(request.method) or routes.get("*")
        if route is None:
            return None, {*routes}
        variables = {
            name: value.replace("%2F", "/").replace("%25", "%") for name, value in match.groupdict().items()
        }
        return web.UrlMappingMatchInfo(variables, route), {*routes}


def encoded(text: str) -> str:
    """Return a path without variables as it is sent; what is encoded already stays so."""
    return URL.build(path="/" + _LONE_PERCENT.sub("%25", text)).raw_path[1:].replace("%25", "%")


def _decoded(text: str) -> str:
    """Return a part of a template as requests' paths are compared: decoded but for slashes and percent signs."""
    return URL.build(path="/" + encoded(text), encoded=True).path_safe[1:]


def is_plainly_written(path: str) -> bool:
    """Tell whether the fixed parts of a template are the same on the wire."""
    fixed = ROUTE_RE.sub("", path)
    return "%" not in fixed and URL.build(path="/" + fixed).raw_path == "/" + fixed


def resource_of(router: web.UrlDispatcher, path: str, name: str | None) -> web.Resource:
    """Return the resource of a path in a router, made if the last one is another."""
    if is_plainly_written(path):
        return router.add_resource(path, name=name)
    *_, last = [None, *router.resources()]
    if isinstance(last, ReadablePath) and last.name == name and last.raw_match(path):
        return last
    resource = ReadablePath(path, name=name)
    router.register_resource(resource)
    return resource
