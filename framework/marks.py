"""The marks that several batteries read: who may call an endpoint, and who is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from framework.endpoint import Mark, calling_line, origin_of
from framework.errors import ConfigurationError, ServiceError


@dataclass(frozen=True, slots=True)
class Public(Mark):
    """A promise that anybody may call the endpoint."""

    about: ClassVar[str] = "access"


@dataclass(frozen=True, slots=True)
class Requires(Mark):
    """A promise that only callers with every one of these scopes reach the handler; without any, every known caller.

    Several of them on one handler all hold.
    """

    battery: ClassVar[str | None] = "auth"
    about: ClassVar[str] = "access"
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Quiet(Mark):
    """A promise that an answer is no news unless it is an error: the access log keeps it for level DEBUG."""


@dataclass(frozen=True, slots=True)
class Undocumented(Mark):
    """A promise of nothing to clients: the OpenAPI document leaves the endpoint out."""


@dataclass(frozen=True, slots=True)
class Unlimited(Mark):
    """A promise that an answer costs next to nothing: no rate limit counts it, and no overload refuses it."""


@dataclass(frozen=True, slots=True)
class Raises(Mark):
    """A promise of the errors that a handler, or a function that handlers call, may raise.

    The OpenAPI document lists them. In development a handler with this mark that raises another error is answered with
    500, and the log says what it lacks.
    """

    errors: tuple[type[ServiceError], ...] = ()


@dataclass(frozen=True, slots=True)
class Answers(Mark):
    """A promise of a successful answer that the return annotation does not tell.

    Attributes:
        status: Its status.
        content: The type of what is in it; None if there is nothing.
        media_type: How that is written.
        description: What it means; the status's name when empty.
    """

    status: int
    content: Any = None
    media_type: str = "application/json"
    description: str = ""


@dataclass(frozen=True, slots=True)
class Deprecated(Mark):
    """A promise that the endpoint will go.

    Attributes:
        told: The headers that say so, with their values.
    """

    battery: ClassVar[str | None] = "deprecation"
    about: ClassVar[str] = "deprecation"
    told: tuple[tuple[str, str], ...] = ()

    def headers(self) -> dict[str, str]:
        """Return the headers that say it."""
        meanings = {
            "Deprecation": "Since when nobody should begin to use this (RFC 9745).",
            "Sunset": "When this will not answer any more (RFC 8594).",
            "Link": "Where it is told what to use instead (RFC 8288).",
        }
        return {name: meanings[name] for name, _ in self.told}


public = Public()
"""Let anybody call the endpoint: ``@public``."""

authenticated = Requires()
"""Let every known caller in, whatever they may do: ``@authenticated``."""

quiet = Quiet()
"""Keep an endpoint that is called all the time out of the access log: ``@quiet``."""

unlimited = Unlimited()
"""Answer a probe however often it asks and whatever else is going on: ``@unlimited``."""

undocumented = Undocumented()
"""Leave an endpoint out of the OpenAPI document: ``@undocumented``."""


def requires(*scopes: Any) -> Requires:
    """Let only known callers with all of these scopes (RFC 6749, 3.3) in: ``@requires("posts:write")``.

    Raises:
        ConfigurationError: There is no scope, or something that is no text.
    """
    wrong = [scope for scope in scopes if not isinstance(scope, str)]
    if wrong or not scopes:
        place = origin_of(wrong[0]) if wrong and callable(wrong[0]) else calling_line()
        got = "none" if not scopes else "a handler" if callable(wrong[0]) else repr(wrong[0])
        raise ConfigurationError(
            f"{place}: @requires takes scopes and got {got}; write @requires('posts:write'), or @authenticated for "
            "every known caller."
        )
    return Requires(frozenset(scopes))


def raises(*errors: Any) -> Raises:
    """Name the errors that a handler may raise: ``@raises(NotFound, Conflict)``.

    On a method of a service it counts for each handler that takes the service and calls the method.

    Raises:
        ConfigurationError: There is none, or one is no class of `framework.errors`.
    """
    wrong = [each for each in errors if not (isinstance(each, type) and issubclass(each, ServiceError))]
    if wrong or not errors:
        got = "none" if not errors else repr(wrong[0])
        raise ConfigurationError(
            f"{calling_line()}: @raises takes classes of errors and got {got}; write @raises(NotFound), and map "
            "exceptions of your own with problems.battery(mapping=...)."
        )
    return Raises(errors)


def answers(
    status: int, content: Any = None, *, media_type: str = "application/json", description: str = ""
) -> Answers:
    """Name what else a handler answers: ``@answers(202, Job)``, ``@answers(200, bytes, media_type="image/png")``.

    Raises:
        ConfigurationError: The status is none of a success or a redirect (RFC 9110, 15.3 and 15.4).
    """
    if not 200 <= status < 400:
        raise ConfigurationError(
            f"{calling_line()}: @answers takes a status from 200 to 399 and got {status}; errors are told by @raises."
        )
    return Answers(status, content, media_type, description)
