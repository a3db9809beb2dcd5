"""Find the route of a path without trying them all.

aiohttp keeps routes by the part in front of the first variable and tries one after the other. A service with five
hundred routes below ``/{tenant}`` would try five hundred patterns. Here a path without variables is one look-up, and
patterns that have another number of segments, or other fixed ones, are not tried; the order of the others is aiohttp's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from aiohttp import hdrs, web
from aiohttp.web_urldispatcher import AbstractResource, DynamicResource

from framework.adapters.aiohttp.routes import SEGMENT, Pattern, find_index, read_pattern

_VARIABLE = re.compile(r"\{([_a-zA-Z][_a-zA-Z0-9]*)\}")
_NO_SHAPES: Mapping[Any, Any] = MappingProxyType({})
_FIXED = re.compile(r"[A-Za-z0-9._~-]*")  # reads the same in a path, in a pattern and in aiohttp's spelling


class _Entry(NamedTuple):
    order: int
    pattern: Pattern


class _Shape(NamedTuple):
    """How many segments a path has, and which of them are fixed."""

    length: int
    positions: tuple[int, ...]

    def fixed(self, segments: list[str]) -> tuple[str, ...]:
        return tuple([segments[position] for position in self.positions])


class _Bucket:
    """The patterns that begin with the same fixed segments."""

    def __init__(self, resources: Iterable[AbstractResource]) -> None:
        self.is_known = True
        self._anywhere: list[_Entry] = []
        self._shaped: dict[int, dict[_Shape, dict[tuple[str, ...], list[_Entry]]]] = {}
        self.plain: list[web.PlainResource] = []
        patterns: list[Pattern] = []
        for order, resource in enumerate(resources):
            if type(resource) is DynamicResource:
                patterns.append(read_pattern(resource))
                self._add(_Entry(order, patterns[-1]))
            elif type(resource) is not web.PlainResource:
                self.is_known = False  # static files and sub-applications look at a path in their own way
            elif self.is_known and not any(
                pattern.match(resource.canonical) is not None for pattern in patterns
            ):
                self.plain.append(resource)
            else:
                self.is_known = False  # an earlier one may take the path, or not; it hangs on the method

    def _add(self, entry: _Entry) -> None:
        segments = entry.pattern.template.split("/")
        shape = _shape_of(entry.pattern, segments)
        if shape is None:
            self._anywhere.append(entry)
            return
        of_length = self._shaped.setdefault(shape.length, {})
        of_length.setdefault(shape, {}).setdefault(shape.fixed(segments), []).append(entry)

    def candidates(self, segments: list[str]) -> list[_Entry]:
        """Return what may match a path, in the order of registration."""
        found = self._anywhere
        for shape, entries in self._shaped.get(len(segments), _NO_SHAPES).items():
            fitting = entries.get(shape.fixed(segments))
            if fitting is not None:
                found = found + fitting if found else fitting
        return sorted(found) if len(found) > 1 else found


Found = tuple[web.AbstractRoute, Mapping[str, str]]

_NOTHING: Mapping[str, str] = MappingProxyType({})


class Lookup:
    """What the router of an application would find; it has to be made anew when a route is added."""

    def __init__(self, router: web.UrlDispatcher) -> None:
        self._plain: dict[tuple[str, str], Found] = {}
        index = find_index(router) or {}
        self._buckets = {prefix: _Bucket(found) for prefix, found in index.items()}
        for bucket in self._buckets.values():
            for resource in bucket.plain:
                path = resource.canonical
                # What stands behind a route of all methods never gets a request.
                for route in resource if (hdrs.METH_ANY, path) not in self._plain else ():
                    self._plain.setdefault((route.method, path), (route, _NOTHING))

    def find(self, method: str, path: str) -> Found | None:
        """Return a route and its variables; None if there is none, or if only the router can say.

        Args:
            path: As ``URL.path_safe`` has it.
        """
        plain = self._plain
        return plain.get((method, path)) or plain.get((hdrs.METH_ANY, path)) or self._matching(method, path)

    def _matching(self, method: str, path: str) -> Found | None:
        segments, prefix = path.split("/"), path
        while prefix:
            bucket = self._buckets.get(prefix)
            if bucket is not None:
                if not bucket.is_known:
                    return None
                for _, pattern in bucket.candidates(segments):
                    variables = pattern.match(path)
                    route = pattern.routes.get(method, pattern.any_route)
                    if variables is not None and route is not None:
                        return route, variables
            if prefix == "/":
                return None
            prefix = prefix.rpartition("/")[0] or "/"
        return None


def _shape_of(pattern: Pattern, segments: list[str]) -> _Shape | None:
    """Return the shape of all paths that match; None for a pattern that is not made of whole, plain segments."""
    expected = []
    for segment in segments:
        variable = _VARIABLE.fullmatch(segment)
        if variable is None and not _FIXED.fullmatch(segment):
            return None
        expected.append(re.escape(segment) if variable is None else f"(?P<{variable[1]}>{SEGMENT})")
    if pattern.expression != "/".join(expected):
        return None  # a variable has a pattern of its own, and may take several segments
    fixed = [position for position, segment in enumerate(segments) if not _VARIABLE.fullmatch(segment)]
    return _Shape(len(segments), tuple(fixed))
