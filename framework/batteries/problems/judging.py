"""What an error means: the problem that a client is told of, and whose fault it is."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from http import HTTPStatus

from aiohttp import web
from aiohttp.web_response import REASON_PHRASES

from framework.errors import ServiceError
from framework.problem import Problem


class Blame(Enum):
    """Whose fault an error is, and so what the log says of it.

    Nothing of a client's fault, for the access line tells enough; a warning of a neighbour's, if there is a cause
    to tell; an error with its traceback of our own.
    """

    CLIENT = "client"
    NEIGHBOUR = "neighbour"
    SERVICE = "service"


Verdict = tuple[Problem, Blame]


def judge(error: Exception, *, client_failed: bool = False, out_of_time: bool = False) -> Verdict:
    """Decide what the client is told of an error, and who is to blame.

    Args:
        error: What a handler or a battery raised.
        client_failed: Whether it is the failure of the client's own body.
        out_of_time: Whether the request's deadline has passed.
    """
    if isinstance(error, ServiceError):
        return _judge_status(error.problem())
    if isinstance(error, web.HTTPException):
        return _judge_status(problem_from_http(error))
    if client_failed or isinstance(error, web.RequestPayloadError):
        return Problem(status=400, detail="The body is not complete or not well-formed."), Blame.CLIENT
    if isinstance(error, TimeoutError) and out_of_time:
        return Problem(status=504, detail="The answer was not ready in time."), Blame.NEIGHBOUR
    return Problem(status=500), Blame.SERVICE


def _judge_status(problem: Problem) -> Verdict:
    if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        # What broke inside is for the log, whoever has put it into words.
        return Problem(status=500, headers=problem.headers), Blame.SERVICE
    return problem, Blame.NEIGHBOUR if problem.status > HTTPStatus.INTERNAL_SERVER_ERROR else Blame.CLIENT


def problem_from_http(error: web.HTTPException) -> Problem:
    """Describe one of aiohttp's own errors; a text or reason of its author's becomes the detail."""
    text = error.text or ""
    if text == f"{error.status}: {error.reason}":
        text = "" if error.reason == REASON_PHRASES.get(error.status) else error.reason
    headers = {name: value for name, value in error.headers.items() if name.lower() not in _BODY_HEADERS}
    return Problem(status=error.status, detail=text, headers=headers)


_BODY_HEADERS = frozenset({"content-type", "content-length"})


def sole_error(error: Exception) -> Exception:
    """Return the one error that a task group's exception group holds, or the error as it is."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def is_sendable(headers: Mapping[str, str]) -> bool:
    """Tell whether headers can be written: no control characters (RFC 9110, 5.5)."""
    for value in headers.values():  # noqa: SIM110 - a generator would cost more than it asks
        # PERF: str.isprintable runs at memory speed and settles nearly every header.
        if not value.isprintable() and not _CONTROLS.isdisjoint(value):
            return False
    return True


_CONTROLS = frozenset(map(chr, (*range(9), *range(10, 32), 127)))
