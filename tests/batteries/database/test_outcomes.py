"""What is done once a transaction is decided."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from framework.batteries.database import DatabaseSettings, on_commit, on_rollback, session_scope
from framework.batteries.database.sessions import SESSIONS
from framework.testing import Serve
from tests.batteries.database.notes import Note, notes_app

Work = Callable[[AsyncSession], Awaitable[object]]


async def commit(session: AsyncSession) -> None:
    await session.commit()


async def roll_back(session: AsyncSession) -> None:
    await session.rollback()


async def close(session: AsyncSession) -> None:
    await session.close()


async def commit_after_a_savepoint_failed(session: AsyncSession) -> None:
    savepoint = await session.begin_nested()
    await savepoint.rollback()
    await session.commit()


async def roll_back_after_a_savepoint_was_kept(session: AsyncSession) -> None:
    async with session.begin_nested():
        session.add(Note(name="x"))
    await session.rollback()


async def commit_and_roll_back_the_next(session: AsyncSession) -> None:
    await session.commit()
    session.add(Note(name="y"))
    await session.flush()
    await session.rollback()


async def roll_back_and_commit_the_next(session: AsyncSession) -> None:
    await session.rollback()
    session.add(Note(name="y"))
    await session.commit()


@pytest.mark.parametrize(
    ("work", "called"),
    [
        (commit, "committed"),
        (roll_back, "rolled back"),
        (close, "rolled back"),
        (commit_after_a_savepoint_failed, "committed"),
        (roll_back_after_a_savepoint_was_kept, "rolled back"),
        (commit_and_roll_back_the_next, "committed"),
        (roll_back_and_commit_the_next, "rolled back"),
    ],
    ids=lambda value: value.__name__.replace("_", " ") if callable(value) else "",
)
@pytest.mark.parametrize("begun", [True, False], ids=["begun", "not begun"])
async def test_the_end_of_the_transaction_decides(
    work: Work, called: str, begun: bool, settings: DatabaseSettings, serve: Serve
) -> None:
    app = notes_app(settings)
    await serve(app)
    calls: list[str] = []

    async with app[SESSIONS]() as session:
        if begun:
            await session.connection()
        on_commit(session, lambda: calls.append("committed"))
        on_rollback(session, lambda: calls.append("rolled back"))
        session.add(Note(name="written"))
        await session.flush()
        await work(session)

    assert calls == [called]


async def test_a_failure_behind_the_commit_is_logged_and_undoes_nothing(
    settings: DatabaseSettings, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    app = notes_app(settings)
    await serve(app)

    def fail() -> None:
        raise OSError("the disk is full")

    async with session_scope(app) as session:
        on_commit(session, fail)
        session.add(Note(name="kept"))

    assert "after_transaction_failed" in caplog.messages
    async with session_scope(app) as session:
        assert await session.get(Note, 1) is not None
