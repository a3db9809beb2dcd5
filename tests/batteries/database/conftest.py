"""Both databases, each empty at first."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.batteries.database import DatabaseSettings
from framework.batteries.database.migrations import migrate
from tests.batteries.database.notes import REVISIONS, settings_for


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.process)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> DatabaseSettings:
    """Return the settings of a database with nothing in it."""
    if request.param == "sqlite":
        return settings_for(f"sqlite:///{tmp_path}/data/notes.sqlite3")
    return settings_for(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def settings(empty: DatabaseSettings) -> DatabaseSettings:
    """Return the settings of a migrated database."""
    await migrate(empty, REVISIONS)
    return empty
