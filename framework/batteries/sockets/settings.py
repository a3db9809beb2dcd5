"""The settings of WebSocket rooms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from framework.errors import ConfigurationError
from framework.http.origins import origins_from


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketSettings:
    """The limits of what a socket may cost, and the pages that may open one.

    Attributes:
        origins: Origins besides the service's own whose pages may connect, such as ``https://app.example`` or
            ``https://*.app.example``; patterns are those of CORS.
        heartbeat: How often a silent peer is asked for a sign of life; it has half of that to give one.
        max_message: The largest message from a peer, in bytes.
        backlog: How many bytes may wait for one member; one who falls further behind is dropped.
        messages_per_second: How fast a member is listened to; twice as many may come at once.
        room_size: How many members one room takes.
        close_timeout: How long a peer has to take leave.
    """

    origins: tuple[str, ...] = ()
    heartbeat: timedelta = timedelta(seconds=20)
    max_message: int = 1024 * 1024
    backlog: int = 4 * 1024 * 1024
    messages_per_second: int = 20
    room_size: int = 1_000
    close_timeout: timedelta = timedelta(seconds=2)

    def __post_init__(self) -> None:
        if min(self.heartbeat, self.close_timeout) <= timedelta(0):
            raise ConfigurationError("heartbeat and close_timeout are longer than nothing.")
        if min(self.max_message, self.backlog, self.messages_per_second, self.room_size) < 1:
            raise ConfigurationError(
                "max_message, backlog, messages_per_second and room_size are at least 1."
            )
        origins_from(self.origins)
