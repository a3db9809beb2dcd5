"""What a service makes of errors, for every part that meets one: batteries, background tasks and the server below."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from framework import validation
from framework.problem import PROBLEM_DOCUMENT, PROBLEM_MEDIA_TYPE, Problem, Renderer

_log = logging.getLogger("framework.problems")

Report = Callable[[BaseException, web.Request | None], None]


def _as_it_is(error: Exception) -> Exception:
    return error


def _tell_nobody(error: BaseException, request: web.Request | None) -> None:
    """Report an error to nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorHandling:
    """The decisions of a service about its errors.

    Attributes:
        renderer: How a client is told.
        translate: ``(error) -> error``: puts an error of this tree in the place of an exception of the user's.
        report: ``(error, request or None) -> None``: tells of an unexpected exception; it neither waits nor raises.
    """

    renderer: Renderer = PROBLEM_DOCUMENT
    translate: Callable[[Exception], Exception] = _as_it_is
    report: Report = _tell_nobody

    def body_of(self, problem: Problem) -> tuple[bytes, str]:
        """Return the body of a response that tells of a problem, and its media type."""
        try:
            value = self.renderer.render(problem)
            return value if isinstance(value, bytes) else encoded(value), self.renderer.media_type
        except Exception:  # noqa: BLE001 - it must not take the place of the error that is to be told
            _log.exception("problem_renderer_failed")
            return encoded(problem.as_dict()), PROBLEM_MEDIA_TYPE


ERROR_HANDLING: Final = web.AppKey("error_handling", ErrorHandling)
"""An application's decisions; the battery of problems sets them."""


def encoded(value: Any) -> bytes:
    """Write what an error says as JSON, whatever it is; objects by the schemas of their classes."""
    try:
        return validation.encode(value)
    except TypeError:
        # An object of the service's own, or half a character out of a header: it is shown as well as can be.
        return validation.show(value)
