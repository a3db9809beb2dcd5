"""What starts a service and helps it grow: ``framework new``, ``framework add`` and ``framework update``."""

from framework.cli.scaffolding.commands import add, new, update

__all__ = ["add", "new", "update"]
