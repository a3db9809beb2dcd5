"""Workers ask one another, and stay alone rather than trust a folder that is not theirs."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from framework.server.siblings import SIBLINGS, Question, among_siblings

PARENT = 4242


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


async def hello(question: Question) -> Any:
    return {"hello": question["name"]}


async def test_each_has_the_first_number_that_is_free_and_answers_the_others(temporary: Path) -> None:
    first, second, third = web.Application(), web.Application(), web.Application()

    async with among_siblings(second, PARENT):
        async with among_siblings(first, PARENT):
            first[SIBLINGS].answer("hello", hello)
            told = await second[SIBLINGS].ask("hello", {"name": "you"})
            unknown = await second[SIBLINGS].ask("made-up")
        async with among_siblings(third, PARENT):
            number = third[SIBLINGS].number

    assert (second[SIBLINGS].number, number) == (1, 2)
    assert (told, unknown) == ({2: {"hello": "you"}}, {})
    assert [*temporary.iterdir()] == []  # noqa: ASYNC240 - behind everything


async def test_one_that_does_not_answer_is_left_out(temporary: Path) -> None:
    app, other = web.Application(), web.Application()

    async def fail(_: Question) -> Any:
        raise RuntimeError("broken")

    async with among_siblings(app, PARENT), among_siblings(other, PARENT):
        other[SIBLINGS].answer("hello", fail)
        stale = other[SIBLINGS].folder / "9.socket"
        stale.touch()
        told = await asyncio.wait_for(app[SIBLINGS].ask("hello", {"name": "you"}), 5)

    assert told == {}


async def test_a_folder_that_others_can_write_to_is_not_used(
    temporary: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = web.Application()
    async with among_siblings(app, PARENT):
        folder = app[SIBLINGS].folder
    folder.mkdir(mode=0o700)
    folder.chmod(0o777)

    alone = web.Application()
    async with among_siblings(alone, PARENT):
        found = SIBLINGS in alone

    assert not found
    assert "must be a folder of this user alone" in caplog.text


async def test_a_path_that_is_too_long_for_a_socket_leaves_a_worker_alone(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    deep = temporary / ("x" * 120)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))

    app = web.Application()
    async with among_siblings(app, PARENT):
        found = SIBLINGS in app

    assert not found
    assert "Workers cannot ask one another" in caplog.text
    assert [*deep.iterdir()] == []


async def test_workers_that_leave_at_once_do_not_stumble_over_each_other(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = web.Application()
    async with among_siblings(app, PARENT):
        folder = app[SIBLINGS].folder
        found = [*folder.glob("*.lock")]

        def glob(_: Path, pattern: str) -> list[Path]:
            """Find what another worker removes at this very moment."""
            shutil.rmtree(folder, ignore_errors=True)
            return found

        monkeypatch.setattr(Path, "glob", glob)

    assert not folder.exists()
