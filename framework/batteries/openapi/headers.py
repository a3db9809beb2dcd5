"""The headers of answers: what an endpoint's return annotation and its marks promise besides the body."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from framework.annotations import strip
from framework.batteries.openapi.schemas import JSONSchema
from framework.binding.declared import returns_file
from framework.endpoint import Endpoint
from framework.paging import Page
from framework.responses import Result

_MEANINGS: Mapping[str, str] = {
    "Accept-Ranges": "That single ranges may be asked for (RFC 9110, 14.3).",
    "Content-Disposition": "How the file is called (RFC 6266).",
    "Content-Range": "Which part of the whole this is (RFC 9110, 14.4).",
    "ETag": "The tag of this version (RFC 9110, 8.8.3).",
    "Last-Modified": "When it was changed last (RFC 9110, 8.8.2).",
    "Link": "The pages first and next to this one (RFC 8288).",
    "Location": "Where the new resource is (RFC 9110, 10.2.2).",
}
_OF_ERRORS: Mapping[int, Mapping[str, str]] = {
    401: {"WWW-Authenticate": "How to authenticate (RFC 9110, 11.6.1)."},
    405: {"Allow": "The methods that are allowed (RFC 9110, 10.2.1)."},
    412: {"ETag": "The tag of the version that is there (RFC 9110, 8.8.3)."},
    429: {"Retry-After": "Seconds to wait (RFC 9110, 10.2.3)."},
    503: {"Retry-After": "Seconds to wait (RFC 9110, 10.2.3)."},
}


def headers_of(endpoint: Endpoint, status: int) -> JSONSchema:
    """Return the headers of a successful answer, as OpenAPI's header objects."""
    promised = {name: meaning for mark in endpoint.marks for name, meaning in mark.headers().items()}
    names = {name: _MEANINGS[name] for name in _by_type(endpoint, status)}
    return _described({**names, **promised})


def headers_of_error(status: int) -> JSONSchema:
    """Return the headers of an error."""
    return _described(_OF_ERRORS.get(status, {}))


def _described(meanings: Mapping[str, str]) -> JSONSchema:
    return {
        name: {"description": meaning, "schema": {"type": "string"}} for name, meaning in meanings.items()
    }


def _by_type(endpoint: Endpoint, status: int) -> Iterator[str]:
    kinds = list(_kinds(endpoint.returns))
    if status == 201 and Result in kinds:
        yield "Location"
    if status == 200 and Result in kinds and any(_is_page(kind) for kind in kinds):
        yield "Link"
    if returns_file(endpoint):
        yield from ("ETag", "Last-Modified")
        if status in (200, 206):
            yield from ("Accept-Ranges", "Content-Disposition")
        if status == 206:
            yield "Content-Range"


def _kinds(annotation: Any, within: tuple[Any, ...] = ()) -> Iterator[Any]:
    """Yield the types that stand in a return annotation: a union's members, a generic and what it is made of.

    Args:
        annotation: The annotation.
        within: The types around it; the name of a `type` statement may hold itself.
    """
    if annotation in within:
        return
    kind = strip(annotation).kind
    yield get_origin(kind) or kind
    for each in get_args(kind):
        yield from _kinds(each, (*within, annotation))


def _is_page(kind: Any) -> bool:
    return inspect.isclass(kind) and issubclass(kind, Page)
