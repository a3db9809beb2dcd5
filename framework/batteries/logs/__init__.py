"""Logs: one JSON line for each record and each request, or readable lines on a terminal."""

from framework.batteries.logs.battery import battery
from framework.batteries.logs.settings import LogsSettings

__all__ = ["LogsSettings", "battery"]
