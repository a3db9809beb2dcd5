"""Migrations: from a folder alone, as one transaction, by one process at a time."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from framework.batteries.database import DatabaseSettings
from framework.batteries.database.engines import opened
from framework.batteries.database.migrations import (
    MIGRATIONS,
    Migrations,
    current,
    is_pending,
    migrate,
    write_revision,
)
from framework.errors import ConfigurationError
from tests.batteries.database.notes import REVISIONS, Base, notes_app

BROKEN = '''
"""Break half way."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TABLE half (id INTEGER)")
    op.execute("{statement}")
'''


def folder_with(tmp_path: Path, statement: str) -> Path:
    """Copy the revisions and add one that runs a statement."""
    folder = tmp_path / "100% of the revisions"
    folder.mkdir()
    for revision in REVISIONS.glob("*.py"):
        (folder / revision.name).write_text(revision.read_text())
    (folder / "0003_broken.py").write_text(BROKEN.format(statement=statement))
    return folder


async def rows(settings: DatabaseSettings, query: str) -> list[tuple[object, ...]]:
    async with opened(settings) as engine, engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(text(query))]


async def test_a_database_goes_to_the_newest_revision_and_stays_there(empty: DatabaseSettings) -> None:
    assert (await current(empty), await is_pending(empty, REVISIONS)) == ((), True)

    assert await migrate(empty, REVISIONS) == ("0002",)
    assert await migrate(empty, REVISIONS) == ("0002",)

    assert (await current(empty), await is_pending(empty, REVISIONS)) == (("0002",), False)


async def test_a_database_goes_to_a_named_revision_and_back(empty: DatabaseSettings) -> None:
    assert await migrate(empty, REVISIONS, "0001") == ("0001",)
    assert await migrate(empty, REVISIONS, "head") == ("0002",)

    assert await migrate(empty, REVISIONS, "-1") == ("0001",)
    assert await migrate(empty, REVISIONS, "base") == ()


async def test_an_unknown_revision_is_an_error_that_names_it(empty: DatabaseSettings) -> None:
    with pytest.raises(ConfigurationError, match="0815"):
        await migrate(empty, REVISIONS, "0815")


async def test_rows_survive_when_their_table_is_copied(empty: DatabaseSettings) -> None:
    await migrate(empty, REVISIONS, "0001")
    async with opened(empty) as engine, engine.begin() as connection:
        await connection.execute(text("INSERT INTO notes (id, name) VALUES (1, 'kept')"))
        await connection.execute(text("INSERT INTO tags (id, note_id) VALUES (7, 1)"))

    await migrate(empty, REVISIONS)

    assert await rows(empty, "SELECT id, note_id FROM tags") == [(7, 1)]


async def test_a_migration_that_fails_leaves_nothing_behind(empty: DatabaseSettings, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "SELECT nonsense FROM nowhere")

    with pytest.raises(Exception, match="nowhere"):
        await migrate(empty, folder)

    assert await current(empty) == ()
    with pytest.raises(Exception, match="half"):
        await rows(empty, "SELECT * FROM half")
    assert await migrate(empty, REVISIONS) == ("0002",)


async def test_a_migration_that_breaks_references_is_refused(empty: DatabaseSettings, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "INSERT INTO tags (id, note_id) VALUES (1, 815)")

    with pytest.raises(Exception, match=r"rows that are not there|violates foreign key"):
        await migrate(empty, folder)

    assert await current(empty) == ()


async def test_a_database_ahead_of_the_code_lacks_nothing(empty: DatabaseSettings, tmp_path: Path) -> None:
    await migrate(empty, folder_with(tmp_path, "SELECT 1"))

    assert await current(empty) == ("0003",)
    assert not await is_pending(empty, REVISIONS)


@pytest.mark.process
async def test_several_processes_migrate_at_once(empty: DatabaseSettings) -> None:
    program = (
        "import asyncio; from pathlib import Path;"
        "from tests.batteries.database.notes import settings_for;"
        "from framework.batteries.database.migrations import migrate;"
        f"print(asyncio.run(migrate(settings_for({empty.url.reveal()!r}), Path({str(REVISIONS)!r}))))"
    )

    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    outputs = [await process.communicate() for process in processes]

    assert [output.decode().strip() for output, _ in outputs] == ["('0002',)"] * 3


async def test_a_new_revision_holds_what_the_models_have_and_the_database_has_not(
    empty: DatabaseSettings, tmp_path: Path
) -> None:
    folder = tmp_path / "revisions"
    folder.mkdir()

    await write_revision(Migrations(empty, folder, Base.metadata), "Make it all")
    await migrate(empty, folder)

    [revision] = folder.glob("*_make_it_all.py")
    assert "sa.DateTime(timezone=True)" in revision.read_text()
    assert await rows(empty, "SELECT name, written FROM notes") == []


async def test_a_command_finds_the_migrations_of_an_application_that_was_not_started(
    empty: DatabaseSettings,
) -> None:
    app = notes_app(empty)

    assert app[MIGRATIONS] == Migrations(empty, REVISIONS, Base.metadata)


def test_a_missing_folder_is_an_error_when_the_application_is_built(
    empty: DatabaseSettings, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="not there"):
        Migrations(empty, tmp_path / "nowhere")
