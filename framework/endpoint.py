"""A handler, read once: what its parameters are filled with, and what its marks promise."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar, TypeVar, cast

from aiohttp import web

from framework.annotations import strip
from framework.errors import ConfigurationError
from framework.validation.conventions import UNSAID, Conventions

H = TypeVar("H")
M = TypeVar("M", bound="Mark")

Handler = Callable[..., Awaitable[Any]]

_MARKS = "__endpoint_marks__"
_NOTHING: Any = object()


@dataclass(frozen=True)
class Mark:
    """A promise about a handler: a record that is also a decorator and changes nothing else.

    Batteries read marks from the `Endpoint`. Subclass it, as a frozen dataclass, to add your own. A mark counts
    wherever it stands: above or below other decorators, on a partial, on an object that is callable, on a method.

    Attributes:
        battery: The battery without which the mark has no meaning; a service that lacks it does not start.
        problems: The statuses of the errors that come with the promise; the OpenAPI document lists them.
        about: What the promise is about, if other classes of marks are about the same: a handler's own mark stands in
            the place of those of its table.
    """

    battery: ClassVar[str | None] = None
    problems: ClassVar[tuple[int, ...]] = ()
    about: ClassVar[str] = ""

    def parameters(self) -> Sequence[Mapping[str, Any]]:
        """Return what clients may send because of the promise, as OpenAPI's parameter objects."""
        return ()

    def headers(self) -> Mapping[str, str]:
        """Return the headers that successful answers carry because of the promise, with what each means."""
        return {}

    def __call__(self, handler: H = _NOTHING) -> H:
        """Attach the mark.

        Raises:
            ConfigurationError: What it stands above is no handler.
        """
        if handler is _NOTHING or not callable(handler):
            got = "nothing" if handler is _NOTHING else repr(handler)
            raise ConfigurationError(
                f"{calling_line()}: {self!r} is a decorator that stands above a handler and was called with {got}; "
                "write it without parentheses behind it."
            )
        marks = (self, *marks_of(handler))
        try:
            setattr(handler, _MARKS, marks)
        except AttributeError:
            # NOTE: a bound method keeps no attributes of its own, and what its function keeps is every instance's.
            handler = cast(H, functools.update_wrapper(functools.partial(handler), handler, updated=()))
            setattr(handler, _MARKS, marks)
        return handler


class Renders(Mark):
    """A promise that a handler's result becomes a response in a way of its own, such as a page."""

    async def render(self, request: web.Request, value: Any) -> web.Response:
        """Make the response out of what the handler returned."""
        raise NotImplementedError


def marks_of(handler: object) -> tuple[Mark, ...]:
    """Return a handler's marks, outermost decorator first."""
    found: list[Mark] = []
    for layer in layers_of(handler):
        # functools.wraps copies what it wraps has, so an outer layer may know the marks of an inner one.
        found += [mark for mark in getattr(layer, _MARKS, ()) if not any(mark is known for known in found)]
    return tuple(found)


def completed(own: tuple[Mark, ...], shared: Iterable[Mark]) -> tuple[Mark, ...]:
    """Return a handler's marks, and those that it shares with others and has none of its own about."""
    subjects = {mark.about or type(mark) for mark in own}
    return (*own, *(mark for mark in shared if (mark.about or type(mark)) not in subjects))


def layers_of(handler: Any) -> Iterator[Any]:
    """Yield a handler and what stands within it: what a partial calls, a decorator wraps, an object's ``__call__``."""
    while True:
        yield handler
        if isinstance(handler, functools.partial):
            handler = handler.func
        elif hasattr(handler, "__wrapped__"):
            handler = handler.__wrapped__
        elif _is_callable_object(handler):
            handler = handler.__call__
        else:
            return


def _is_callable_object(handler: Any) -> bool:
    return any(inspect.isfunction(vars(kind).get("__call__")) for kind in type(handler).__mro__)


def function_of(handler: Any) -> Any:
    """Return the function, method or class as its author wrote it."""
    *_, innermost = layers_of(handler)
    return innermost


class Source(Enum):
    """The part of a request, or the place outside of it, that an argument comes from."""

    REQUEST = "request"
    PATH = "path"
    QUERY = "query"
    HEADERS = "headers"
    COOKIES = "cookies"
    BODY = "body"
    FORM = "form"
    BATTERY = "battery"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Provide:
    """How a battery makes one of the values that it brings to handlers and services.

    Attributes:
        make: ``(request) -> value``, asynchronous or not; it returns None where this request has no such value. It is
            called for each parameter, so what is expensive is kept on the request. Or the key of the request under
            which the value is kept already.
        names: The names by which a parameter without a type means this value, such as ``session``.
        absent: ``() -> error``: what is raised where there is no value and the parameter may not be None.
    """

    make: Callable[[web.Request], Any] | web.RequestKey[Any]
    names: Collection[str] = ()
    absent: Callable[[], Exception] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.names, str):
            raise ConfigurationError(
                f"{calling_line()}: names must be several texts and is {self.names!r}; write ({self.names!r},)."
            )


@dataclass(frozen=True, slots=True)
class Brought:
    """What the batteries of a service bring to its handlers.

    Attributes:
        values: How each value is made, by its type.
        elsewhere: The batteries that the service lacks, by the types, names of types and names of parameters for which
            they would be needed.
    """

    values: Mapping[Any, Provide] = field(default_factory=dict)
    elsewhere: Mapping[Any, str] = field(default_factory=dict)

    def named(self, name: str) -> Any:
        """Return the type that a parameter of this name means; None if it means none."""
        return next((kind for kind, provide in self.values.items() if name in provide.names), None)

    def hint(self, name: str, kind: Any) -> str:
        """Return the name of the battery that would fill such a parameter; empty if there is none."""
        spelt = f"{getattr(kind, '__module__', '')}.{getattr(kind, '__qualname__', '')}"
        if isinstance(kind, type) and kind is not inspect.Parameter.empty:
            return self.elsewhere.get(kind) or self.elsewhere.get(spelt, "")
        return self.elsewhere.get(name, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """What one parameter of a handler is filled with.

    Attributes:
        annotation: The annotated type, resolved; `inspect.Parameter.empty` without one.
        default: The default; `inspect.Parameter.empty` without one.
        key: The name under which its one value stands in the path, the query, the headers or the cookies; empty for a
            record of all that is there.
        provide: How a battery makes it, where one does.
        by_position: It takes no name: ``def handler(x: int, /)``.
    """

    name: str
    source: Source
    annotation: Any = inspect.Parameter.empty
    default: Any = inspect.Parameter.empty
    key: str = ""
    provide: Provide | None = None
    by_position: bool = False

    @property
    def optional(self) -> bool:
        return self.default is not inspect.Parameter.empty or strip(self.annotation).optional


@dataclass(frozen=True, slots=True)
class Header:
    """Metadata of a parameter that is one header: ``tenant: Annotated[str, Header("X-Tenant")]``."""

    name: str


@dataclass(frozen=True, slots=True)
class Cookie:
    """Metadata of a parameter that is one cookie: ``theme: Annotated[str, Cookie("theme")] = "light"``."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a route decorator says besides method and path.

    Attributes:
        status: The status of a successful answer.
        body, form, query, returns: A type or marshmallow schema instead of the one in the signature.
        max_body: The largest request body in bytes; the service's default when None.
        marks: Those of the whole table; they hold where the handler has none about the same.
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
    marks: tuple[Mark, ...] = ()
    conventions: Conventions = UNSAID


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Endpoint:
    """One method of one path: what its handler needs and what it promises.

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
        """Return the first parameter that is filled from this source as a whole."""
        return next((each for each in self.parameters if each.source is source and not each.key), None)

    def takes(self, kind: type) -> bool:
        """Tell whether a parameter is filled with a value of this type that a battery or a service brings."""
        given = {Source.BATTERY, Source.SERVICE}
        return any(each.source in given and strip(each.annotation).kind is kind for each in self.parameters)

    @property
    def matched(self) -> bool:
        """Whether a route stands behind it, rather than a request for nothing that is there."""
        return bool(self.path)

    @property
    def description(self) -> str:
        return inspect.cleandoc(function_of(self.handler).__doc__ or "")

    def __str__(self) -> str:
        return f"{self.method} {self.path} ({self.origin})"


def origin_of(handler: object) -> str:
    """Return ``file:line name`` of a handler."""
    function = function_of(handler)
    name = getattr(function, "__qualname__", repr(handler))
    try:
        return f"{inspect.getsourcefile(function) or '?'}:{_line_of(function)} {name}"
    except (OSError, TypeError):
        return name


def _line_of(function: Any) -> int:
    # PERF: inspect reads the whole source, to find out where it ends too; that would be a third of reading an endpoint.
    code = getattr(function, "__code__", None)
    return inspect.getsourcelines(function)[1] if code is None else int(code.co_firstlineno)


def calling_line() -> str:
    """Return ``file:line`` of the innermost caller outside of the framework, for messages to its author."""
    package = __name__.partition(".")[0]
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == package:
        frame = frame.f_back
    return "?" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
