"""Addresses in pages: of routes by their names, and of static files by what is in them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any
from urllib.parse import quote, urlencode

from aiohttp import web
from aiohttp.web_urldispatcher import PrefixedSubAppResource

from framework.endpoint import Endpoint
from framework.staticfiles import StaticFiles


class Links:
    """Addresses made out of the routes' names and the static files' paths.

    Args:
        resources: What answers, by the routes' names.
        files: The static folders, in the order in which they are searched.
    """

    def __init__(self, resources: Mapping[str, web.AbstractResource], files: Sequence[StaticFiles]) -> None:
        self._resources = resources
        self._names = {name: _placeholders(resource) for name, resource in resources.items()}
        self._files = {path: address for folder in reversed(files) for path, address in folder.addresses()}

    def url(self, name: str, /, **parts: Any) -> str:
        """Return a route's path; parts that its path does not name become the query, those that are None go.

        Raises:
            LookupError: There is no such route, or its path needs another part.
        """
        resource = self._resources.get(name)
        if resource is None:
            raise LookupError(f"No route is named {name!r}{_hint(name, self._resources)}.")
        placeholders = self._names[name]
        missing = placeholders - parts.keys()
        if missing:
            raise LookupError(f"The path of the route {name!r} needs {', '.join(sorted(missing))}.")
        path = _path(resource, {part: _text(parts.pop(part)) for part in placeholders})
        query = urlencode([*_query(parts)])
        return f"{path}?{query}" if query else path

    def static(self, path: str) -> str:
        """Return a static file's path, with a version that changes with its content.

        Raises:
            LookupError: No static folder has it.
        """
        address = self._files.get(path.lstrip("/"))
        if address is None:
            raise LookupError(f"No static folder has {path!r}{_hint(path, self._files)}.")
        return address


def links_of(app: web.Application, endpoints: Iterable[Endpoint]) -> Links:
    """Read the names and the static files of an application and of those that were added to it."""
    resources: dict[str, web.AbstractResource] = {}
    for name, resource in _named(app):
        resources.setdefault(name, resource)
    return Links(resources, [mark for endpoint in endpoints if (mark := endpoint.find(StaticFiles))])


def _named(app: web.Application) -> Iterator[tuple[str, web.AbstractResource]]:
    yield from app.router.named_resources().items()
    for resource in app.router.resources():
        if isinstance(resource, PrefixedSubAppResource):
            yield from _named(resource.get_info()["app"])


def _placeholders(resource: web.AbstractResource) -> frozenset[str]:
    pattern = resource.get_info().get("pattern")
    return frozenset(pattern.groupindex) if pattern is not None else frozenset()


def _path(resource: web.AbstractResource, parts: Mapping[str, str]) -> str:
    """Fill a path; a slash in a part stays one only where the path allows for it."""
    info = resource.get_info()
    if "formatter" not in info:
        return str(resource.url_for())
    path = info["formatter"].format_map({part: quote(value) for part, value in parts.items()})
    if info["pattern"].fullmatch(path):
        return path
    return info["formatter"].format_map({part: quote(value, safe="") for part, value in parts.items()})


def _query(parts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in parts.items():
        for item in value if isinstance(value, list | tuple) else [value]:
            if item is not None:
                yield name, _text(item)


def _text(value: Any) -> str:
    if isinstance(value, Enum):
        value = value.value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _hint(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; {near[0]!r} is" if near else ""
