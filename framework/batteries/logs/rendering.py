"""A record becomes one line: JSON for programs, colours for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from framework.batteries.logs.ecs import ECS_CORE
from framework.batteries.logs.redaction import Cleaner, escaped, escaped_json, escaped_traceback

Render = Callable[[Mapping[str, Any]], bytes]

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE
_LARGEST_LINE = 64 * 1024


def now() -> datetime:
    """Return the time that a line is stamped with."""
    return datetime.now(UTC)


def json_renderer(clean: Cleaner) -> Render:
    """Return what writes a record as one line of JSON."""
    dumps = orjson.dumps

    def render(record: Mapping[str, Any]) -> bytes:
        try:
            line = dumps(record, None, _OPTIONS)
            # PERF: `escaped_json` asks the same, behind a call; `in` would take its bytes for a number first.
            if not line.isascii() or line.find(b"\x7f") >= 0:
                line = escaped_json(line)
        except TypeError:  # no plain values: what the access log takes from a request may be half a character
            line = escaped_json(dumps(clean(record), None, _OPTIONS))
        return line if len(line) <= _LARGEST_LINE else render(_core(record))

    return render


_CORE = ("timestamp", "level", "logger", "event", "request_id")


def _core(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is left of a record with many long fields."""
    kept = {name: record[name] for name in (*_CORE, *ECS_CORE) if name in record}
    return {**kept, "dropped_fields": len(record) - len(kept)}


def console_renderer(*, colours: bool) -> Render:
    """Return what writes a record for a person at a terminal: one line, and a traceback below it."""
    # PERF: what colours lines imports all of rich; a service that writes JSON has no use for it.
    from structlog.dev import ConsoleRenderer, plain_traceback  # noqa: PLC0415

    renderer = ConsoleRenderer(colors=colours, exception_formatter=plain_traceback, sort_keys=False)

    def render(record: Mapping[str, Any]) -> bytes:
        record = _summarised(record)
        shown = {
            escaped(name): escaped(value) if isinstance(value, str) else value
            for name, value in record.items()
        }
        if isinstance(stamp := record.get("timestamp"), datetime):
            shown["timestamp"] = stamp.astimezone().strftime("%H:%M:%S.%f")[:-3]
        for name in ("exception", "stack"):
            if name in record:
                shown[name] = escaped_traceback(record[name])
        return f"{renderer(None, '', shown)}\n".encode(errors="backslashreplace")

    return render


_SUMMARISED = frozenset({"method", "path", "route", "status", "duration_ms", "bytes", "remote"})


def _summarised(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Put into one phrase what a request was, and how it ended."""
    if record.get("event") != "request" or not record.keys() >= _SUMMARISED:
        return record
    rest = {name: value for name, value in record.items() if name not in _SUMMARISED}
    phrase = "{method} {path} {status}, {bytes} B, {duration_ms} ms".format_map(record)
    return {**rest, "event": phrase}
