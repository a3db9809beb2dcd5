"""Responses that no handler makes: to requests that cannot be read, and to errors that nobody has handled."""

from __future__ import annotations

import re
from typing import Final

import orjson
from aiohttp import web
from aiohttp.http_exceptions import (
    BadHttpMethod,
    BadStatusLine,
    HttpProcessingError,
    InvalidURLError,
    LineTooLong,
)
from aiohttp.web_protocol import RequestPayloadError

from framework.errors import ServiceError
from framework.problem import PROBLEM_MEDIA_TYPE, Problem


def _bad(detail: str) -> Problem:
    return Problem(status=400, detail=detail)


#: The sentence for what is our own fault; what happened stands in the log.
SERVER_FAULT: Final = Problem(status=500)

HEAD_TOO_SLOW: Final = Problem(status=408, detail="The request line and headers did not arrive in time.")

# llhttp's reasons are fixed sentences; the bytes of the request follow after a colon and a line break.
_REASON = re.compile(r"(?:Bad status line:\s+)?([A-Za-z0-9 '`/,.()-]{1,120})(?::\n|$)")

# The first that fits: the class of the parser's error, a part of its text, and what the client is told.
_KNOWN: Final[tuple[tuple[type[Exception], str, Problem], ...]] = (
    (HttpProcessingError, "HTTPS traffic", _bad("This port speaks plain HTTP; the client sent TLS.")),
    (
        HttpProcessingError,
        "Too many headers",
        Problem(status=431, detail="The request has too many headers."),
    ),
    (BadStatusLine, "Invalid HTTP version", Problem(status=505, detail="This server speaks HTTP/1.1.")),
    (BadHttpMethod, "", _bad("The request does not begin with an HTTP method.")),
    (BadStatusLine, "", _bad("The request line must be 'METHOD target HTTP/1.1' (RFC 9112, 3).")),
    (InvalidURLError, "", _bad("The request target must be a path, such as '/items?page=2'.")),
)


def headers_too_large(limit_bytes: int) -> Problem:
    """Refuse headers that are too much together, however small each is."""
    return Problem(status=431, detail=f"All headers together must be within {limit_bytes} bytes.")


def problem_from_parser(error: BaseException, *, target_limit: int, header_limit: int) -> Problem:
    """Explain why a request could not be parsed, without showing any of it back.

    Args:
        error: What aiohttp's parser raised, or a ``ServiceError`` of our own.
        target_limit: The bytes that a request target may have.
        header_limit: The bytes that one header may have.
    """
    if isinstance(error, ServiceError):
        return error.problem()
    if isinstance(error, LineTooLong):
        if error.args[1] == target_limit:
            return Problem(status=414, detail=f"The request target must be within {target_limit} bytes.")
        return Problem(status=431, detail=f"Each header's value must be within {header_limit} bytes.")
    match = _REASON.match(error.message) if isinstance(error, HttpProcessingError) else None
    reason = match[1] if match else ""
    for kind, text, problem in _KNOWN:
        if isinstance(error, kind) and text in reason:
            return problem
    return _bad(
        "The request is not well-formed HTTP/1.1 (RFC 9112)." + (f" {reason.rstrip('.')}." if reason else "")
    )


def problem_from_failure(error: BaseException) -> Problem:
    """Return what a client may know about an error that nobody has handled."""
    if isinstance(error, ServiceError):
        return error.problem()
    if isinstance(error, RequestPayloadError):
        return Problem(status=400, detail="The body is not well-formed.")
    return SERVER_FAULT


def respond(request: web.BaseRequest, problem: Problem) -> web.Response:
    """Write a problem as a response (RFC 9457)."""
    return web.Response(
        status=problem.status,
        body=orjson.dumps(problem.as_dict()),
        headers={"Content-Type": PROBLEM_MEDIA_TYPE, "Cache-Control": "no-store", **problem.headers},
    )
