"""The fixtures of every example: `serve` starts a service on a free port, `client` asks it."""

pytest_plugins = ["framework.testing"]
