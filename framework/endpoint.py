"""A handler, read once from its signature and its marks."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar, TypeVar, cast, get_type_hints

from aiohttp import web
from aiohttp.abc import AbstractView
from aiohttp_session import Session

from framework.annotations import strip
from framework.errors import ConfigurationError
from framework.principal import Principal
from framework.validation.conventions import UNSAID, Conventions

H = TypeVar("H")
M = TypeVar("M", bound="Mark")

Handler = Callable[..., Awaitable[Any]]

_MARKS = "__endpoint_marks__"


@dataclass(frozen=True)
class Mark:
    """Promise something about a handler: a record that is also a decorator and changes nothing else.

    Batteries read marks from the `Endpoint`. Subclass it, as a frozen dataclass, to add your own.

    Attributes:
        battery: The battery without which the mark has no meaning; a service that lacks it does not start.
    """

    battery: ClassVar[str | None] = None

    def __call__(self, handler: H) -> H:
        setattr(handler, _MARKS, (self, *marks_of(handler)))
        return handler


class Renders(Mark):
    """Mark a handler whose result becomes a response in a way of its own, such as a page."""

    async def render(self, request: web.Request, value: Any) -> web.Response:
        """Make the response body out of what the handler returned."""
        raise NotImplementedError


def marks_of(handler: object) -> tuple[Mark, ...]:
    """Return a handler's marks, outermost decorator first."""
    return cast("tuple[Mark, ...]", getattr(handler, _MARKS, ()))


class Source(Enum):
    """Where an argument comes from."""

    REQUEST = "request"
    PATH = "path"
    QUERY = "query"
    HEADERS = "headers"
    COOKIES = "cookies"
    BODY = "body"
    FORM = "form"
    PRINCIPAL = "principal"
    SESSION = "session"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Parameter:
    """Say what one parameter of a handler is filled with.

    Attributes:
        annotation: The annotated type, resolved; `inspect.Parameter.empty` without one.
        default: The default; `inspect.Parameter.empty` without one.
    """

    name: str
    source: Source
    annotation: Any = inspect.Parameter.empty
    default: Any = inspect.Parameter.empty

    @property
    def optional(self) -> bool:
        return self.default is not inspect.Parameter.empty or strip(self.annotation).optional


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Hold what a route decorator says besides method and path.

    Attributes:
        status: The status of a successful answer.
        body, form, query, returns: A type or marshmallow schema instead of the one in the signature.
        max_body: The largest request body in bytes; the service's default when None.
        conventions: How fields are called outside and what becomes of unknown ones, unless a type says it itself.
    """

    name: str | None = None
    status: int = 200
    body: Any = None
    form: Any = None
    query: Any = None
    returns: Any = None
    max_body: int | None = None
    tags: tuple[str, ...] = ()
    summary: str = ""
    allow_head: bool = True
    conventions: Conventions = UNSAID


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Endpoint:
    """Describe one method of one path: what its handler needs and what it promises.

    Attributes:
        method: The HTTP method; ``*`` for any.
        path: The route's template, such as ``/users/{user_id}``; empty for requests that match no route.
        handler: The function as its author wrote it.
        returns: The return annotation, or the ``returns`` of the decorator.
        origin: File, line and name of the handler, for messages to its author.
    """

    method: str
    path: str
    handler: Handler
    parameters: tuple[Parameter, ...] = ()
    returns: Any = inspect.Signature.empty
    marks: tuple[Mark, ...] = ()
    options: Options = field(default_factory=Options)
    origin: str = ""

    def find(self, kind: type[M]) -> M | None:
        """Return the mark of this kind, the outermost if there are several."""
        # PERF: a stamp asks at each response, and a generator would cost five times the loop.
        for mark in self.marks:
            if isinstance(mark, kind):
                return mark
        return None

    def parameter(self, source: Source) -> Parameter | None:
        """Return the first parameter that is filled from this source."""
        return next((parameter for parameter in self.parameters if parameter.source is source), None)

    @property
    def matched(self) -> bool:
        """Say whether a route stands behind it, rather than a request for nothing that is there."""
        return bool(self.path)

    @property
    def description(self) -> str:
        return inspect.getdoc(self.handler) or ""

    def __str__(self) -> str:
        return f"{self.method} {self.path} ({self.origin})"


_BY_NAME = {
    source.value: source
    for source in (
        Source.REQUEST,
        Source.QUERY,
        Source.HEADERS,
        Source.COOKIES,
        Source.BODY,
        Source.FORM,
        Source.PRINCIPAL,
        Source.SESSION,
    )
}
_BY_TYPE = {web.Request: Source.REQUEST, Principal: Source.PRINCIPAL, Session: Source.SESSION}


def read_endpoint(method: str, path: str, handler: Handler, options: Options | None = None) -> Endpoint:
    """Read a handler's signature and marks.

    Raises:
        ConfigurationError: The handler is no coroutine function, an annotation cannot be resolved, or a parameter
            has neither a known name nor a type; the message names file, handler and parameter.
    """
    options = options or Options()
    origin = origin_of(handler)
    function = _function_of(handler)
    if isinstance(function, type) and issubclass(function, AbstractView):
        return Endpoint(
            method=method, path=path, handler=handler, marks=marks_of(handler), options=options, origin=origin
        )
    if not inspect.iscoroutinefunction(function):
        raise ConfigurationError(f"{origin}: a handler is written with 'async def'.")
    hints = _hints(function, origin)
    path_names = placeholders(path)
    parameters = tuple(
        _read_parameter(parameter, hints, path_names, origin) for parameter in _signature(handler, origin)
    )
    returns = options.returns if options.returns is not None else hints.get("return", inspect.Signature.empty)
    return Endpoint(
        method=method,
        path=path,
        handler=handler,
        parameters=_with_options(parameters, options),
        returns=returns,
        marks=marks_of(function),
        options=options,
        origin=origin,
    )


def origin_of(handler: object) -> str:
    """Return ``file:line name`` of a handler."""
    function = _function_of(handler)
    name = getattr(function, "__qualname__", repr(handler))
    try:
        return f"{inspect.getsourcefile(function) or '?'}:{_line_of(function)} {name}"
    except (OSError, TypeError):
        return name


def _line_of(function: Any) -> int:
    # PERF: inspect reads the whole source, to find out where it ends too; that would be a third of reading an endpoint.
    code = getattr(function, "__code__", None)
    return inspect.getsourcelines(function)[1] if code is None else int(code.co_firstlineno)


def placeholders(path: str) -> frozenset[str]:
    """Return the names in a route's template."""
    try:
        resource = web.UrlDispatcher().add_resource(path)
    except ValueError as error:
        raise ConfigurationError(f"The path {path!r} cannot be a route: {error}.") from error
    pattern = resource.get_info().get("pattern")
    return frozenset(pattern.groupindex) if pattern is not None else frozenset()


def _function_of(handler: Any) -> Any:
    while hasattr(handler, "func"):  # functools.partial
        handler = handler.func
    handler = inspect.unwrap(handler)
    if inspect.isfunction(handler) or inspect.ismethod(handler) or inspect.isclass(handler):
        return handler
    return getattr(handler, "__call__", handler)  # noqa: B004 - the method itself is wanted, it carries the signature


def _hints(function: Any, origin: str) -> Mapping[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except Exception as error:  # an annotation is any expression, so any exception can come of it
        raise ConfigurationError(f"{origin}: an annotation cannot be resolved: {error}.") from error


def _signature(handler: Handler, origin: str) -> Sequence[inspect.Parameter]:
    try:
        parameters = tuple(inspect.signature(handler).parameters.values())
    except ValueError as error:
        raise ConfigurationError(f"{origin}: the signature cannot be read: {error}.") from error
    for parameter in parameters:
        if parameter.kind in {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}:
            raise ConfigurationError(
                f"{origin}: '*{parameter.name}' cannot be filled; name each parameter with its type."
            )
    return parameters


def _read_parameter(
    parameter: inspect.Parameter, hints: Mapping[str, Any], path_names: frozenset[str], origin: str
) -> Parameter:
    annotation = hints.get(parameter.name, inspect.Parameter.empty)
    source = _source(parameter.name, annotation, path_names)
    if source is None:
        if parameter.annotation is not inspect.Parameter.empty:
            raise ConfigurationError(
                f"{origin}: parameter '{parameter.name}' is annotated with {annotation!r}, which is no type."
            )
        raise ConfigurationError(
            f"{origin}: parameter '{parameter.name}' is neither in the path {sorted(path_names)} nor one of "
            f"{', '.join(_BY_NAME)}; annotate it with the type of a service."
        )
    return Parameter(parameter.name, source, annotation, parameter.default)


def _source(name: str, annotation: Any, path_names: frozenset[str]) -> Source | None:
    if name in path_names:
        return Source.PATH
    kind = strip(annotation).kind
    by_type = _BY_TYPE.get(kind) if isinstance(kind, type) else None
    if by_type is not None:
        return by_type
    if name in _BY_NAME and not _is_other_type(kind, _BY_NAME[name]):
        return _BY_NAME[name]
    if annotation is inspect.Parameter.empty:
        return None
    return Source.SERVICE


def _is_other_type(kind: Any, source: Source) -> bool:
    """Say whether a type contradicts a name: ``session: AsyncSession`` asks for the database's session."""
    expected = next((known for known, by_type in _BY_TYPE.items() if by_type is source), None)
    if expected is None or kind is inspect.Parameter.empty or not isinstance(kind, type):
        return False
    return not issubclass(expected, kind)


def _with_options(parameters: tuple[Parameter, ...], options: Options) -> tuple[Parameter, ...]:
    """Put the decorator's schemas in the place of annotations."""
    given = {Source.BODY: options.body, Source.FORM: options.form, Source.QUERY: options.query}
    return tuple(
        Parameter(parameter.name, parameter.source, given[parameter.source], parameter.default)
        if given.get(parameter.source) is not None
        else parameter
        for parameter in parameters
    )
