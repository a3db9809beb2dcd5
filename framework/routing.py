"""Route tables: aiohttp's, with a prefix, tags, schemas and a status."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import FunctionType
from typing import Any, Protocol, TypeVar, Unpack

from aiohttp import hdrs, web

from framework.binding import bind
from framework.binding.signatures import read_endpoint
from framework.endpoint import Brought, Endpoint, Mark, Options, Source, calling_line, marks_of, origin_of
from framework.errors import ConfigurationError
from framework.paths import resource_of
from framework.staticfiles import ensure_kept, static_endpoint
from framework.validation.conventions import Conventions, Said

H = TypeVar("H", bound=Callable[..., Any])

Routes = Iterable[Any]
"""Tables, ours or aiohttp's, single routes, and classes whose methods carry routes, or objects of them."""

_ROUTES = "__endpoint_routes__"


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


class RouteOptions(Said, total=False):
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


class RouteTableDef(web.RouteTableDef):
    """Routes, collected by decorating their handlers.

    Args:
        prefix: Stands before each path.
        tags: Group the endpoints in the OpenAPI document.
        marks: Those of each handler that has none of its own about the same: ``[authenticated, limit("60/minute")]``.
        said: How fields are called and taken: the options of `framework.validation.conventions.Conventions`.
    """

    def __init__(
        self,
        *,
        prefix: str = "",
        tags: Sequence[str] = (),
        marks: Sequence[Mark] = (),
        **said: Unpack[Said],
    ) -> None:
        super().__init__()
        self._routes: list[web.AbstractRouteDef] = []
        if prefix and (not prefix.startswith("/") or prefix.endswith("/")):
            raise ConfigurationError(f"The prefix {prefix!r} must start with '/' and not end with one.")
        self._prefix = prefix
        written: Sequence[object] = marks
        if wrong := [mark for mark in written if not isinstance(mark, Mark)]:
            raise ConfigurationError(
                f"{calling_line()}: marks are such as authenticated or limit('60/minute'), not {wrong[0]!r}."
            )
        self._tags, self._marks = tuple(tags), tuple(marks)
        self._conventions = Conventions(**said)

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
        written: object = path
        if not isinstance(written, str):
            place = origin_of(written) if callable(written) else calling_line()
            raise ConfigurationError(
                f"{place}: a route is given its path first: @routes.{method.lower()}('/users')."
            )
        given: dict[str, Any] = {**options, "tags": (*self._tags, *options.get("tags", ()))}
        try:
            own = Conventions(**{name: given.pop(name) for name in Said.__optional_keys__ if name in given})
            known = Options(**given, conventions=own.within(self._conventions), marks=self._marks)
        except ConfigurationError as error:
            raise ConfigurationError(f"{method} {path}: {error}") from error
        except TypeError as error:
            raise ConfigurationError(f"{method} {path}: {str(error).partition(') ')[2]}.") from error

        def decorate(handler: H) -> H:
            decorated: object = handler
            if not callable(decorated) and not isinstance(decorated, classmethod):
                raise ConfigurationError(
                    f"{calling_line()}: {method} {path} stands above {handler!r}, which is no handler."
                )
            route = Route(method, f"{self._prefix}{path}", handler, known)
            self._routes.append(route)
            if isinstance(
                handler, FunctionType | staticmethod | classmethod
            ):  # it may turn out to be a method
                vars(handler).setdefault(_ROUTES, []).append(route)
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
    brought = brought or Brought()
    items = [*_flat(routes)]
    listed = {route for item in items for _, route in members(item)}
    owners = {
        route: kind
        for kind in brought.values
        for name, route in members(kind)
        if _needs_an_object(kind, name)
    }
    for item in items:
        if isinstance(item, web.RouteDef):
            yield from read_route(Route(item.method, item.path, item.handler, _options_of(item)), brought)
        elif isinstance(item, Route):
            if item not in listed:
                yield from read_route(item, brought, owners.get(item))
        elif isinstance(item, web.StaticDef):
            yield static_endpoint(item)
        elif members(item):
            yield from _read_members(item, brought)
        else:
            raise ConfigurationError(f"{item!r} is no route.")


def _flat(routes: Routes) -> Iterator[Any]:
    for item in routes:
        if isinstance(item, web.AbstractRouteDef) or members(item) or not isinstance(item, Iterable):
            yield item
        else:
            yield from _flat(item)


def members(item: Any) -> list[tuple[str, Route]]:
    """Return the methods of a class, or of an object, that carry routes, with these; base classes come first."""
    kind = item if inspect.isclass(item) else type(item)
    names = dict.fromkeys(name for base in reversed(kind.__mro__) for name in vars(base))
    found = []
    for name in names:
        functions = [vars(base)[name] for base in kind.__mro__ if name in vars(base)]
        # A method that is overridden keeps the routes that the class below gave it.
        carrying: list[Route] = next(
            (vars(each)[_ROUTES] for each in functions if _ROUTES in getattr(each, "__dict__", {})), []
        )
        found += [(name, route) for route in carrying]
    return found


def _read_members(item: Any, brought: Brought) -> Iterator[Endpoint]:
    kind = item if inspect.isclass(item) else type(item)
    for name, route in members(item):
        owner = item if inspect.isclass(item) and _needs_an_object(item, name) else None
        for endpoint in read_route(replace(route, handler=getattr(item, name)), brought, owner):
            # NOTE: a mark above @staticmethod is kept by what Python hides when one asks for the method.
            hidden = marks_of(inspect.getattr_static(kind, name))
            above = [mark for mark in hidden if not any(mark is known for known in endpoint.marks)]
            yield replace(endpoint, marks=(*above, *endpoint.marks, *marks_of(kind)))


def _needs_an_object(kind: type, name: str) -> bool:
    return not isinstance(inspect.getattr_static(kind, name), staticmethod | classmethod)


def classes_in(routes: Routes) -> list[type]:
    """Return the classes in a list of routes whose objects have to be made."""
    return [item for item in _flat(routes) if inspect.isclass(item) and members(item)]


def _options_of(item: web.RouteDef) -> Options:
    known = {name: value for name, value in item.kwargs.items() if name in {"name", "allow_head"}}
    return Options(**known)


def read_route(route: Route, brought: Brought | None = None, owner: type | None = None) -> list[Endpoint]:
    """Read a route's endpoints: one, or one for each method that a `web.View` defines.

    Args:
        brought: What the service's batteries fill parameters with.
        owner: The class whose method the handler is, if an object of it has to be made.
    """
    view = route.handler
    if not (inspect.isclass(view) and issubclass(view, web.View)):
        return [read_endpoint(route.method, route.path, view, route.options, brought, owner)]
    methods = [name.upper() for name in sorted(_VIEW_METHODS) if hasattr(view, name)]
    if not methods:
        raise ConfigurationError(f"{origin_of(view)}: the view defines no method such as 'get'.")
    options = replace(route.options, allow_head=False)
    return [_read_view(replace(route, method=method, options=options), brought) for method in methods]


_VIEW_METHODS = frozenset({"get", "head", "post", "put", "patch", "delete", "options"})


def _read_view(route: Route, brought: Brought | None) -> Endpoint:
    view, method = route.handler, getattr(route.handler, route.method.lower())
    options = replace(route.options, name=route.options.name if route.method == "GET" else None)
    endpoint = read_endpoint(route.method, route.path, method, options, brought, view)
    return replace(endpoint, handler=view, marks=(*endpoint.marks, *marks_of(view)))


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
    resource = resource_of(router, endpoint.path, endpoint.options.name)
    if _answers_head(endpoint):
        resource.add_route(hdrs.METH_HEAD, handler)
    return resource.add_route(endpoint.method, handler)


def read_added(route: web.AbstractRoute, brought: Brought) -> list[Endpoint]:
    """Read the endpoints of a route that was added to an aiohttp router as it is; none of what only aiohttp can call.

    Raises:
        ConfigurationError: The handler wants more than the request, and nothing fills it.
    """
    path = "" if route.resource is None else route.resource.canonical
    try:
        return read_route(Route(route.method, path, route.handler), brought)
    except ConfigurationError:
        if not _takes_one_argument(route.handler):
            raise
        return []


def _takes_one_argument(handler: Any) -> bool:
    try:
        inspect.signature(handler).bind(None)
    except (TypeError, ValueError):
        return False
    return True


def ensure_plain(endpoint: Endpoint, why: str) -> None:
    """Check that a handler wants the request alone, as aiohttp calls it.

    Args:
        why: Whose it is that aiohttp calls it, and what to do about that.

    Raises:
        ConfigurationError: It wants more.
    """
    if not inspect.isclass(endpoint.handler) and [each.source for each in endpoint.parameters] != [
        Source.REQUEST
    ]:
        raise ConfigurationError(f"{endpoint}: {why}")
