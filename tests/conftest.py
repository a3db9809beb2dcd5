"""Fixtures for every test."""

pytest_plugins = ["framework.testing"]
