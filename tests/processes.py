"""Which tests start processes: they are marked, and no other can.

``-m "not process"`` leaves them out, for a quick run. A test is marked by itself, by its module, or by one of the
fixtures that start a server.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

STARTS = {"redis_server", "postgres_server", "chromium_path"}
ALLOWED = {"git"}  # it lists the files that rules are about, and is gone


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that ask for a server in a process of its own."""
    for item in items:
        if STARTS & {*getattr(item, "fixturenames", ())}:
            item.add_marker(pytest.mark.process)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Refuse processes to a test that is not marked."""
    with pytest.MonkeyPatch.context() as patch:
        if item.get_closest_marker("process") is None:
            patch.setattr(subprocess, "Popen", Refused)
        return (yield)


class Refused(subprocess.Popen[Any]):
    """A process that an unmarked test wants to start."""

    def __init__(self, args: Any, *rest: Any, **options: Any) -> None:
        if isinstance(args, str) or args[0] not in ALLOWED:
            raise AssertionError(f"This test starts {args!r}: mark it with @pytest.mark.process.")
        super().__init__(args, *rest, **options)
