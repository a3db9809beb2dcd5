"""The battery that answers every error."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast

from aiohttp import WSCloseCode, hdrs, web

from framework.adapters.aiohttp.responses import JSONResponse, is_fresh, short_body, withdraw
from framework.adapters.aiohttp.sockets import is_misspoken
from framework.batteries.problems.judging import Blame, is_sendable, judge, sole_error
from framework.batteries.problems.outgoing import ensure_fit
from framework.batteries.problems.page import Page
from framework.batteries.problems.redirects import ensure_target, refused_target
from framework.batteries.problems.reporting import Hook, Reporter
from framework.batteries.problems.translation import Translations, translator
from framework.battery import Battery, Handler, Plan
from framework.binding.declared import NothingReturned
from framework.context import CHALLENGES, DEADLINE, ENDPOINT, REQUEST_ID, SOCKET, nonce
from framework.endpoint import Endpoint, Source
from framework.error_handling import ERROR_HANDLING, ErrorHandling
from framework.errors import BadRequest, ConfigurationError, ServiceError
from framework.http.accept import prefers_html
from framework.problem import PROBLEM_DOCUMENT, Problem, Renderer
from framework.progress import lateness_of
from framework.secrets import Profile
from framework.server.connections import end_early
from framework.streaming import (
    Sent,
    abort,
    complete,
    deliver,
    disconnected,
    hang_up,
    is_begun,
    is_gone,
)

_log = logging.getLogger("framework.problems")

_HTML = "text/html; charset=utf-8"

Respond = Callable[[web.Request, Exception], web.StreamResponse]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemsSettings:
    """How much an error tells, and where its page comes from.

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


def battery(
    settings: ProblemsSettings | None = None,
    *,
    renderer: Renderer = PROBLEM_DOCUMENT,
    mapping: Translations | None = None,
    report: Hook | None = None,
) -> Battery:
    """Return the battery that answers every error.

    Args:
        settings: How much an error tells.
        renderer: The shape of errors for everybody but browsers; a problem document (RFC 9457) unless it is given.
        mapping: What the user's exceptions mean: ``{UserNotFound: NotFound, StockError: lambda e: Conflict(str(e))}``.
            The nearest class of an exception counts. A class of errors keeps the exception's text to the log.
        report: ``report(error, request or None)``, asynchronous or not: tells an error tracker of each unexpected
            exception once, be it a handler's, a stream's, a WebSocket's or (without a request) a background task's.

    Raises:
        ConfigurationError: `mapping` has a key that is no exception, or a value that makes no error.
    """
    settings = settings or ProblemsSettings()
    handling = ErrorHandling(renderer=renderer, translate=translator(mapping or {}))
    reporter = None if report is None else Reporter(report)
    if reporter is not None:
        handling = replace(handling, report=reporter)
    respond = _responder(settings, Page(settings.folders), handling)

    def setup(app: web.Application, endpoints: Sequence[Endpoint]) -> None:
        app[ERROR_HANDLING] = handling

    @asynccontextmanager
    async def lifespan(app: web.Application) -> AsyncIterator[None]:
        yield
        if reporter is not None:
            await reporter.close()

    return Battery(
        name="problems",
        after=frozenset({"logs"}),
        plan=_answering(respond, handling),
        setup=setup,
        lifespan=lifespan,
    )


def _answering(respond: Respond, handling: ErrorHandling) -> Plan:
    async def finish(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        # PERF: asking isinstance costs half a microsecond; this is how aiohttp asks.
        if getattr(response, "__http_exception__", False):
            response = respond(request, cast(web.HTTPException, response))
        else:
            ensure_fit(request, response)
        if SOCKET in request and _is_other(request[SOCKET], response):
            return await _parted(request, request[SOCKET], response)
        return response if short_body(response) is not None else await deliver(request, response)

    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await handler(request)
            return response if is_fresh(response) else await finish(request, response)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - it is what this is for
            return await _ended(request, error, respond, handling)

    async def with_request(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Look closely: whoever takes the request may have opened a WebSocket for it."""
        try:
            response = await handler(request)
            return (
                await finish(request, response) if SOCKET in request or not is_fresh(response) else response
            )
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - as above
            return await _ended(request, error, respond, handling)

    return lambda endpoint: with_request if endpoint.parameter(Source.REQUEST) else middleware


def _is_other(socket: web.WebSocketResponse, response: web.StreamResponse) -> bool:
    return socket.prepared and not isinstance(response, web.WebSocketResponse | Sent)


async def _parted(
    request: web.Request, socket: web.WebSocketResponse, response: web.StreamResponse
) -> web.StreamResponse:
    """Return what stands for a WebSocket whose handler has returned something else, such as nothing.

    Raises:
        RuntimeError: The socket is open still, or the handler means another response, which cannot be sent any more.
    """
    if not socket.closed or response.status != HTTPStatus.NO_CONTENT:
        raise RuntimeError(
            f"A handler returned {response!r} behind the handshake of its WebSocket; close that, and return it."
        )
    return await hang_up(request, socket, WSCloseCode.OK, "")


def _parting(
    request: web.Request, handling: ErrorHandling, error: Exception
) -> Awaitable[web.StreamResponse] | None:
    """Return what closes a WebSocket whose handler has failed: 1008 for what is the peer's fault, 1011 for ours."""
    socket = request.get(SOCKET)
    if socket is None or not socket.prepared:
        return None
    if socket.closed and isinstance(error, NothingReturned):
        return hang_up(request, socket, WSCloseCode.OK, "")
    if is_gone(request):
        return None
    told = handling.translate(error)
    problem, blame = judge(told)
    if blame is Blame.CLIENT:
        return hang_up(request, socket, WSCloseCode.POLICY_VIOLATION, problem.detail)
    _note(request, told, Problem(status=500), Blame.SERVICE)
    handling.report(error, request)
    return hang_up(request, socket, WSCloseCode.INTERNAL_ERROR, "")


async def _ended(
    request: web.Request,
    error: Exception | asyncio.CancelledError,
    respond: Respond,
    handling: ErrorHandling,
) -> web.StreamResponse:
    """Answer an error; complete a stream that the service's stop has interrupted, and raise any other cancellation."""
    told = _told_of(request, error)
    if told is not None:
        socket = request.get(SOCKET)
        if socket is not None and is_misspoken(socket):
            return disconnected(
                request, socket.status
            )  # the error follows from what aiohttp told the handler
        parting = _parting(request, handling, told)
        return respond(request, told) if parting is None else await parting
    response = await end_early(request)
    if response is None:
        raise error
    return complete(request, response)


def _responder(settings: ProblemsSettings, page: Page, handling: ErrorHandling) -> Respond:
    in_development = settings.profile is Profile.development

    def respond(request: web.Request, error: Exception) -> web.StreamResponse:
        if isinstance(error, ConnectionError) and is_gone(request):
            return disconnected(request)
        client_failed = error is request.content.exception() or isinstance(error, web.RequestPayloadError)
        told = error if client_failed else handling.translate(_fitting(request, error))
        problem, blame = judge(told, client_failed=client_failed, out_of_time=_is_out_of_time(request))
        if is_begun(request) and not client_failed:
            # Whatever the handler meant to tell the client, it cannot any more: that is for the log.
            blame = Blame.SERVICE
        _note(request, told, problem, blame)
        if blame is Blame.SERVICE:
            handling.report(error, request)
        if is_begun(request):
            return abort(request)
        withdraw(request)
        if isinstance(told, web.HTTPException) and not _is_plain(told):
            return _copied(request, told)
        shows_trace = in_development and blame is Blame.SERVICE
        trace = "".join(traceback.format_exception(error)) if shows_trace else ""
        response = _written(
            request, problem, page if _wants_page(request) else handling, trace, settings.debug
        )
        if isinstance(told, web.HTTPException):
            _copy_cookies(told, response)
        return response

    return respond


def _fitting(request: web.Request, error: Exception) -> Exception:
    """Return the error, or what stands for it when it is a redirect to another host that the request has named."""
    if isinstance(error, web.HTTPException):
        try:
            ensure_target(request, error)
        except BadRequest as refusal:
            return refusal
    return refused_target(request, error) or error


def _told_of(request: web.Request, error: BaseException) -> Exception | None:
    """Return the error that is to be told of; None of a cancellation that is not because the request's time was up."""
    sole = sole_error(error) if isinstance(error, Exception) else None
    explain = lateness_of(request)
    return sole if explain is None else explain(error if sole is None else sole) or sole


def _is_out_of_time(request: web.Request) -> bool:
    deadline = request.get(DEADLINE)
    return deadline is not None and asyncio.get_running_loop().time() >= deadline


def _note(request: web.Request, error: Exception, problem: Problem, blame: Blame) -> None:
    """Write down what the log has to know of an error."""
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
    """Tell whether one of aiohttp's errors becomes a problem: no redirect, no body of its author's making."""
    is_error = error.status >= HTTPStatus.BAD_REQUEST
    return is_error and (error.body is None or error.content_type == "text/plain")


def _copied(request: web.Request, error: web.HTTPException) -> web.Response:
    # A raised instance may be a constant of its module: what is sent is a copy, for this request alone.
    response = web.Response(status=error.status, reason=error.reason, headers=error.headers, body=error.body)
    _copy_cookies(error, response)
    if error.status == HTTPStatus.UNAUTHORIZED and hdrs.WWW_AUTHENTICATE not in response.headers:
        response.headers[hdrs.WWW_AUTHENTICATE] = _challenges(request)
    return response


def _copy_cookies(error: web.HTTPException, response: web.Response) -> None:
    for name, morsel in error.cookies.items():
        response.cookies[name] = morsel


def _challenges(request: web.Request) -> str:
    """Return what goes with each 401 (RFC 9110, 15.5.2): the schemes of authentication, or the usual one."""
    found: str = request.config_dict.get(CHALLENGES, "Bearer")
    return found


def _headers(request: web.Request, problem: Problem) -> dict[str, str]:
    headers = {hdrs.CACHE_CONTROL: "no-store", **problem.headers}
    if problem.status == HTTPStatus.UNAUTHORIZED and not any(
        name.lower() == "www-authenticate" for name in headers
    ):
        headers[hdrs.WWW_AUTHENTICATE] = _challenges(request)
    return headers if is_sendable(headers) else {}


def _wants_page(request: web.Request) -> bool:
    return prefers_html(",".join(request.headers.getall(hdrs.ACCEPT, ())))


def _written(
    request: web.Request, problem: Problem, form: Page | ErrorHandling, trace: str, debug: bool
) -> web.Response:
    headers, request_id = _headers(request, problem), request.get(REQUEST_ID, "")
    if isinstance(form, Page):
        text = form.render(problem, request_id=request_id, nonce=lambda: nonce(request), traceback=trace)
        headers = {**headers, hdrs.CONTENT_TYPE: _HTML}
        return web.Response(body=text.encode(errors="replace"), status=problem.status, headers=headers)
    further: dict[str, Any] = {"request_id": request_id} if request_id else {}
    if trace and debug:
        further["debug"] = trace.splitlines()
    told = replace(problem, title=problem.as_dict()["title"], extensions={**problem.extensions, **further})
    body, media_type = form.body_of(told)
    return JSONResponse(body, status=problem.status, headers=headers, media_type=media_type)
