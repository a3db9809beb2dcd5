"""The examples pass their own tests, each has a page, and the table names them all."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
FOLDERS = sorted(path.name for path in EXAMPLES.iterdir() if (path / "README.md").is_file())


@pytest.mark.process
def test_the_examples_pass_their_tests() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=EXAMPLES,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_table_names_every_example() -> None:
    named = re.findall(r"^\| \[(\w+)\]", (EXAMPLES / "README.md").read_text("utf-8"), re.MULTILINE)

    assert sorted(named) == FOLDERS


@pytest.mark.parametrize("name", FOLDERS)
def test_an_example_is_one_module_its_tests_and_a_page(name: str) -> None:
    files = {path.name for path in (EXAMPLES / name).iterdir() if path.suffix}

    assert files == {"README.md", f"{name}.py", f"test_{name}.py"}
