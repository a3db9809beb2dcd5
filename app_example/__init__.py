"""A notice board: people write posts, attach files and chat."""

from app_example.main import build

__all__ = ["build"]
