"""Real servers for the tests: Redis and PostgreSQL on free ports of their own, and the path of a Chromium.

A test that needs one which the machine lacks is skipped with the reason; where ``CI`` is ``true`` it fails.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from tests.ports import free_port

START_SECONDS = 30
STOP_SECONDS = 10
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """Start a Redis that keeps nothing on disk, and yield its URL."""
    program = _program(("redis-server", "valkey-server"), package="redis-server")
    port = free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with (
        tempfile.TemporaryDirectory(prefix="redis-") as folder,
        running([*command, "--dir", folder], lambda: _redis(port, "PING") == "+PONG"),
    ):
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """Return the URL of a Redis with nothing in it."""
    port = int(redis_server.rpartition(":")[2].partition("/")[0])
    if _redis(port, "FLUSHALL") != "+OK":
        raise RuntimeError("Redis did not forget what the test before this one left")
    return redis_server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Start a PostgreSQL that trusts whoever asks, and yield its URL, without a database's name."""
    programs = _postgres_programs()
    port, user = free_port(), _unprivileged()
    with _folder_of(user, "postgres-") as folder:
        data = str(folder / "data")
        _init_database(programs / "initdb", data, user)
        # What a crash would lose is lost anyway: nothing waits for the disk.
        hasty = [f"-c{name}=off" for name in ("fsync", "synchronous_commit", "full_page_writes")]
        where = ["-h", "127.0.0.1", "-p", str(port), "-k", str(folder)]
        ready = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
        with running(
            [programs / "postgres", "-D", data, *where, *hasty, "-cmax_connections=200"],
            lambda: subprocess.run(ready, check=False).returncode == 0,
            user=user,
        ):
            yield f"postgresql://test@127.0.0.1:{port}"


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """Yield the URL of an empty database, and drop it after the test."""
    programs, name = _postgres_programs(), f"test_{uuid.uuid4().hex}"
    maintenance = f"--maintenance-db={postgres_server}/postgres"
    subprocess.run([programs / "createdb", maintenance, name], check=True)
    yield f"{postgres_server}/{name}"
    subprocess.run([programs / "dropdb", maintenance, "--force", name], check=True)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Return the path of a Chromium, for a browser driver's ``executable_path``."""
    return _program(CHROMIUMS, package="chromium")


@contextmanager
def running(
    command: Sequence[str | Path], ready: Callable[[], bool], *, user: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends; enter it once ``ready`` says so.

    Raises:
        RuntimeError: With what the server wrote, when it ends or is not ready in time.
    """
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, user=user, cwd="/")
        try:
            if not _in_time(lambda: process.poll() is not None or ready()) or process.poll() is not None:
                output.seek(0)
                raise RuntimeError(f"{command[0]} did not start: {output.read().decode(errors='replace')}")
            yield process
        finally:
            _stop(process)


def missing(program: str, package: str) -> NoReturn:
    """Skip the test for want of a program, or fail it where everything must be there."""
    reason = f"{program} is not installed (Debian's package {package})"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _program(names: Sequence[str], *, package: str) -> str:
    for name in names:
        if found := shutil.which(name):
            return found
    missing(names[0], package)


def _postgres_programs() -> Path:
    """Return the folder with PostgreSQL's server; Debian keeps it off the path, one folder per version."""
    folders = [Path(folder) for folder in os.get_exec_path()]
    folders += sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name)
    )[::-1]
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return (folder / "initdb").resolve().parent
    missing("postgres", "postgresql")


def _init_database(initdb: Path, data: str, user: int | None) -> None:
    options = ["--username=test", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"]
    # Its own working folder would be one that the other user may not enter.
    made = subprocess.run(
        [str(initdb), "-D", data, *options], user=user, cwd="/", capture_output=True, text=True, check=False
    )
    if made.returncode:
        raise RuntimeError(f"initdb failed: {made.stderr}")


def _unprivileged() -> int | None:
    """Return whom to run as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    return names.get("postgres", names.get("nobody", 65534))


@contextmanager
def _folder_of(user: int | None, prefix: str) -> Iterator[Path]:
    # Not the folder that pytest gives: another user could not reach it.
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as folder:
        if user is not None:
            os.chown(folder, user, -1)
        yield Path(folder)


def _redis(port: int, command: str) -> str:
    """Send one inline command and return the first line of the answer; empty when nobody answers."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(f"{command}\r\n".encode())
            return connection.recv(1024).decode().partition("\r\n")[0]
    except OSError:
        return ""


def _in_time(done: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if done():
            return True
        time.sleep(0.05)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
