"""What every test may ask for."""

from __future__ import annotations

import coverage
import hypothesis
import pytest

from framework.server.guarantees import GUARANTEES, missing_guarantees

pytest_plugins = ("framework.testing", "tests.servers", "tests.processes")

# The clock of a busy machine says nothing about the code.
hypothesis.settings.register_profile("tests", deadline=None, print_blob=True)
hypothesis.settings.register_profile("fuzz", deadline=None, print_blob=True, max_examples=100_000)
hypothesis.settings.load_profile("tests")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of what is not guaranteed here; a guarantee that nobody gives is an error."""
    missing = missing_guarantees()
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        named = {mark.args[0] for mark in item.iter_markers("guarantee")}
        if unknown := named - GUARANTEES.keys():
            raise pytest.UsageError(f"{item.nodeid}: nothing guarantees {', '.join(sorted(unknown))}")
        (left if named & missing.keys() else kept).append(item)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep what a worker has covered: xdist kills one that takes ten seconds to end, and on a busy machine one does."""
    measured = coverage.Coverage.current() if hasattr(session.config, "workerinput") else None
    if measured is not None:
        measured.stop()
        measured.save()
