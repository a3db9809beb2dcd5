"""Metrics: how many requests, how fast and how they ended, for Prometheus, of all workers together."""

from framework.batteries.metrics.battery import battery
from framework.batteries.metrics.settings import MetricsSettings

__all__ = ["MetricsSettings", "battery"]
