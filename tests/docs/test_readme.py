"""Every block of code in the README is run."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.processes import ROOT, fetch, framework, serving, wait_for
from tests.ports import free_port

# What the module makes once is made in one process.
pytestmark = [pytest.mark.process, pytest.mark.xdist_group("readme")]

ADDRESS = "http://127.0.0.1:8080"
FOREIGN = {"PYTHONPATH", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL"}


@dataclass(frozen=True)
class Block:
    """Hold a block of code and the heading that it stands under."""

    heading: str
    language: str
    code: str


def blocks() -> list[Block]:
    """Return the README's blocks, in their order."""
    found, heading = [], ""
    for match in re.finditer(
        r"^## ([^\n]+)$|^```(\w+)\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
    ):
        heading = match[1] or heading
        if match[2]:
            found.append(Block(heading, match[2], match[3]))
    return found


def only(heading: str, language: str, starts: str = "") -> str:
    """Return the one block under a heading that starts so."""
    (code,) = [
        b.code
        for b in blocks()
        if (b.heading, b.language) == (heading, language) and b.code.startswith(starts)
    ]
    return code


def test_every_block_is_run_by_one_of_these_tests() -> None:
    assert [(block.heading, block.language) for block in blocks()] == [
        ("Two commands", "sh"),
        ("Two commands", "sh"),
        ("A service in ten lines", "python"),
        ("What a handler looks like", "python"),
        ("Start your own", "sh"),  # tests/test_wheel.py
        ("The example", "sh"),
        ("Docker", "sh"),  # .ci/run, with buildah
    ]


def test_the_service_in_ten_lines_greets(tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text(only("A service in ten lines", "python"))

    with serving("dev", "hello", cwd=tmp_path) as (_, url, _log):
        answers = [fetch(f"{url}{path}") for path in ("/", "/health/ready", "/openapi.json", "/nowhere")]

    assert answers[0] == (200, '{"message":"hello"}')
    assert [status for status, _ in answers] == [200, 200, 200, 404]


def test_the_service_in_ten_lines_runs_as_a_script(tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text(only("A service in ten lines", "python"))
    port, log = free_port(), tmp_path / "log"
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "SERVER_PORT": str(port)}

    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "hello.py"], cwd=tmp_path, env=environ, stdout=output, stderr=output
        )
        try:
            wait_for(lambda: fetch(f"http://127.0.0.1:{port}/")[0] == 200, log)
        finally:
            process.terminate()
            process.wait(30)

    assert process.returncode == 0


def test_the_handlers_work_as_they_are_shown(tmp_path: Path) -> None:
    (tmp_path / "members.py").write_text(only("What a handler looks like", "python"))

    listed = framework("routes", "members", cwd=tmp_path)
    with serving("run", "members", cwd=tmp_path) as (_, url, _log):
        missing = fetch(f"{url}/api/members/00000000-0000-0000-0000-000000000000")
        unreadable = fetch(f"{url}/api/members/nobody")

    assert re.search(
        r"POST +/api/members +members.add_member +members:write +body MemberDraft +201 Member", listed.stdout
    )
    assert (missing[0], unreadable[0]) == (404, 422)
    assert '"pointer":"/member_id"' in unreadable[1]


def test_every_route_of_the_example_works_with_curl(tmp_path: Path) -> None:
    data = {"DATABASE_URL": f"sqlite:///{tmp_path}/board.sqlite3", "FILES_FOLDER": str(tmp_path / "files")}
    shutil.copytree(ROOT / "app_example", tmp_path / "app_example")

    with serving("run", "app_example", "--migrate", cwd=tmp_path, **data) as (_, url, log):
        script = "set -x\n" + only("The example", "sh").replace(ADDRESS, url)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        printed = log.read_text()

    assert done.returncode == 0, done.stderr
    assert "Black, wit" in done.stdout
    assert '"pointer":"/role","detail":"Unknown field."' in done.stdout
    assert '"level":"error"' not in printed


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what git has, as a clone would."""
    folder = tmp_path_factory.mktemp("clone")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


@contextmanager
def running(command: str, cwd: Path, **environ: str) -> Iterator[None]:
    """Run a command of the shell that serves, until the block ends."""
    given = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    with (cwd / "printed").open("wb") as output:
        process = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=cwd,
            env={**given, **environ},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def ready(port: int) -> bool:
    return fetch(f"http://127.0.0.1:{port}/health/ready")[0] == 200


def test_the_commands_without_make_serve_from_a_fresh_clone(clone: Path) -> None:
    port = free_port()

    with running(only("Two commands", "sh", "python3"), clone, SERVER_PORT=str(port)):
        wait_for(lambda: ready(port), clone / "printed", patience_seconds=300)
        status, page = fetch(f"http://127.0.0.1:{port}/")

    assert status == 200
    assert "Notice board" in page


def test_make_run_serves_from_a_fresh_clone_and_make_test_is_there(clone: Path) -> None:
    port = free_port()
    script = only("Two commands", "sh", "make run")
    known = subprocess.run(
        ["make", "--dry-run", "test"], cwd=clone, capture_output=True, text=True, check=False
    )

    with running(f"{script.splitlines()[0].partition('#')[0]} PORT={port}", clone):
        wait_for(lambda: ready(port), clone / "printed", patience_seconds=300)

    assert "make test" in script
    assert "pytest" in known.stdout
    assert (clone / "var").is_dir()
