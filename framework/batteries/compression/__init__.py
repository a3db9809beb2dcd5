"""Compression: answers that are smaller on their way, where nobody can learn a secret from their size."""

from framework.batteries.compression.battery import battery, compressed
from framework.batteries.compression.settings import CompressionSettings

__all__ = ["CompressionSettings", "battery", "compressed"]
