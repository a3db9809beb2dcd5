"""The server's limits and deadlines as one frozen record."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields

from framework.errors import ConfigurationError

#: The bytes of a request line around its target: a method of 7 letters, two spaces, ``HTTP/1.1`` and CRLF.
REQUEST_LINE_FRAME_BYTES = 19

_HOST = re.compile(r"\.?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]")
_MAY_BE_ZERO = frozenset({"port", "drain_seconds", "worker_requests", "worker_requests_jitter"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Where to listen, what a client may send and how long each wait may be.

    Attributes:
        host: The address to listen on.
        port: The port to listen on; 0 takes a free one.
        workers: The number of processes; more than one needs a factory (``run_workers``).
        backlog: Connections that the operating system may queue.
        request_line_bytes: The longest request line; above it 414.
        header_bytes: The longest name and the longest value of a header; above it 431.
        headers_bytes: All headers of a request together; above it 431.
        header_count: The number of headers; above it 431.
        max_body_bytes: The largest body that an endpoint takes unless it says otherwise; above it 413. It is
            the application that counts: ``create_app`` hands this figure to it.
        header_read_seconds: From a request's first byte, or from connecting, to its head's end; then 408.
        handshake_seconds: How long a TLS handshake may take; then the connection is cut.
        min_bytes_per_second: The slowest average at which a body may arrive and a response may be fetched.
        slow_grace_seconds: How long that average is not looked at.
        max_gap_seconds: The longest pause inside a body or a response.
        keepalive_seconds: How long an idle connection stays open; behind a proxy more than its figure.
        requests_per_connection: After so many requests a connection is closed.
        linger_seconds: How long the rest of a refused request is read away, so that the response is seen.
        stop_seconds: The whole graceful stop, draining, cancelling and closing included.
        drain_seconds: How long a stop goes on serving, with readiness at 503, before the listener closes; so long an
            idle connection and a new one are left open, too.
        reuse_port: Let another process listen on the same port, such as the next generation of this service.
        cancelled_methods: The methods whose handlers are cancelled when their client goes away.
        hosts: The names that requests may ask for in ``Host``, without ports; ``.example.com`` stands for all below
            it. Empty is any: name them where the service is reached by others.
        accept_encoded_bodies: Let compressed bodies through, still compressed; otherwise 415.
        accept_plain: Serve in production without what only private parts of the libraries below can guarantee.
        allow_python_parser: Start without aiohttp's C parser; slower, and less strict in the past.
        worker_timeout_seconds: A worker process that is stuck for so long is replaced.
        worker_requests: A worker process is replaced after so many requests; 0 is never.
        worker_requests_jitter: Up to so many are added at random, so that workers do not go together.

    Raises:
        ConfigurationError: A value makes no sense; the message names it.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    backlog: int = 1024
    request_line_bytes: int = 8192
    header_bytes: int = 8192
    headers_bytes: int = 32 * 1024
    header_count: int = 100
    max_body_bytes: int = 1024 * 1024
    header_read_seconds: float = 10
    handshake_seconds: float = 10
    min_bytes_per_second: float = 240
    slow_grace_seconds: float = 5
    max_gap_seconds: float = 20
    keepalive_seconds: float = 15
    requests_per_connection: int = 1000
    linger_seconds: float = 5
    stop_seconds: float = 25
    drain_seconds: float = 1
    reuse_port: bool = False
    cancelled_methods: frozenset[str] = frozenset({"GET", "HEAD", "OPTIONS"})
    hosts: tuple[str, ...] = ()
    accept_encoded_bodies: bool = False
    accept_plain: bool = False
    allow_python_parser: bool = False
    worker_timeout_seconds: int = 30
    worker_requests: int = 0
    worker_requests_jitter: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                continue
            if value < 0 or (value == 0 and field.name not in _MAY_BE_ZERO):
                raise ConfigurationError(f"{field.name} must be above 0, and is {value}.")
        if self.port > 65535:
            raise ConfigurationError(f"port must be at most 65535, and is {self.port}.")
        if self.request_line_bytes <= REQUEST_LINE_FRAME_BYTES:
            raise ConfigurationError(f"request_line_bytes must be above {REQUEST_LINE_FRAME_BYTES}.")
        object.__setattr__(self, "hosts", tuple(map(_host, self.hosts)))
        if self.drain_seconds >= self.stop_seconds:
            raise ConfigurationError(
                f"drain_seconds ({self.drain_seconds}) is a part of stop_seconds ({self.stop_seconds}) "
                "and must be shorter."
            )


def _host(name: str) -> str:
    """Return a name that requests may ask for, in lower case.

    Raises:
        ConfigurationError: No request could.
    """
    if not _HOST.fullmatch(name.lower()):
        raise ConfigurationError(
            "hosts are names without scheme and port, such as 'example.com', '.example.com' for all below it, or "
            f"'[::1]'; got {name[:100]!r}."
        )
    return name.lower()
