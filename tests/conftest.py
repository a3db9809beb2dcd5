"""Fixtures for every test."""

from __future__ import annotations

pytest_plugins = ["framework.testing", "tests.servers"]
