"""The process's logging, taken over while a service runs, and given back behind it."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import structlog
from structlog.stdlib import ExtraAdder, ProcessorFormatter
from structlog.typing import EventDict

from framework.batteries.logs.cleaning import Cleaner
from framework.batteries.logs.rendering import Render, now

REQUEST: ContextVar[str] = ContextVar("framework.logs.request")
"""The id of the request on behalf of which the code runs; tasks that it starts inherit it."""

Put = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class _Before:
    """Hold what a process's logging was like."""

    level: int
    handlers: Sequence[logging.Handler]
    captures_warnings: bool
    structlog: Mapping[str, Any] | None

    @classmethod
    def of(cls, root: logging.Logger) -> _Before:
        return cls(
            level=root.level,
            handlers=[handler for handler in root.handlers if _writes_to_console(handler)],
            captures_warnings=warnings.showwarning.__module__ == logging.__name__,
            structlog=structlog.get_config() if structlog.is_configured() else None,
        )

    def restore(self, root: logging.Logger) -> None:
        root.setLevel(self.level)
        for handler in self.handlers:
            root.addHandler(handler)
        logging.captureWarnings(self.captures_warnings)
        if self.structlog is None:
            structlog.reset_defaults()
        else:
            structlog.configure(**self.structlog)


def _writes_to_console(handler: logging.Handler) -> bool:
    """Say whether a handler would write its own lines between ours."""
    return type(handler) is logging.StreamHandler and handler.stream in {sys.stderr, sys.stdout}


class LineHandler(logging.Handler):
    """Hand each record on as a line."""

    def __init__(self, put: Put, render: Render, clean: Cleaner, before: _Before) -> None:
        super().__init__()
        self.before = before
        self._put = put
        self._render = render
        self._formatter = formatter(render, clean)

    def emit(self, record: logging.LogRecord) -> None:
        # Of several services in one process the last that has started speaks for what belongs to none of them.
        if _handlers()[-1] is not self:
            return
        try:
            line = self._formatter.format(record).encode()
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


def configure_structlog() -> None:
    """Let structlog's loggers speak through those of the standard library."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        context_class=dict,
        logger_factory=structlog.stdlib.LoggerFactory(),
        # A cached logger would outlive what it was configured with.
        cache_logger_on_first_use=False,
    )


def _without_leavings(_: object, __: str, event: EventDict) -> EventDict:
    """Drop what other handlers' formatters leave behind in a record."""
    event.pop("message", None)
    event.pop("asctime", None)
    return event


def formatter(render: Render, clean: Cleaner) -> ProcessorFormatter:
    """Return what makes a line of a record, structlog's or the standard library's."""

    def finish(_: object, __: str, event: EventDict) -> str:
        head = {"timestamp": now(), "level": event.pop("level", ""), "logger": event.pop("logger", "")}
        head["event"] = event.pop("event", "")
        request_id = REQUEST.get(None)
        if request_id is not None:
            event.setdefault("request_id", request_id)
        return render(clean({**head, **event})).decode()

    return ProcessorFormatter(
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            ExtraAdder(),
            _without_leavings,
        ],
        processors=[
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            ProcessorFormatter.remove_processors_meta,
            finish,
        ],
    )
