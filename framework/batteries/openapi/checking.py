"""In development what a handler answers is compared with what it declares, so that the document cannot lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from framework.batteries.openapi.answers import statuses_of
from framework.batteries.openapi.problems import Kinds, is_strict
from framework.battery import Handler, Middleware
from framework.context import ENDPOINT
from framework.endpoint import Endpoint
from framework.error_handling import ERROR_HANDLING
from framework.errors import ServiceError
from framework.marks import Answers

_SERVER_ERROR = 500


class UndeclaredAnswer(Exception):
    """A handler has answered what it does not declare; the message is for its author."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What an endpoint may be answered with."""

    errors: Kinds
    successes: frozenset[int]


DECLARED: web.AppKey[Mapping[Endpoint, Declared]] = web.AppKey("framework.openapi.declared")


def plan(endpoint: Endpoint) -> Middleware | None:
    """Return what compares an endpoint's answers with its marks; nothing for one that declares none."""
    return compare if is_strict(endpoint) or endpoint.find(Answers) is not None else None


async def compare(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let declared answers pass.

    Raises:
        UndeclaredAnswer: The handler answered or raised something else.
    """
    endpoint = request[ENDPOINT]
    declared = request.config_dict[DECLARED][endpoint]
    try:
        response = await handler(request)
    except Exception as error:
        told = request.config_dict[ERROR_HANDLING].translate(error)
        if not is_strict(endpoint) or _is_declared(told, declared):
            raise
        name = type(told).__name__
        raise UndeclaredAnswer(
            f"{endpoint}: the handler raised {name} ({told}), which it does not declare; write @raises({name}, ...), "
            "on the handler or on the function that raises it."
        ) from error
    known = declared.errors.keys() | declared.successes
    if response.status not in known and response.status < _SERVER_ERROR:
        raise UndeclaredAnswer(
            f"{endpoint}: the handler answered {response.status}, which it does not declare; declared are "
            f"{sorted(known)}; write @answers({response.status}, ...)."
        )
    return response


def declared_by(endpoint: Endpoint, errors: Kinds) -> Declared:
    """Return what an endpoint declares; a client may always be told that nothing has changed."""
    return Declared(errors, statuses_of(endpoint) | {304})


def _is_declared(error: Exception, declared: Declared) -> bool:
    """Tell whether an error is declared, or is a bug, which nobody declares."""
    if isinstance(error, web.HTTPException):
        return error.status in declared.errors or error.status in declared.successes or error.status >= 500
    if not isinstance(error, ServiceError) or error.status >= _SERVER_ERROR:
        return True
    return any(isinstance(error, kind) for kind in declared.errors.get(error.status, ()))
