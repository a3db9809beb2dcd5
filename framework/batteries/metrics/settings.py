"""The settings of the metrics."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from framework.errors import ConfigurationError
from framework.secrets import Secret

_SHORTEST_TOKEN = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsSettings:
    """The settings of the metrics.

    Attributes:
        path: Where the service's own port shows them to those who have the token.
        token: What a scraper sends as ``Authorization: Bearer ...``; without one they are shown on the management port
            alone.
        buckets_seconds: The upper bounds of the histogram of durations, ascending.
        lag_seconds: How often the lag of the event loop is measured.
    """

    path: str = "/metrics"
    token: Secret | None = None
    buckets_seconds: tuple[float, ...] = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
    lag_seconds: float = 0.25

    def __post_init__(self) -> None:
        if not self.path.startswith("/"):
            raise ConfigurationError(f"path must begin with '/', and is {self.path!r}.")
        if self.token is not None and len(self.token.reveal()) < _SHORTEST_TOKEN:
            raise ConfigurationError(f"token must have at least {_SHORTEST_TOKEN} characters.")
        bounds = self.buckets_seconds
        if not bounds or not bounds[0] > 0 or not all(low < high for low, high in pairwise(bounds)):
            raise ConfigurationError(f"buckets_seconds must be above 0 and ascend, and is {bounds}.")
        if self.lag_seconds <= 0:
            raise ConfigurationError(f"lag_seconds must be above 0, and is {self.lag_seconds}.")
