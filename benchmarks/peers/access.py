"""The access line of every peer: the standard library's logging with one JSON object a line, through orjson.

The tutorials use python-json-logger or a formatter of their own; this one is as fast as such a formatter gets.
"""

from __future__ import annotations

import logging
import sys
import time
import uuid

import orjson

FIELDS = ("request_id", "method", "path", "status", "duration_ms")
logger = logging.getLogger("access")


class JsonFormatter(logging.Formatter):
    """Format a record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"time": record.created, "level": record.levelname, "event": record.getMessage()}
        for name in FIELDS:
            line[name] = getattr(record, name, None)
        return orjson.dumps(line).decode()


def log_to_stdout() -> None:
    """Send access lines to standard output, as a container's log is read from there."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False


def new_request_id() -> str:
    """Return a random request id."""
    return uuid.uuid4().hex


def log_request(request_id: str, method: str, path: str, status: int, began: float) -> None:
    """Write the access line of a request that began at `began` by `time.perf_counter`."""
    duration = round((time.perf_counter() - began) * 1000, 3)
    values = {
        "request_id": request_id,
        "method": method,
        "path": path,
        "status": status,
        "duration_ms": duration,
    }
    logger.info("request", extra=values)
