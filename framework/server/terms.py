"""What all connections of one server have in common."""

from __future__ import annotations

from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any

from framework.server import refusals
from framework.server.keys import Prepare, Refuse
from framework.server.pace import Pace
from framework.server.settings import REQUEST_LINE_FRAME_BYTES, ServerSettings


@dataclass(slots=True)
class Terms:
    """Hold the limits, worked out once, and whether the server is about to stop.

    Attributes:
        settings: The limits as they were set.
        max_body: The bytes of a body that a request reads, as the application says.
        max_fields: The fields of a form that a request reads, as the application says.
        refuse: Turns a problem into a response.
        prepare: Prepares a brief answer; None to let aiohttp do it.
        context: What each request begins in, so that it sees nothing of another's context variables.
        closing: A new connection is closed after one answer.
        pace: How fast bodies and answers have to move.
        target_limit: The bytes that a request target may have.
    """

    settings: ServerSettings
    max_body: int
    max_fields: int
    refuse: Refuse = refusals.answer
    prepare: Prepare | None = None
    context: Context = field(default_factory=copy_context)
    closing: bool = False
    pace: Pace = field(init=False)
    target_limit: int = field(init=False)

    def __post_init__(self) -> None:
        self.pace = Pace.from_settings(self.settings)
        self.target_limit = self.settings.request_line_bytes - REQUEST_LINE_FRAME_BYTES

    def handler_options(self) -> dict[str, Any]:
        """Return the keyword arguments of aiohttp's request handler."""
        settings = self.settings
        return {
            "keepalive_timeout": settings.keepalive_seconds,
            "lingering_time": settings.linger_seconds,
            "max_line_size": self.target_limit,
            "max_field_size": settings.header_bytes,
            "max_headers": settings.header_count,
            "auto_decompress": False,
            "access_log": None,
        }
