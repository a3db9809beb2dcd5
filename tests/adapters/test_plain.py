"""The batteries on the public parts of their libraries alone: with FRAMEWORK_PLAIN=1 they do the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from framework.adapters.versions import PLAIN_VARIABLE
from tests.source import ROOT

SUITES = {
    "sessions": "test_sessions.py",
    "templates": "test_templates.py",
    "logs": "test_logs.py",
    "cors": "test_cors.py",
    "csrf and forms": "test_csrf.py",
    "headers": "test_security.py",
}


@pytest.mark.parametrize("battery", SUITES)
def test_a_battery_keeps_its_promises_without_private_names(battery: str, tmp_path: Path) -> None:
    suite = ROOT / "tests" / "batteries" / SUITES[battery]

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-k", "not redis", f"--basetemp={tmp_path}", str(suite)],
        cwd=ROOT,
        env={**os.environ, PLAIN_VARIABLE: "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-4000:]


@pytest.mark.parametrize(
    ("plain", "environment"), [("1", "jinja2.environment"), ("0", "framework.adapters.jinja2")]
)
def test_pages_come_from_jinjas_own_environment_when_only_public_parts_may_be_used(
    plain: str, environment: str
) -> None:
    code = "from framework.adapters.jinja2 import Environment; print(Environment.__module__)"

    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, PLAIN_VARIABLE: plain},
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout.strip() == environment
