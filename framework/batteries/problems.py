"""Problems: every error becomes a problem document (RFC 9457), or a page for a browser."""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast

import jinja2
from aiohttp import hdrs, web
from aiohttp.web_response import REASON_PHRASES

from framework import validation
from framework.adapters.aiohttp.responses import JSONResponse, is_spent, short_body, withdraw
from framework.battery import Battery, Handler
from framework.context import DEADLINE, ENDPOINT, REQUEST_ID, nonce
from framework.errors import PROBLEM_MEDIA_TYPE, ConfigurationError, Problem, ServiceError
from framework.http.accept import prefers_html
from framework.resources import shipped
from framework.secrets import Profile
from framework.streaming import abort, deliver, disconnected, is_begun, is_gone

_log = logging.getLogger("framework.problems")

Respond = Callable[[web.Request, Exception], web.StreamResponse]

TEMPLATE = "problem.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemsSettings:
    """Say how much an answer tells, and where its page comes from.

    Attributes:
        profile: In development a browser is shown the traceback of an unexpected error.
        debug: JSON documents carry that traceback too, as ``debug``; in development only.
        folders: The service's own templates: a ``problem.html`` or ``base.html`` there goes before the shipped one.
    """

    profile: Profile = Profile.production
    debug: bool = False
    folders: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        if self.debug and self.profile is Profile.production:
            raise ConfigurationError("Problems with 'debug' show tracebacks to clients: not in production.")


class Blame(Enum):
    """Say whose fault an error is, and so what the log says of it.

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


_HTML = "text/html; charset=utf-8"
_BODY_HEADERS = frozenset({"content-type", "content-length"})


def sole_error(error: Exception) -> Exception:
    """Return the one error that a task group's exception group holds, or the error as it is."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def is_sendable(headers: Mapping[str, str]) -> bool:
    """Say whether headers can be written: no control characters (RFC 9110, 5.5)."""
    for value in headers.values():  # noqa: SIM110 - a generator would cost more than it asks
        # PERF: str.isprintable runs at memory speed and settles nearly every header.
        if not value.isprintable() and not _CONTROLS.isdisjoint(value):
            return False
    return True


_CONTROLS = frozenset(map(chr, (*range(9), *range(10, 32), 127)))


class Page:
    """Render the page that a browser gets."""

    def __init__(self, folders: Sequence[Path]) -> None:
        ours = shipped("templates")
        template = _template(*folders, ours)
        self._template = template if _is_usable(template) else _template(ours)

    def render(self, problem: Problem, **values: Any) -> str:
        """Return the HTML; `values` are ``request_id``, ``nonce`` and ``traceback``."""
        return self._template.render(problem=problem.as_dict(), **values)


def _template(*folders: Path) -> jinja2.Template:
    loader = jinja2.FileSystemLoader(folders)
    return jinja2.Environment(loader=loader, autoescape=True, auto_reload=False).get_template(TEMPLATE)


def _is_usable(template: jinja2.Template) -> bool:
    """Say whether a template renders without what only a handler's page has; what it includes is compiled with that."""
    try:
        template.render(problem=Problem(status=500).as_dict(), request_id="", nonce=str, traceback="")
    except jinja2.TemplateError as error:
        _log.warning("problem_page_unusable", extra={"template": template.filename, "error": repr(error)})
        return False
    return True


def battery(settings: ProblemsSettings | None = None) -> Battery:
    """Return the battery that answers every error."""
    settings = settings or ProblemsSettings()
    respond = _responder(settings, Page(settings.folders))

    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await handler(request)
            # PERF: asking isinstance costs half a microsecond; this is how aiohttp asks.
            if type(response) is not JSONResponse and getattr(response, "__http_exception__", False):
                response = respond(request, cast(web.HTTPException, response))
            else:
                _ensure_fit(request, response)
            return response if short_body(response) is not None else await deliver(request, response)
        except Exception as error:  # noqa: BLE001 - it is what this is for
            return respond(request, sole_error(error))

    return Battery(name="problems", after=frozenset({"logs"}), middleware=middleware)


def _ensure_fit(request: web.Request, response: web.StreamResponse) -> None:
    """Check what aiohttp would only find out while it sends, and then tell nobody.

    Raises:
        ValueError: The response cannot be sent.
    """
    is_untouched = type(response) is JSONResponse and response.untouched is not None
    if not is_untouched and not is_sendable(response.headers):
        raise ValueError("A response header holds control characters.")
    if is_spent(request, response):
        raise ValueError("The response was sent to another request: make a new one for each.")


def _responder(settings: ProblemsSettings, page: Page) -> Respond:
    in_development = settings.profile is Profile.development

    def respond(request: web.Request, error: Exception) -> web.StreamResponse:
        if isinstance(error, ConnectionError) and is_gone(request):
            return disconnected(request)
        client_failed = error is request.content.exception()
        problem, blame = judge(error, client_failed=client_failed, out_of_time=_is_out_of_time(request))
        if is_begun(request):
            # Whatever the handler meant to tell the client, it cannot any more: that is for the log.
            _report(request, error, problem, Blame.CLIENT if client_failed else Blame.SERVICE)
            return abort(request)
        _report(request, error, problem, blame)
        withdraw(request)
        if isinstance(error, web.HTTPException) and not _is_plain(error):
            return _copied(error)
        shows_trace = in_development and blame is Blame.SERVICE
        trace = "".join(traceback.format_exception(error)) if shows_trace else ""
        response = _written(request, problem, page, trace, debug=settings.debug)
        if isinstance(error, web.HTTPException):
            _copy_cookies(error, response)
        return response

    return respond


def _is_out_of_time(request: web.Request) -> bool:
    deadline = request.get(DEADLINE)
    return deadline is not None and asyncio.get_running_loop().time() >= deadline


def _report(request: web.Request, error: Exception, problem: Problem, blame: Blame) -> None:
    raised_on_purpose = isinstance(error, ServiceError | web.HTTPException) and error.__cause__ is None
    if blame is Blame.CLIENT or (blame is Blame.NEIGHBOUR and raised_on_purpose):
        return
    fields = {
        "method": request.method,
        "path": request.path,
        "route": request[ENDPOINT].path if ENDPOINT in request else "",
        "status": problem.status,
        "request_id": request.get(REQUEST_ID, ""),
    }
    if blame is Blame.SERVICE:
        _log.error("unhandled_error", exc_info=error, extra=fields)
    else:
        _log.warning("neighbour_failed", extra={**fields, "error": repr(error.__cause__ or error)})


def _is_plain(error: web.HTTPException) -> bool:
    """Say whether one of aiohttp's errors becomes a problem: no redirect, no body of its author's making."""
    is_error = error.status >= HTTPStatus.BAD_REQUEST
    return is_error and (error.body is None or error.content_type == "text/plain")


def _copied(error: web.HTTPException) -> web.Response:
    # A raised instance may be a constant of its module: what is sent is a copy, for this request alone.
    response = web.Response(status=error.status, reason=error.reason, headers=error.headers, body=error.body)
    _copy_cookies(error, response)
    return response


def _copy_cookies(error: web.HTTPException, response: web.Response) -> None:
    for name, morsel in error.cookies.items():
        response.cookies[name] = morsel


def _written(request: web.Request, problem: Problem, page: Page, trace: str, *, debug: bool) -> web.Response:
    headers = {hdrs.CACHE_CONTROL: "no-store", **problem.headers}
    headers = headers if is_sendable(headers) else {}
    request_id = request.get(REQUEST_ID, "")
    if prefers_html(",".join(request.headers.getall(hdrs.ACCEPT, ()))):
        text = page.render(problem, request_id=request_id, nonce=lambda: nonce(request), traceback=trace)
        headers = {**headers, hdrs.CONTENT_TYPE: _HTML}
        return web.Response(body=text.encode(errors="replace"), status=problem.status, headers=headers)
    document = problem.as_dict()
    if request_id:
        document["request_id"] = request_id
    if trace and debug:
        document["debug"] = trace.splitlines()
    body = _encoded(document)
    return JSONResponse(body, status=problem.status, headers=headers, media_type=PROBLEM_MEDIA_TYPE)


def _encoded(document: Mapping[str, Any]) -> bytes:
    try:
        return validation.encode(document)
    except TypeError:
        # An object of the service's own, or half a character out of a header: it is shown as well as can be.
        return json.dumps(document, default=str).encode()
