"""Times mean the same on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select
from sqlalchemy.exc import StatementError

from framework.batteries.database import DatabaseSettings, session_scope
from framework.testing import Serve
from tests.batteries.database.notes import Note, notes_app

NOON = datetime(2030, 1, 2, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=5)))


@pytest.mark.parametrize("written", [NOON, None], ids=["a time", "none"])
async def test_a_time_comes_back_as_the_same_moment_with_its_offset(
    written: datetime | None, settings: DatabaseSettings, serve: Serve
) -> None:
    app = notes_app(settings)
    await serve(app)

    async with session_scope(app) as session:
        session.add(Note(name="timed", written=written))
    async with session_scope(app) as session:
        found = await session.scalar(select(Note.written))

    assert found == written
    assert found is None or found.tzinfo is UTC


async def test_a_time_without_an_offset_is_refused(settings: DatabaseSettings, serve: Serve) -> None:
    app = notes_app(settings)
    await serve(app)

    with pytest.raises(StatementError, match="offset"):
        async with session_scope(app) as session:
            session.add(Note(name="timed", written=NOON.replace(tzinfo=None)))
