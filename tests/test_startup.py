"""What a service brings into its process, and what it leaves where it is."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from framework.app import ServiceSettings
from framework.batteries.sessions import SessionSettings
from tests.source import ROOT

# What the module makes once is made in one process.
pytestmark = [pytest.mark.process, pytest.mark.xdist_group("startup")]

SERVICE = """
import asyncio, json, logging, socket, sys

import framework.cli
from framework import RouteTableDef, ServiceSettings, create_app, public
from framework.server import serve

routes = RouteTableDef()


@routes.get("/")
@public
async def hello(PARAMETER) -> dict[str, str]:
    return {}


async def main():
    listener = socket.create_server(("127.0.0.1", 0))
    async with serve(create_app(ServiceSettings(), routes=[routes]), sockets=[listener]):
        try:
            raise ValueError("no value")
        except ValueError:
            logging.getLogger("own").exception("it broke: %d", 7, extra={"size": 2})
    print(json.dumps(sorted(sys.modules)))

asyncio.run(main())
"""


@dataclass(frozen=True)
class Run:
    """What a process had imported in the end, and what it has logged."""

    modules: frozenset[str]
    records: list[dict[str, Any]]


def start(parameter: str = "") -> Run:
    """Start a service in a process of its own, as `framework run` does, and stop it; its handler takes `parameter`."""
    service = SERVICE.replace("PARAMETER", parameter)
    done = subprocess.run(
        [sys.executable, "-c", service], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("{")]
    return Run(frozenset(json.loads(done.stdout)), [json.loads(line) for line in lines])


@pytest.fixture(scope="module")
def run() -> Run:
    """Start a service that uses little."""
    return start()


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("alembic", id="migrations"),
        pytest.param("argon2", id="passwords"),
        pytest.param("cryptography", id="key pairs and sessions in cookies"),
        pytest.param("dotenv", id="settings in .env"),
        pytest.param("gunicorn", id="several processes"),
        pytest.param("jwt", id="key pairs in tokens"),
        pytest.param("redis", id="sessions in Redis"),
        pytest.param("rich", id="colours"),
        pytest.param("sqlalchemy", id="database"),
        pytest.param("structlog", id="structlog's loggers"),
        pytest.param("watchfiles", id="reload"),
    ],
)
def test_what_a_service_does_not_use_is_not_imported(run: Run, name: str) -> None:
    imported = run.modules

    assert "framework.app" in imported
    assert name not in imported


def test_what_seals_sessions_is_imported_at_start_up_where_a_handler_takes_one() -> None:
    imported = start("session").modules

    assert "cryptography.fernet" in imported


def test_a_service_without_structlog_logs_the_records_of_the_standard_library(run: Run) -> None:
    [record] = [record for record in run.records if record["logger"] == "own"]

    assert record["event"] == "it broke: 7"
    assert (record["level"], record["size"]) == ("error", 2)
    assert record["exception"].startswith("Traceback (most recent call last):\n")
    assert record["exception"].endswith("\nValueError: no value")


EXHAUSTED = """
import asyncio, os, resource, socket

from framework import ServiceSettings, create_app
from framework.server import serve

ASK = b"GET /nowhere HTTP/1.1\\r\\nHost: a\\r\\nAccept: text/html\\r\\nConnection: close\\r\\n\\r\\n"


async def main():
    listener = socket.create_server(("127.0.0.1", 0))
    async with serve(create_app(ServiceSettings(), routes=[]), sockets=[listener]):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        await asyncio.sleep(0.2)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (os.dup(0), hard))
        writer.write(ASK)
        answer = await reader.read()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        writer.close()
    print(answer.decode())

asyncio.run(main())
"""


def test_a_process_that_can_open_no_file_still_shows_its_first_error_to_a_browser() -> None:
    done = subprocess.run(
        [sys.executable, "-c", EXHAUSTED], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout.startswith("HTTP/1.1 404 Not Found"), done.stderr
    assert "<!doctype html>" in done.stdout


@pytest.mark.parametrize(
    ("given", "name"),
    [
        pytest.param(SessionSettings(), "session", id="nothing said"),
        pytest.param(SessionSettings(secure=True), "__Host-session", id="secure said"),
        pytest.param(SessionSettings(secure=False), "session", id="not secure said"),
    ],
)
def test_what_is_said_of_the_session_cookie_holds_in_development(given: SessionSettings, name: str) -> None:
    settings = ServiceSettings(sessions=given)

    assert settings.sessions.cookie_name == name
