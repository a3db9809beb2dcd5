"""The application behind the management port."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import hdrs, web

from framework.adapters.aiohttp.responses import JSONResponse
from framework.batteries.management.dashboard import DASHBOARD, Dashboard
from framework.batteries.management.reports import loggers, set_level
from framework.batteries.management.settings import ManagementSettings
from framework.errors import BadRequest, Forbidden, NotFound, ServiceError, Unauthorized
from framework.inspection import Inspection
from framework.secrets import Secret
from framework.server.siblings import SIBLINGS, Question, Siblings
from framework.validation import json

REPORT, LEVEL = "management.report", "management.level"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class Pages:
    """What the management port answers, of this worker and of the others.

    Args:
        inspection: The reports of the service.
        siblings: The other workers; None where there are none.
    """

    def __init__(self, inspection: Inspection, siblings: Siblings | None) -> None:
        self._inspection = inspection
        self._siblings = siblings
        self._number = 1 if siblings is None else siblings.number
        if siblings is not None:
            siblings.answer(REPORT, self._report)
            siblings.answer(LEVEL, self._set)

    def application(self, settings: ManagementSettings) -> web.Application:
        """Return the application, which answers those alone who may ask."""
        app = web.Application(middlewares=[_guard(settings.token)])
        dashboard = Dashboard(self._ask_all)
        app.router.add_get("/", self._index)
        app.router.add_get(DASHBOARD, dashboard.lead)
        app.router.add_get(f"{DASHBOARD}/live", dashboard.live)
        app.router.add_get(f"{DASHBOARD}/{{file:.*}}", dashboard.show)
        app.router.add_get("/{name}", self._show)
        app.router.add_put("/loggers/{logger}", self._level)
        return app

    async def _index(self, _: web.Request) -> web.StreamResponse:
        return _answer({"reports": sorted([*self._inspection.reports, *self._inspection.whole])})

    async def _show(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if name in self._inspection.whole:
            return await self._inspection.whole[name](request)
        if name not in self._inspection.reports:
            raise NotFound("report", name)
        told = await self._asked(REPORT, {"name": name}, request)
        is_down = any(isinstance(each, Mapping) and each.get("status") == "down" for each in told.values())
        return _answer({"workers": told}, status=503 if name == "health" and is_down else 200)

    async def _level(self, request: web.Request) -> web.StreamResponse:
        try:
            sent = json.decode(await request.read())
        except json.MalformedJSON as error:
            raise BadRequest(str(error)) from error
        if not isinstance(sent, dict) or sent.keys() != {"level"}:
            raise BadRequest(
                'The body must be {"level": "debug"}, or {"level": null} for that of the logger above.'
            )
        logger = request.match_info["logger"]
        told = await self._asked(LEVEL, {"logger": logger, "level": sent["level"]}, request)
        complaint = next((each["complaint"] for each in told.values() if "complaint" in each), None)
        if complaint is not None:
            raise BadRequest(complaint)
        return _answer({"workers": told})

    async def _asked(self, what: str, question: Question, request: web.Request) -> dict[str, Any]:
        """Return the answers of all workers by number, or of the one that the query names.

        Raises:
            NotFound: There is no such worker, or it does not answer.
        """
        wanted = request.query.get("worker")
        answers: dict[str, Any] = {}
        if wanted in (None, str(self._number)):
            answer = self._report if what == REPORT else self._set
            answers[str(self._number)] = await answer(question)
        if self._siblings is not None and wanted != str(self._number):
            others = await self._siblings.ask(what, question)
            answers |= {str(number): told for number, told in others.items() if wanted in (None, str(number))}
        if not answers:
            raise NotFound("worker", wanted)
        return dict(sorted(answers.items(), key=lambda item: int(item[0])))

    async def _ask_all(self, name: str) -> Mapping[str, Any]:
        """Return what each worker reports; nothing where there is no such report."""
        if name not in self._inspection.reports:
            return {}
        found = {str(self._number): await self._inspection.reports[name]()}
        if self._siblings is not None:
            found |= {
                str(each): told for each, told in (await self._siblings.ask(REPORT, {"name": name})).items()
            }
        return found

    async def _report(self, question: Question) -> Any:
        return await self._inspection.reports[question["name"]]()

    async def _set(self, question: Question) -> Any:
        try:
            set_level(question["logger"], question["level"])
        except ValueError as error:
            return {"complaint": str(error)}
        return {question["logger"]: loggers()[question["logger"]]}


def _guard(token: Secret | None) -> Any:
    wanted = None if token is None else f"Bearer {token.reveal()}".encode()

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            _ensure_allowed(request, wanted)
            return await handler(request)
        except web.HTTPException as error:
            return _answer({"status": error.status, "title": error.reason}, error.status)
        except ServiceError as error:
            told = {"status": error.status, "detail": str(error)}
            return _answer(told, error.status, error.headers)

    return guard


def _ensure_allowed(request: web.Request, wanted: bytes | None) -> None:
    """Check that whoever asks has the token; or, where there is none, that no page in a browser asks for them.

    A page of another site can reach this machine's ports, by their address or by a name that leads there.

    The files of the dashboard hold no data, and ask for the token themselves.

    Raises:
        Unauthorized: The token is missing or wrong.
        Forbidden: A page asks.
    """
    if wanted is not None:
        if getattr(request.match_info.handler, "__func__", None) in (Dashboard.lead, Dashboard.show):
            return
        sent = request.headers.get(hdrs.AUTHORIZATION, "").encode(errors="surrogateescape")
        if not hmac.compare_digest(sent, wanted):
            raise Unauthorized("The management port needs its token.", challenge="Bearer")
    elif request.url.host not in _HERE or hdrs.ORIGIN in request.headers:
        raise Forbidden("Without a token the management port answers programs of this machine alone.")


def _answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    kept = {hdrs.CACHE_CONTROL: "no-store", "X-Content-Type-Options": "nosniff", **(headers or {})}
    return JSONResponse(json.encode(value), status=status, headers=kept)


def siblings_of(app: web.Application) -> Siblings | None:
    """Return what the application's worker knows of the others."""
    return app.get(SIBLINGS)
