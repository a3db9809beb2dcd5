"""Answers that no handler gives: to what could not be parsed, was refused at the gate, or failed unexpectedly."""

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

from framework.errors import PROBLEM_MEDIA_TYPE, Problem, ServiceError

#: The sentence for what is our own fault; what happened stands in the log.
SERVER_FAULT: Final = Problem(status=500)

HEAD_TOO_SLOW: Final = Problem(status=408, detail="The request line and headers did not arrive in time.")

# llhttp's reasons are fixed sentences; the bytes of the request follow after a colon and a line break.
_REASON = re.compile(r"(?:Bad status line:\s+)?([A-Za-z0-9 '`/,.()-]{1,120})(?::\n|$)")


def headers_too_large(limit_bytes: int) -> Problem:
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
        return Problem(status=431, detail=f"Each header must be within {header_limit} bytes.")
    message = error.message if isinstance(error, HttpProcessingError) else ""
    if message == "Too many headers received":
        return Problem(status=431, detail="The request has too many headers.")
    if "HTTPS traffic" in message:
        return Problem(status=400, detail="This port speaks plain HTTP; the client sent TLS.")
    if isinstance(error, BadHttpMethod):
        return Problem(status=400, detail="The request does not begin with an HTTP method.")
    if isinstance(error, BadStatusLine):
        return Problem(status=400, detail="The request line must be 'METHOD target HTTP/1.1' (RFC 9112, 3).")
    if isinstance(error, InvalidURLError):
        return Problem(
            status=400, detail="The request target must be a path, such as '/items?page=2' (RFC 9112, 3.2)."
        )
    match = _REASON.match(message)
    reason = f" {match[1].rstrip('.')}." if match else ""
    return Problem(status=400, detail=f"The request is not well-formed HTTP/1.1 (RFC 9112).{reason}")


def answer(request: web.BaseRequest, problem: Problem) -> web.Response:
    """Write a problem as a response (RFC 9457)."""
    return web.Response(
        status=problem.status,
        body=orjson.dumps(problem.as_dict()),
        headers={"Content-Type": PROBLEM_MEDIA_TYPE, "Cache-Control": "no-store", **problem.headers},
    )
