"""What every test may ask for."""

from __future__ import annotations

pytest_plugins = ("framework.testing", "tests.servers")
