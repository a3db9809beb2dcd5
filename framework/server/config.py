"""What all connections of one server have in common."""

from __future__ import annotations

from contextvars import Context, copy_context
from dataclasses import dataclass, field

from framework.problem import Problem
from framework.server import error_responses
from framework.server.connections import Connections
from framework.server.service import Service
from framework.server.settings import REQUEST_LINE_FRAME_BYTES, ServerSettings
from framework.server.timeouts import Pace


@dataclass(slots=True)
class ConnectionConfig:
    """The limits of connections, worked out once, and whether the server is about to stop.

    Attributes:
        settings: The limits as they were set.
        service: The application that is served.
        connections: The WebSockets and streams that are open.
        context: What each request begins in, so that it sees nothing of another's context variables.
        closing: A new connection is closed after one response.
        pace: How fast bodies and responses have to move.
        target_limit: The bytes that a request target may have.
    """

    settings: ServerSettings
    service: Service
    connections: Connections = field(default_factory=Connections)
    context: Context = field(default_factory=copy_context)
    closing: bool = False
    pace: Pace = field(init=False)
    target_limit: int = field(init=False)

    def __post_init__(self) -> None:
        settings = self.settings
        self.pace = Pace(settings.min_bytes_per_second, settings.slow_grace_seconds, settings.max_gap_seconds)
        self.target_limit = settings.request_line_bytes - REQUEST_LINE_FRAME_BYTES

    def explain(self, error: BaseException) -> Problem:
        """Return what is wrong with a request that the parser has refused."""
        return error_responses.problem_from_parser(
            error, target_limit=self.target_limit, header_limit=self.settings.header_bytes
        )
