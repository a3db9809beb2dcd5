"""What a client is told of an error (RFC 9457), and the shape in which it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

PROBLEM_MEDIA_TYPE = "application/problem+json"

_PHRASES = {status.value: status.phrase for status in HTTPStatus} | {
    # NOTE: Python before 3.13 has the phrases of RFC 7231 for these.
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}


def phrase(status: int) -> str:
    """Return a status's name (RFC 9110, 15); ``Error`` for one that has none."""
    return _PHRASES.get(status, "Error")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a request.

    Attributes:
        location: The part of the request: ``body``, ``form``, ``path``, ``query``, ``headers`` or ``cookies``.
        pointer: A JSON pointer into that part (RFC 6901); empty for the part as a whole.
        detail: A sentence for a person.
    """

    location: str
    pointer: str
    detail: str

    def as_dict(self) -> dict[str, str]:
        """Return the fault as a member of ``errors``."""
        return {"in": self.location, "pointer": self.pointer, "detail": self.detail}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What a client is told of an error (RFC 9457).

    Attributes:
        status: The HTTP status.
        title: What kind of error it is; the same text each time.
        detail: What went wrong this time; empty when there is nothing to add.
        type: A URI of the kind; ``about:blank`` when the status says it all.
        extensions: Further members, such as ``errors``.
        headers: Response headers that belong to the error, such as ``Allow``.
    """

    status: int
    title: str = ""
    detail: str = ""
    type: str = "about:blank"
    extensions: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the members of the problem document, in the order of RFC 9457 (3.1)."""
        document: dict[str, Any] = {
            "type": self.type,
            "title": self.title or phrase(self.status),
            "status": self.status,
        }
        if self.detail:
            document["detail"] = self.detail
        return {**document, **self.extensions}


@dataclass(frozen=True, slots=True, kw_only=True)
class Renderer:
    """The shape of a service's errors on the wire, and its description in the OpenAPI document.

    Attributes:
        render: ``(problem) -> value``: the body as plain JSON values, an instance of the dataclass in `schema`, or
            bytes that are ready to be sent. ``problem.extensions`` holds ``request_id``, and ``errors`` of a 422.
        media_type: The ``Content-Type``.
        schema: A dataclass, or a JSON Schema, that describes the body.
    """

    render: Callable[[Problem], Any]
    media_type: str = "application/json"
    schema: type | Mapping[str, Any] = field(default_factory=dict)


FAULT_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "in": {"type": "string", "enum": ["body", "form", "path", "query", "headers", "cookies"]},
        "pointer": {"type": "string", "format": "json-pointer"},
        "detail": {"type": "string"},
    },
    "required": ["in", "pointer", "detail"],
}
"""A `Fault` as JSON Schema."""

PROBLEM_DOCUMENT = Renderer(
    render=Problem.as_dict,
    media_type=PROBLEM_MEDIA_TYPE,
    schema={
        "type": "object",
        "description": "What went wrong (RFC 9457).",
        "required": ["type", "title", "status"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "request_id": {"type": "string"},
        },
    },
)
"""The usual shape: a problem document."""
