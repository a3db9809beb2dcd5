"""The settings of overload."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from framework.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneSettings:
    """How many requests there may be at once, and how many more may wait.

    Attributes:
        at_once: How many are worked on.
        waiting: How many wait for that; any more are refused at once.
        waiting_each: How many of these may be of one client address, or one /64 network of IPv6.
        wait_seconds: How long each waits; then it is refused.
    """

    at_once: int = 1_000
    waiting: int = 1_000
    waiting_each: int = 1_000
    wait_seconds: float = 2.0

    def __post_init__(self) -> None:
        if min(self.at_once, self.waiting_each) < 1 or self.waiting < 0:
            raise ConfigurationError("at_once and waiting_each are at least 1, and waiting at least 0.")
        if not 0 < self.wait_seconds < math.inf:
            raise ConfigurationError("wait_seconds is above 0.")


@dataclass(frozen=True, slots=True, kw_only=True)
class OverloadSettings:
    """What a worker carries, and when it is stuck.

    Attributes:
        requests: All requests of a worker together, but those of probes (``@unlimited``), and sockets and streams once
            they are open.
        latency_seconds: How long answers may take before the worker takes on fewer requests at once, and lets fewer
            wait; `requests` is the most then. 0 for always as many as `requests` says.
        passwords: The lane of endpoints that hash passwords; together they need most of a machine.
        stall_seconds: When the event loop has stood still for so long, the log is told where; 0 for never.
    """

    requests: LaneSettings = field(default_factory=LaneSettings)
    latency_seconds: float = 0.0
    passwords: LaneSettings = field(
        default_factory=lambda: LaneSettings(at_once=4, waiting=60, waiting_each=6, wait_seconds=10.0)
    )
    stall_seconds: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.stall_seconds < math.inf or not 0 <= self.latency_seconds < math.inf:
            raise ConfigurationError("stall_seconds and latency_seconds are at least 0.")
