"""The page that a browser gets in the place of a problem document."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from framework.problem import Problem
from framework.resources import shipped

_log = logging.getLogger("framework.problems")

TEMPLATE = "problem.html"


class Page:
    """The page that a browser gets."""

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
    """Tell whether a template renders without what only a handler's page has; what it includes is compiled too."""
    try:
        template.render(problem=Problem(status=500).as_dict(), request_id="", nonce=str, traceback="")
    except jinja2.TemplateError as error:
        _log.warning("problem_page_unusable", extra={"template": template.filename, "error": repr(error)})
        return False
    return True
