"""The successful answers of an endpoint: what its return annotation and its marks promise."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from framework.annotations import strip
from framework.batteries.openapi.headers import headers_of
from framework.batteries.openapi.schemas import JSONSchema, Schemas
from framework.binding.bodies import JSON
from framework.binding.declared import is_response, may_be_none, members_of, returned_type, returns_file
from framework.endpoint import Endpoint
from framework.marks import Answers
from framework.problem import phrase

BINARY = "application/octet-stream"


def answers_of(endpoint: Endpoint, schemas: Schemas) -> dict[str, JSONSchema]:
    """Return the successful responses of an operation, by their statuses."""
    found: dict[str, JSONSchema] = {}
    for mark in endpoint.marks:
        if isinstance(mark, Answers):
            _add(found, mark.status, _marked(mark, endpoint, schemas), mark.description)
    if not (found and _says_nothing(endpoint)):
        for status, content in _annotated(endpoint, schemas):
            _add(found, status, content)
    for code, answer in found.items():
        headers = headers_of(endpoint, int(code))
        if headers:
            answer["headers"] = headers
    return dict(sorted(found.items()))


def statuses_of(endpoint: Endpoint) -> frozenset[int]:
    """Return the statuses of an endpoint's successful answers."""
    marked = {mark.status for mark in endpoint.marks if isinstance(mark, Answers)}
    if marked and _says_nothing(endpoint):
        return frozenset(marked)
    return frozenset({*marked, *_statuses(endpoint)})


def _add(found: dict[str, JSONSchema], status: int, content: JSONSchema, description: str = "") -> None:
    answer = found.setdefault(str(status), {"description": description or phrase(status)})
    for media_type, described in content.items():
        answer.setdefault("content", {}).setdefault(media_type, described)


def _marked(mark: Answers, endpoint: Endpoint, schemas: Schemas) -> JSONSchema:
    if mark.content is None:
        return {} if mark.media_type == JSON else {mark.media_type: {}}
    if mark.content is bytes:
        return {BINARY if mark.media_type == JSON else mark.media_type: {}}
    return {mark.media_type: {"schema": schemas.of(mark.content, conventions=endpoint.options.conventions)}}


def _says_nothing(endpoint: Endpoint) -> bool:
    """Tell whether the annotation is just a response, of which nobody knows what is in it."""
    members = [strip(each).kind for each in members_of(endpoint.returns)]
    return all(each is inspect.Signature.empty or is_response(each) for each in members)


def _statuses(endpoint: Endpoint) -> Iterator[int]:
    status, kinds = endpoint.options.status, [strip(each).kind for each in members_of(endpoint.returns)]
    has_value = any(each not in (None, type(None)) for each in kinds)
    if has_value or status != 200:
        yield status
    if status == 200 and (not has_value or (_may_be_empty(endpoint.returns) and not _says_nothing(endpoint))):
        yield 204
    if returns_file(endpoint):
        yield from (206, 304)


def _may_be_empty(annotation: Any) -> bool:
    return strip(annotation).kind not in (Any, object) and may_be_none(annotation)


def _annotated(endpoint: Endpoint, schemas: Schemas) -> Iterator[tuple[int, JSONSchema]]:
    for status in _statuses(endpoint):
        if status in (204, 304):
            yield status, {}
        elif returns_file(endpoint):
            yield status, {BINARY: {}}
        elif _says_nothing(endpoint) or strip(endpoint.returns).kind in (None, type(None)):
            yield status, {}
        else:
            returned = returned_type(endpoint)
            yield status, {JSON: {"schema": schemas.of(returned, conventions=endpoint.options.conventions)}}


def is_socket(endpoint: Endpoint) -> bool:
    """Tell whether an endpoint answers with a WebSocket."""
    return any(
        isinstance(kind, type) and issubclass(kind, web.WebSocketResponse)
        for kind in (strip(each).kind for each in members_of(endpoint.returns))
    )
