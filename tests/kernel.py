"""A service of nothing but the kernel and its problem documents, for tests of the kernel."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from framework.app import ServiceSettings, create_app
from framework.battery import Answer, Battery
from framework.errors import PROBLEM_MEDIA_TYPE, ServiceError
from framework.responses import JSONResponse
from framework.validation import encode


async def _answer_problem(request: web.Request, handler: Answer) -> web.StreamResponse:
    try:
        return await handler(request)
    except ServiceError as error:
        problem = error.problem()
        body = encode(problem.as_dict())
        return JSONResponse(
            body, status=problem.status, headers=problem.headers, media_type=PROBLEM_MEDIA_TYPE
        )


PROBLEMS = Battery(name="problems", middleware=_answer_problem)


def kernel_app(*routes: Any, batteries: tuple[Battery, ...] = ()) -> web.Application:
    return create_app(ServiceSettings(), routes=routes, batteries=[PROBLEMS, *batteries])
