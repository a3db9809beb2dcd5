"""What a stranger gets: the built wheel in an empty environment, a new service out of it, its tests and its server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

from tests.cli.processes import fetch, wait_for
from tests.ports import free_port

# What the module makes once is made in one process.
pytestmark = [pytest.mark.process, pytest.mark.xdist_group("wheel")]

ROOT = Path(__file__).resolve().parents[1]
# Neither this checkout nor the environment of these tests may help out.
FOREIGN = {
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "COVERAGE_PROCESS_START",
    "COVERAGE_PROCESS_CONFIG",
    "MAKEFLAGS",
    "MAKELEVEL",
}


def run(*command: str | Path, cwd: Path, **environ: str) -> str:
    """Run a command to its end; return what it printed, and fail with it."""
    given = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    done = subprocess.run(
        command, cwd=cwd, env={**given, **environ}, capture_output=True, text=True, timeout=900, check=False
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    return printed


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel."""
    folder = tmp_path_factory.mktemp("wheels")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def shop(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Install the wheel alone into an empty environment, and start a new service with it."""
    folder = tmp_path_factory.mktemp("stranger")
    (wheel,) = wheels.glob("*.whl")
    pins = {"PIP_CONSTRAINT": str(ROOT / "constraints.txt")}
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    run(folder / "venv/bin/pip", "install", "--quiet", wheel, cwd=folder, **pins)
    run(folder / "venv/bin/framework", "new", "shop", "--from", "app_example", cwd=folder)
    run(folder / "venv/bin/framework", "new", "small", cwd=folder)
    return folder / "shop", pins


def test_a_new_service_has_no_trace_of_the_example(shop: tuple[Path, dict[str, str]]) -> None:
    folder, _ = shop
    texts = [
        path.read_text("utf-8") for path in folder.rglob("*") if path.is_file() and path.suffix != ".whl"
    ]

    assert (folder / "shop" / "main.py").is_file()
    assert (folder / "tests" / "test_posts.py").is_file()
    assert {".gitignore", ".env.example", "Dockerfile", "Makefile", "README.md"} <= {
        p.name for p in folder.iterdir()
    }
    assert [text for text in texts if "app_example" in text or "app-example" in text] == []


def test_a_new_service_passes_its_own_tests(shop: tuple[Path, dict[str, str]]) -> None:
    folder, pins = shop

    printed = run("make", "test", cwd=folder, **pins)

    assert " passed" in printed
    assert "failed" not in printed


@pytest.fixture(scope="module")
def small(shop: tuple[Path, dict[str, str]]) -> tuple[Path, str]:
    """Run the tests of the minimal service, which make its environment; return its folder and what they printed."""
    folder = shop[0].with_name("small")
    return folder, run("make", "test", cwd=folder, **shop[1])


def test_a_minimal_service_finds_the_wheel_that_made_it_and_passes_its_own_tests(
    small: tuple[Path, str],
) -> None:
    assert "2 passed" in small[1]


def test_a_service_made_by_a_service_s_own_framework_is_the_same(
    small: tuple[Path, str], tmp_path: Path
) -> None:
    folder = small[0]
    run(folder / ".venv/bin/framework", "new", "small", "--folder", "again", cwd=tmp_path)

    first, again = folder, tmp_path / "again"
    files = sorted(path.relative_to(again) for path in again.rglob("*") if path.suffix not in {"", ".whl"})

    assert [path for path in files if (again / path).read_bytes() != (first / path).read_bytes()] == []
    with zipfile.ZipFile(next((again / "wheels").iterdir())) as packed:
        names = {name for name in packed.namelist() if ".dist-info" not in name}
    with zipfile.ZipFile(next((first / "wheels").iterdir())) as packed:
        assert names == {name for name in packed.namelist() if ".dist-info" not in name}


def test_a_new_service_serves(shop: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    folder, pins = shop
    port = str(free_port())
    log = tmp_path / "log"
    given = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["make", "run", f"PORT={port}"],
            cwd=folder,
            env={**given, **pins},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            wait_for(lambda: fetch(f"http://127.0.0.1:{port}/health/ready")[0] == 200, log)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/openapi.json", timeout=5) as response:
                document = json.load(response)
            status, page = fetch(f"http://127.0.0.1:{port}/")
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)

    assert "/api/posts" in document["paths"]
    assert status == 200
    assert "Notice board" in page


def test_the_wheel_holds_what_belongs_to_the_package_alone(wheels: Path) -> None:
    (wheel,) = wheels.glob("*.whl")
    names = run(sys.executable, "-m", "zipfile", "--list", wheel, cwd=wheels)

    assert "framework/_shipped/templates/base.html" in names
    assert "framework/_shipped/app_example/main.py" in names
    assert "framework/_shipped/llms.txt" in names
    assert "framework/_shipped/docs/guides/handlers.md" in names
    assert "framework/py.typed" in names
    assert "__pycache__" not in names
    assert "tests/test_binding.py" not in names
