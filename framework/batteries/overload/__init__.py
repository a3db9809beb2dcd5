"""Overload: no more requests at once than a worker can carry, and a turn for everybody who waits."""

from framework.batteries.overload.battery import battery
from framework.batteries.overload.marks import concurrency
from framework.batteries.overload.settings import OverloadSettings

__all__ = ["OverloadSettings", "battery", "concurrency"]
