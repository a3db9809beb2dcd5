"""The settings of the database: what is refused, and what becomes of a URL."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from framework.batteries.database import DatabaseSettings
from framework.batteries.database.engines import opened
from framework.batteries.database.settings import engine_url, is_in_memory
from framework.errors import ConfigurationError
from framework.settings import Secret, load
from tests.batteries.database.notes import settings_for


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("sqlite:///var/x.sqlite3", "sqlite+aiosqlite:///var/x.sqlite3"),
        ("postgresql://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgres://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgresql://h/d?sslmode=require", "postgresql+asyncpg://h/d?ssl=require"),
        ("postgresql+asyncpg://h/d", "postgresql+asyncpg://h/d"),
        ("postgresql+psycopg://h/d", "postgresql+psycopg://h/d"),
    ],
)
def test_a_plain_url_gets_an_asynchronous_driver(given: str, used: str) -> None:
    assert engine_url(Secret(given)).render_as_string(hide_password=False) == used


@pytest.mark.parametrize(
    ("url", "memory"), [("sqlite://", True), ("sqlite:///:memory:", True), ("sqlite:///x", False)]
)
def test_a_database_in_memory_is_told_from_a_file(url: str, memory: bool) -> None:
    assert is_in_memory(engine_url(Secret(url))) is memory


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"url": Secret("hunter2")}, "url"),
        ({"pool_size": 0}, "pool_size"),
        ({"max_overflow": -1}, "max_overflow"),
        ({"pool_timeout": timedelta()}, "pool_timeout"),
        ({"lock_timeout": timedelta(-1)}, "lock_timeout"),
        ({"connect_timeout": timedelta()}, "connect_timeout"),
        ({"statement_timeout": timedelta(-1)}, "statement_timeout"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_setting_is_refused_by_name(options: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named) as raised:
        replace(DatabaseSettings(), **options)  # type: ignore[arg-type]

    assert "hunter2" not in str(raised.value)


def test_the_environment_fills_the_settings() -> None:
    environ = {"URL": "postgresql://u:p@h/d", "POOL_TIMEOUT": "0.5", "POOL_SIZE": "2"}

    settings = load(DatabaseSettings, environ, env_file=None)

    assert (settings.pool_size, settings.pool_timeout) == (2, timedelta(seconds=0.5))
    assert "p@h" not in repr(settings)


@pytest.mark.parametrize("url", ["nonsense://h/d", "postgresql+psycopg2://h/d", "mysql+aiomysql://h/d"])
async def test_a_driver_that_is_not_there_or_not_asynchronous_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigurationError):
        async with opened(settings_for(url)):
            raise AssertionError("it opened")


async def test_a_sqlite_file_gets_its_folder_and_its_pragmas(tmp_path: Path) -> None:
    path = tmp_path / "made" / "on demand" / "x.sqlite3"

    async with opened(settings_for(f"sqlite:///{path}")) as engine, engine.connect() as connection:
        pragmas = [
            (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "foreign_keys", "busy_timeout")
        ]

    assert pragmas == ["wal", 1, 5_000]
    assert path.exists()


async def test_postgresql_is_told_how_long_a_statement_may_take(postgres_url: str) -> None:
    async with opened(settings_for(postgres_url)) as engine, engine.connect() as connection:
        timeout = (await connection.exec_driver_sql("SHOW statement_timeout")).scalar_one()

    assert timeout == "30s"


async def test_ssl_modes_are_understood(postgres_url: str) -> None:
    url = f"{postgres_url}?sslmode=disable"

    async with opened(settings_for(url)) as engine, engine.connect() as connection:
        assert (await connection.exec_driver_sql("SELECT 1")).scalar_one() == 1
