"""The servers that tests ask for are real, empty and gone afterwards."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis

from tests.ports import free_port
from tests.servers import missing, running


@pytest.mark.parametrize("turn", ["first", "second"])
async def test_redis_answers_and_is_empty_for_each_test(redis_url: str, turn: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        keys_before = await redis.keys()
        await redis.set(f"left by the {turn}", "1")

        assert keys_before == []


@pytest.mark.parametrize("turn", ["first", "second"])
async def test_postgres_answers_and_has_no_table_for_each_test(postgres_url: str, turn: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        await connection.execute("CREATE TABLE left_by_the_test (id integer)")
    finally:
        await connection.close()

    assert tables == []


async def test_chromium_opens_a_page(chromium_path: str, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<p id=greeting></p><script>greeting.append('hel' + 'lo')</script>")

    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}", "--dump-dom"]
    chromium = await asyncio.create_subprocess_exec(
        chromium_path,
        *options,
        page.as_uri(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    document, _ = await asyncio.wait_for(chromium.communicate(), timeout=60)

    assert b'<p id="greeting">hello</p>' in document


@pytest.mark.process
def test_a_server_is_stopped_when_its_block_ends() -> None:
    port = free_port()
    listening = f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(60)"

    with running([sys.executable, "-c", listening], lambda: answers(port)):
        while_running = answers(port)

    assert while_running
    assert not answers(port)


@pytest.mark.process
def test_a_server_that_ends_at_once_says_why() -> None:
    server = running([sys.executable, "-c", "raise SystemExit('no such luck')"], lambda: False)

    with pytest.raises(RuntimeError, match="no such luck"), server:
        pass


@pytest.mark.parametrize(
    ("ci", "outcome"),
    [
        pytest.param("true", pytest.fail.Exception, id="ci"),
        pytest.param("", pytest.skip.Exception, id="at-home"),
    ],
)
def test_what_is_missing_is_a_failure_only_under_ci(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", ci)

    with pytest.raises(outcome, match="chromium is not installed"):
        missing("chromium", "chromium")


def answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
