"""Lines in the names of the Elastic Common Schema (ECS 8.11)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Render = Callable[[Mapping[str, Any]], bytes]

ECS_CORE = ("@timestamp", "log.level", "message", "ecs.version", "log.logger", "http.request.id")
"""What is left of a record that is too long."""

_NAMES: Mapping[str, str] = {
    "timestamp": "@timestamp",
    "level": "log.level",
    "logger": "log.logger",
    "event": "message",
    "request_id": "http.request.id",
    "subject": "user.id",
    "exception": "error.stack_trace",
}
_NAMES_OF_REQUEST: Mapping[str, str] = {
    **_NAMES,
    "method": "http.request.method",
    "path": "url.path",
    "status": "http.response.status_code",
    "bytes": "http.response.body.bytes",
    "remote": "client.ip",
}
_NANOSECONDS = 1_000_000


def ecs_renderer(render: Render) -> Render:
    """Return what writes a record in the names of ECS; fields that ECS has no name for stand under ``labels``.

    Args:
        render: Writes what comes of it as JSON.
    """

    def render_ecs(record: Mapping[str, Any]) -> bytes:
        return render(ecs_of(record))

    return render_ecs


def ecs_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record in the names of ECS."""
    is_request = "logger" not in record and "duration_ms" in record
    names = _NAMES_OF_REQUEST if is_request else _NAMES
    line = {names[name]: value for name, value in record.items() if name in names}
    labels = {name: value for name, value in record.items() if name not in names}
    line["ecs.version"] = "8.11.0"
    if is_request:
        line["event.duration"] = int(labels.pop("duration_ms") * _NANOSECONDS)
    if labels:
        line["labels"] = labels
    return line
