"""The example keeps its promises on PostgreSQL too: its own tests run a second time."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.source import ROOT


@pytest.mark.parametrize("feature", ["users", "tokens", "posts", "files", "migrations"])
def test_the_examples_tests_pass_on_postgresql(feature: str, postgres_url: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", f"app_example/tests/test_{feature}.py"]
    environ = os.environ | {"TEST_DATABASE_URL": postgres_url}

    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
