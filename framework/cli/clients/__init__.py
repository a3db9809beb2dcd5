"""The clients that are written out of a service's document."""

from framework.cli.clients.command import client

__all__ = ["client"]
