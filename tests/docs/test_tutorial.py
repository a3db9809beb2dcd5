"""The tutorial does what it says; `make tutorial` follows it in an empty environment, its container included."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.docs.tutorial import Step, follow, steps


@pytest.mark.process
def test_the_tutorial_ends_in_a_service_whose_tests_pass(tmp_path: Path) -> None:
    tools = Path(sys.executable).parent
    environ = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}

    def stand_in(step: Step) -> None:
        """Let this environment stand in for the one that make would install."""
        if step.text.startswith("framework new"):
            made = tmp_path / "links" / ".venv"
            made.mkdir()
            for part in Path(sys.prefix).iterdir():
                (made / part.name).symlink_to(part)
            (made / ".made").touch()

    printed = follow(tmp_path, environ, leave_out=frozenset({"python3 -m venv", "container"}), then=stand_in)

    assert '{"message":"hello, Ada"}' in printed
    assert "6 passed" in printed
    assert '"status":401' in printed


def test_each_step_is_run_or_written() -> None:
    assert {step.language for step in steps()} == {"sh", "python"}
    assert all(step.title for step in steps() if step.language == "python")
