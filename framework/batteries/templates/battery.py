"""Pages from Jinja templates: the service's own first, then those that the framework ships."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import aiohttp_jinja2
import jinja2
from aiohttp import web
from aiohttp_session import SESSION_KEY, STORAGE_KEY, get_session
from markupsafe import Markup

from framework.batteries.templates.environment import ensure_compiled, ensure_template, environment, own_pages
from framework.batteries.templates.flashes import Flash, taken_flashes
from framework.batteries.templates.links import Links, links_of
from framework.batteries.templates.rendering import rendered
from framework.battery import Battery
from framework.context import CSRF_FIELD, CSRF_TOKEN, PRINCIPAL
from framework.context import nonce as nonce_of
from framework.endpoint import Endpoint, Renders, Source, calling_line, layers_of, origin_of
from framework.errors import ConfigurationError
from framework.resources import shipped

Processor = Callable[[web.Request], Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateSettings:
    """The places of templates.

    Attributes:
        folders: The service's own, the most specific first; behind them come those that the framework ships.
        reload: Look at the files anew for each page; for development.
    """

    folders: tuple[Path, ...] = ()
    reload: bool = False

    def __post_init__(self) -> None:
        absent = [str(folder) for folder in self.folders if not folder.is_dir()]
        if absent:
            raise ConfigurationError(f"folders: there is no folder {', '.join(absent)}.")


class Pages(NamedTuple):
    """The things that rendering needs.

    Attributes:
        processors: What adds values to every page.
    """

    environment: jinja2.Environment
    processors: Sequence[Processor]


_PAGES: web.AppKey[Pages] = web.AppKey("pages", Pages)


@dataclass(frozen=True, slots=True)
class Template(Renders):
    """The promise that the handler's result, a mapping or None, becomes a page."""

    battery: ClassVar[str | None] = "templates"
    name: str

    async def render(self, request: web.Request, value: Any) -> web.Response:
        return await render(request, self.name, value)


def template(name: str) -> Template:
    """Show what the handler returns with a template: ``@template("index.html")``.

    Raises:
        ConfigurationError: The name of a template is no text.
    """
    written: object = name
    if not isinstance(written, str):
        place = origin_of(written) if callable(written) else calling_line()
        raise ConfigurationError(f"{place}: a template is named first: @template('index.html').")
    return Template(name)


async def render(
    request: web.Request, name: str, context: Mapping[str, Any] | None = None, *, status: int = 200
) -> web.Response:
    """Answer with a page.

    Raises:
        jinja2.TemplateNotFound: There is no such template.
        TypeError: The context is no mapping.
    """
    if context is not None and not isinstance(context, Mapping):
        raise TypeError(
            f"A page is shown with a mapping of names to values, not with {type(context).__name__}."
        )
    pages = request.config_dict[_PAGES]
    if STORAGE_KEY in request:
        await get_session(request)  # so that what the page calls finds it
    values: dict[str, Any] = {"request": request, "principal": request.get(PRINCIPAL)}
    for processor in pages.processors:
        values.update(await processor(request))
    values.update(context or {})
    text = await rendered(pages.environment.get_template(name), values)
    return web.Response(text=text, status=status, content_type="text/html", charset="utf-8")


def battery(
    settings: TemplateSettings,
    *,
    processors: Sequence[Processor] = (),
    configure: Callable[[jinja2.Environment], None] | None = None,
) -> Battery:
    """Bring pages.

    In each of them are ``url(name, **parts)``, ``static(path)``, ``csrf_token()``, ``csrf_field()``, ``flashes()``,
    ``nonce()``, ``request`` and ``principal``.

    Args:
        processors: Each returns values for every page; no other answer pays for them.
        configure: Adds filters and globals of the service's own to the environment.
    """
    theirs = shipped("templates")

    def setup(app: web.Application, endpoints: Sequence[Endpoint]) -> None:
        _ensure_callable(endpoints)
        pages = environment(app, (*settings.folders, theirs), reload=settings.reload)
        pages.globals.update(csrf_token=csrf_token, csrf_field=csrf_field, flashes=flashes, nonce=nonce)
        if configure is not None:
            configure(pages)
        # PERF: of the pages that the framework ships only those are compiled that something here refers to.
        ensure_compiled(pages, [*own_pages(pages, theirs, settings.folders), *_shown(pages, endpoints)])
        app[_PAGES] = Pages(pages, processors)
        app.on_startup.append(_linking(pages, endpoints))

    return Battery(name="templates", after=frozenset({"problems", "sessions", "csrf", "auth"}), setup=setup)


def _ensure_callable(endpoints: Sequence[Endpoint]) -> None:
    """Check that decorators of aiohttp-jinja2 stand above handlers that take the request alone.

    Raises:
        ConfigurationError: One does not: it passes nothing by name, and takes its last argument for the request.
    """
    for endpoint in endpoints:
        names = {getattr(layer, "__globals__", {}).get("__name__") for layer in layers_of(endpoint.handler)}
        others = [
            each for each in endpoint.parameters if each.source is not Source.REQUEST and not each.by_position
        ]
        if aiohttp_jinja2.__name__ in names and (others or not endpoint.parameters):
            raise ConfigurationError(
                f"{endpoint}: @aiohttp_jinja2.template takes a handler of the request alone; write framework's "
                "@template, with the same name in it."
            )


def _shown(pages: jinja2.Environment, endpoints: Sequence[Endpoint]) -> Iterator[str]:
    """Name the templates that handlers promise to show.

    Raises:
        ConfigurationError: One is not there, or the handler is a view.
    """
    for endpoint in endpoints:
        mark = endpoint.find(Template)
        if mark is None:
            continue
        if inspect.isclass(endpoint.handler):
            raise ConfigurationError(f"{endpoint}: a view answers by itself; return render(...) there.")
        ensure_template(pages, mark.name, asked_by=str(endpoint))
        yield mark.name


def _linking(
    pages: jinja2.Environment, endpoints: Sequence[Endpoint]
) -> Callable[[web.Application], Awaitable[None]]:
    async def link(app: web.Application) -> None:
        """Learn the routes' names at start-up, when those of sub-applications are there too."""
        links: Links = links_of(app, endpoints)
        pages.globals.update(url=links.url, static=links.static)

    return link


@jinja2.pass_context
def csrf_token(context: jinja2.runtime.Context) -> str:
    """Return the token that a form or a script must send back; empty in a service without tokens."""
    request = _request(context)
    make = request.config_dict.get(CSRF_TOKEN)
    session = request.get(SESSION_KEY)
    return make(session) if make is not None and session is not None else ""


@jinja2.pass_context
def csrf_field(context: jinja2.runtime.Context) -> Markup:
    """Return the hidden input with the token."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(CSRF_FIELD, csrf_token(context))


@jinja2.pass_context
def flashes(context: jinja2.runtime.Context) -> list[Flash]:
    """Return the messages that no page has shown yet; with that they are shown."""
    session = _request(context).get(SESSION_KEY)
    return [] if session is None else taken_flashes(session)


@jinja2.pass_context
def nonce(context: jinja2.runtime.Context) -> str:
    """Return what marks the page's own inline scripts and styles, so that browsers run them."""
    return nonce_of(_request(context))


def _request(context: jinja2.runtime.Context) -> web.Request:
    request = context.get("request")
    if not isinstance(request, web.Request):
        raise LookupError("This macro needs the page's request: import it 'with context'.")
    return request
