"""The environment of an application's templates: found, compiled and checked before the first request."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp_jinja2
import jinja2
from aiohttp import web
from jinja2 import nodes

from framework.adapters.jinja2 import Environment
from framework.errors import ConfigurationError

_PAGES = (".html", ".htm", ".xml", ".svg", ".j2", ".jinja")


def environment(app: web.Application, folders: Sequence[Path], *, reload: bool) -> jinja2.Environment:
    """Return an application's environment, which is aiohttp-jinja2's too: all is escaped, whatever its suffix.

    A name that no value was given for is an error; otherwise a slip of the pen would be an empty place on the page.

    Args:
        folders: Where templates are; the first that has one wins.
        reload: Look at the files anew for each page.
    """
    pages = Environment(
        loader=jinja2.FileSystemLoader(folders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        auto_reload=reload,
        cache_size=-1,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # What aiohttp_jinja2.setup() would do, for handlers that are written for it.
    app[aiohttp_jinja2.APP_KEY] = pages
    pages.globals["app"] = app
    return pages


def own_pages(pages: jinja2.Environment, shipped: Path, folders: Sequence[Path]) -> list[str]:
    """Name the pages that are the service's own: all but those that come as the framework ships them."""
    theirs, own = (set(jinja2.FileSystemLoader(each).list_templates()) for each in (shipped, folders))
    return pages.list_templates(filter_func=lambda name: name.endswith(_PAGES) and name not in theirs - own)


def ensure_compiled(pages: jinja2.Environment, names: Iterable[str]) -> None:
    """Compile pages and what they need in their turn, so that no request has to.

    Raises:
        ConfigurationError: One has a fault, or refers to one that is not there; the message names file and line.
    """
    waiting = [*dict.fromkeys(names)]
    known = {*waiting}
    for name in waiting:  # grows while it is walked
        try:
            template = pages.get_template(name)
        except jinja2.TemplateSyntaxError as error:
            raise ConfigurationError(f"{error.filename}:{error.lineno}: {error.message}") from error
        for line, other in _references(pages, name):
            ensure_template(pages, other, asked_by=f"{template.filename}:{line}")
            if other not in known:
                known.add(other)
                waiting.append(other)


def ensure_template(pages: jinja2.Environment, name: str, *, asked_by: str) -> None:
    """Check that a template is there.

    Raises:
        ConfigurationError: It is not; the message says who asks for it.
    """
    known = pages.list_templates()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; {near[0]!r} is" if near else ""
        raise ConfigurationError(f"{asked_by}: no template is named {name!r}{hint}.")


def _references(pages: jinja2.Environment, name: str) -> Iterator[tuple[int, str]]:
    """Name the templates without which this one fails, with the line that says so."""
    tree = pages.parse(_source(pages, name), name)
    kinds: tuple[Any, ...] = (nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)
    for node in tree.find_all(kinds):
        target = node.template
        if isinstance(target, nodes.Const) and not getattr(node, "ignore_missing", False):
            names = [target.value] if isinstance(target.value, str) else []
            yield from ((node.lineno, name) for name in names)


def _source(pages: jinja2.Environment, name: str) -> str:
    if pages.loader is None:
        return ""
    return pages.loader.get_source(pages, name)[0]
