"""Management: what a running service tells of itself, on a port of its own."""

from framework.batteries.management.battery import battery
from framework.batteries.management.settings import ManagementSettings

__all__ = ["ManagementSettings", "battery"]
