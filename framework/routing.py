"""Route tables: aiohttp's, with a prefix, tags, schemas and a status."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypedDict, TypeVar, Unpack

from aiohttp import web
from aiohttp.abc import AbstractView

from framework.binding import bind
from framework.binding.signatures import read_endpoint
from framework.endpoint import Brought, Endpoint, Options, calling_line, marks_of, origin_of
from framework.errors import ConfigurationError
from framework.staticfiles import ensure_kept, static_endpoint
from framework.validation.conventions import Conventions, Names, Unknown

H = TypeVar("H", bound=Callable[..., Any])

Routes = Iterable["web.AbstractRouteDef | Iterable[web.AbstractRouteDef]"]


@dataclass(frozen=True, slots=True, eq=False)
class Route(web.AbstractRouteDef):
    """The handler that answers a method of a path, and its options."""

    method: str
    path: str
    handler: Any
    options: Options = field(default_factory=Options)

    def register(self, router: web.UrlDispatcher) -> list[web.AbstractRoute]:
        """Add it to an aiohttp router; so a table works in a plain aiohttp application too."""
        return [register(router, endpoint, bind(endpoint)) for endpoint in read_route(self)]


class Decorate(Protocol):
    """**Protocol:** return the handler as it came."""

    def __call__(self, handler: H, /) -> H: ...


class RouteOptions(TypedDict, total=False):
    """The options of a route; `framework.endpoint.Options` and `Conventions` say what they mean."""

    name: str
    status: int
    body: Any
    form: Any
    query: Any
    returns: Any
    max_body: int
    tags: Sequence[str]
    summary: str
    allow_head: bool
    names: Names
    unknown: Unknown


class RouteTableDef(web.RouteTableDef):
    """Routes, collected by decorating their handlers.

    Args:
        prefix: Stands before each path.
        tags: Group the endpoints in the OpenAPI document.
        names, unknown: How fields are called outside, and what becomes of unknown ones; see
            `framework.validation.conventions.Conventions`.
    """

    def __init__(
        self,
        *,
        prefix: str = "",
        tags: Sequence[str] = (),
        names: Names | None = None,
        unknown: Unknown | None = None,
    ) -> None:
        super().__init__()
        self._routes: list[web.AbstractRouteDef] = []
        if prefix and (not prefix.startswith("/") or prefix.endswith("/")):
            raise ConfigurationError(f"The prefix {prefix!r} must start with '/' and not end with one.")
        self._prefix = prefix
        self._tags = tuple(tags)
        self._conventions = Conventions(names, unknown)

    def __getitem__(self, index: Any) -> Any:
        return self._routes[index]

    def __len__(self) -> int:
        return len(self._routes)

    def __iter__(self) -> Iterator[web.AbstractRouteDef]:
        return iter(self._routes)

    def __contains__(self, item: object) -> bool:
        return item in self._routes

    def route(self, method: str, path: str, **options: Unpack[RouteOptions]) -> Decorate:
        """Let the decorated handler answer a method of a path.

        Args:
            method: The HTTP method; ``*`` for any.
            path: The template, such as ``/users/{user_id}``.
            options: See `framework.endpoint.Options`.

        Raises:
            ConfigurationError: An option is unknown, or has a value that it cannot have.
        """
        given: dict[str, Any] = {**options, "tags": (*self._tags, *options.get("tags", ()))}
        try:
            own = Conventions(given.pop("names", None), given.pop("unknown", None))
            known = Options(**{**given, "conventions": own.within(self._conventions)})
        except ConfigurationError as error:
            raise ConfigurationError(f"{method} {path}: {error}") from error
        except TypeError as error:
            raise ConfigurationError(f"{method} {path}: {str(error).partition(') ')[2]}.") from error

        def decorate(handler: H) -> H:
            self._routes.append(Route(method, f"{self._prefix}{path}", handler, known))
            return handler

        return decorate

    def get(self, path: str, **options: Unpack[RouteOptions]) -> Decorate:
        return self.route("GET", path, **options)

    def head(self, path: str, **options: Unpack[RouteOptions]) -> Decorate:
        return self.route("HEAD", path, **options)

    def post(self, path: str, **options: Unpack[RouteOptions]) -> Decorate:
        return self.route("POST", path, **options)

    def put(self, path: str, **options: Unpack[RouteOptions]) -> Decorate:
        return self.route("PUT", path, **options)

    def patch(self, path: str, **options: Unpack[RouteOptions]) -> Decorate:
        return self.route("PATCH", path, **options)

    def delete(self, path: str, **options: Unpack[RouteOptions]) -> Decorate:
        return self.route("DELETE", path, **options)

    def options(self, path: str, **options: Unpack[RouteOptions]) -> Decorate:
        return self.route("OPTIONS", path, **options)

    def view(self, path: str, **options: Unpack[RouteOptions]) -> Decorate:
        return self.route("*", path, **options)

    def static(self, prefix: str, path: Any, **kwargs: Any) -> None:
        ensure_kept(prefix, kwargs, calling_line())
        self._routes.append(web.static(f"{self._prefix}{prefix}", path, **kwargs))


def read_routes(routes: Routes, brought: Brought | None = None) -> Iterator[Endpoint]:
    """Read every endpoint of these tables, those of plain aiohttp tables included.

    Args:
        brought: What the service's batteries fill parameters with.
    """
    for item in routes:
        if isinstance(item, web.RouteDef):
            yield from read_route(Route(item.method, item.path, item.handler, _options_of(item)), brought)
        elif isinstance(item, Route):
            yield from read_route(item, brought)
        elif isinstance(item, web.StaticDef):
            yield static_endpoint(item)
        elif isinstance(item, Iterable):
            yield from read_routes(item, brought)
        else:
            raise ConfigurationError(f"{item!r} is no route.")


def _options_of(item: web.RouteDef) -> Options:
    known = {name: value for name, value in item.kwargs.items() if name in {"name", "allow_head"}}
    return Options(**known)


def read_route(route: Route, brought: Brought | None = None) -> list[Endpoint]:
    """Read a route's endpoints: one, or one for each method that a `web.View` defines."""
    view = route.handler
    if not (inspect.isclass(view) and issubclass(view, web.View)):
        return [read_endpoint(route.method, route.path, view, route.options, brought)]
    methods = [name.upper() for name in sorted(_VIEW_METHODS) if hasattr(view, name)]
    if not methods:
        raise ConfigurationError(f"{origin_of(view)}: the view defines no method such as 'get'.")
    options = replace(route.options, allow_head=False)
    return [_read_view(method, route.path, view, options) for method in methods]


_VIEW_METHODS = frozenset({"get", "head", "post", "put", "patch", "delete", "options"})


def _read_view(method: str, path: str, view: type[AbstractView], options: Options) -> Endpoint:
    endpoint = read_endpoint(
        method, path, view, replace(options, name=options.name if method == "GET" else None)
    )
    return replace(endpoint, marks=(*marks_of(getattr(view, method.lower())), *marks_of(view)))


def ensure_distinct(endpoints: Iterable[Endpoint]) -> None:
    """Check that no two endpoints answer the same method of the same path.

    Raises:
        ConfigurationError: Two do; the message names both handlers.
    """
    seen: dict[tuple[str, str], Endpoint] = {}
    for endpoint in endpoints:
        shape = re.sub(r"{[^}:]+", "{", endpoint.path)
        for method in {endpoint.method, "HEAD"} if _answers_head(endpoint) else {endpoint.method}:
            other = seen.setdefault((method, shape), endpoint)
            if other is not endpoint and not (method == "HEAD" and _answers_head(other)):
                raise ConfigurationError(f"{endpoint} answers what {other} answers already.")


def _answers_head(endpoint: Endpoint) -> bool:
    return endpoint.method == "GET" and endpoint.options.allow_head


def register(router: web.UrlDispatcher, endpoint: Endpoint, handler: Any) -> web.AbstractRoute:
    """Add an endpoint to an aiohttp router."""
    options = endpoint.options
    if endpoint.method == "GET":
        return router.add_get(endpoint.path, handler, name=options.name, allow_head=options.allow_head)
    return router.add_route(endpoint.method, endpoint.path, handler, name=options.name)
