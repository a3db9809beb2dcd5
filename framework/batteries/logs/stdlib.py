"""The process's logging, taken over while a service runs, and given back behind it."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple

from framework.batteries.logs.redaction import Cleaner
from framework.batteries.logs.rendering import Render, now

REQUEST: ContextVar[str] = ContextVar("framework.logs.request")
"""The id of the request on behalf of which the code runs; tasks that it starts inherit it."""

Put = Callable[[bytes], None]
Merge = Callable[[object, str, dict[str, Any]], object]

_FIELDS = "_fields"
# What a record has of its own, and what other handlers' formatters leave behind in it, is no field.
_OWN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", _FIELDS}


class _Before(NamedTuple):
    """A process's logging as it was before."""

    level: int
    handlers: Sequence[logging.Handler]
    captures_warnings: bool
    restore_structlog: Callable[[], None]

    @classmethod
    def of(cls, root: logging.Logger) -> _Before:
        return cls(
            level=root.level,
            handlers=[handler for handler in root.handlers if _writes_to_console(handler)],
            captures_warnings=warnings.showwarning.__module__ == logging.__name__,
            restore_structlog=_structlog_restorer(),
        )

    def restore(self, root: logging.Logger) -> None:
        root.setLevel(self.level)
        for handler in self.handlers:
            root.addHandler(handler)
        logging.captureWarnings(self.captures_warnings)
        self.restore_structlog()


def _writes_to_console(handler: logging.Handler) -> bool:
    """Tell whether a handler would write its own lines between ours."""
    return type(handler) is logging.StreamHandler and handler.stream in {sys.stderr, sys.stdout}


class LineHandler(logging.Handler):
    """A handler that hands each record on as a line."""

    def __init__(self, put: Put, render: Render, clean: Cleaner, before: _Before) -> None:
        super().__init__()
        self.before = before
        self._put = put
        self._render = render
        self._clean = clean
        self._merge = _merger()

    def emit(self, record: logging.LogRecord) -> None:
        # Of several services in one process the last that has started speaks for what belongs to none of them.
        if _handlers()[-1] is not self:
            return
        try:
            line = self._render(self._clean(described(record, self._merge)))
        except Exception as error:  # noqa: BLE001 - a record that cannot be formatted is still one to tell of
            line = self._render(_unformattable(record, error))
        self._put(line)


def _unformattable(record: logging.LogRecord, error: Exception) -> dict[str, Any]:
    place = f"{record.pathname}:{record.lineno}"
    return {
        "timestamp": now(),
        "level": "error",
        "event": "log_record_unformattable",
        "place": place,
        "error": repr(error),
    }


def _handlers() -> list[LineHandler]:
    return [handler for handler in logging.getLogger().handlers if isinstance(handler, LineHandler)]


@contextmanager
def taken_over(put: Put, render: Render, clean: Cleaner, level: int) -> Iterator[None]:
    """Send the records of logging, structlog and warnings to `put`, and leave everything behind as it was.

    Services of one process may end in any order: one that ends before another hands on what it found.
    """
    root = logging.getLogger()
    handler = LineHandler(put, render, clean, _Before.of(root))
    for other in handler.before.handlers:
        root.removeHandler(other)
    root.addHandler(handler)
    root.setLevel(level)
    logging.captureWarnings(True)
    configure_structlog()
    try:
        yield
    finally:
        handlers = _handlers()
        root.removeHandler(handler)
        if handlers[-1] is handler:
            handler.before.restore(root)
        else:
            handlers[handlers.index(handler) + 1].before = handler.before


def described(record: logging.LogRecord, merge: Merge) -> dict[str, Any]:
    """Return what a record says: its time, its event and its fields.

    Args:
        record: structlog's or the standard library's.
        merge: Adds what is bound to the context of the code that logs, as structlog does it.
    """
    fields: dict[str, Any] = {}
    merge(None, "", fields)
    fields.update((name, value) for name, value in record.__dict__.items() if name not in _OWN)
    fields.update(record.__dict__.get(_FIELDS, ()))
    line: dict[str, Any] = {
        "timestamp": now(),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": record.getMessage(),
    }
    if record.exc_info and record.exc_info[0] is not None:
        line["exception"] = _TRACEBACKS.formatException(record.exc_info)
    if record.stack_info:
        line["stack"] = record.stack_info
    request_id = REQUEST.get(None)
    if request_id is not None:
        line["request_id"] = request_id
    return line | _beside(line, fields)


def _beside(line: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields under names that the line does not have itself: ``level`` becomes ``extra_level``."""
    if line.keys().isdisjoint(fields):
        return dict(fields)
    return {
        f"extra_{name}" if name in line else name: value
        for name, value in fields.items()
        if name not in line or line[name] != value
    }


_TRACEBACKS = logging.Formatter()


def _structlog() -> ModuleType | None:
    """Return structlog if the service has imported it.

    PERF: it imports all of rich, which is a tenth of a service's memory; who does not use it need not have it.
    """
    return sys.modules.get("structlog")


def _merger() -> Merge:
    structlog = _structlog()
    return structlog.contextvars.merge_contextvars if structlog else lambda _, __, ___: None


def _structlog_restorer() -> Callable[[], None]:
    structlog = _structlog()
    if structlog is None:
        return lambda: None
    return (
        partial(structlog.configure, **structlog.get_config())
        if structlog.is_configured()
        else structlog.reset_defaults
    )


def configure_structlog() -> None:
    """Let structlog's loggers, if there can be any, speak through those of the standard library."""
    structlog = _structlog()
    if structlog is None:
        return
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            _handed_on,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        context_class=dict,
        logger_factory=structlog.stdlib.LoggerFactory(),
        # A cached logger would outlive what it was configured with.
        cache_logger_on_first_use=False,
    )


def _handed_on(_: object, __: str, event: dict[str, Any]) -> tuple[tuple[object], dict[str, Any]]:
    """Return what the standard library's logger is called with; the fields travel apart from what it has of its own."""
    error = event.pop("exc_info", None)
    return (event.get("event", ""),), {"exc_info": error, "extra": {_FIELDS: event}}
