"""The command line: ``framework run | dev | new | routes | check | openapi | migrate``."""

from framework.cli.commands import main

__all__ = ["main"]
