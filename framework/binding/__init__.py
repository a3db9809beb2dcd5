"""An endpoint's request becomes arguments; what its handler returns becomes a response."""

from framework.binding.handlers import bind

__all__ = ["bind"]
