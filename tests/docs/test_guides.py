"""Every guide's code is run: its titled blocks become files, and its tests must pass there.

A block says where it stands, as in ``python title="service.py"``; blocks of one title make one file. A page has at
least one block that is a test file, which shows what the page promises.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
GUIDES = [*sorted((DOCS / "guides").glob("*.md")), *sorted(DOCS.glob("from-*.md"))]
BLOCK = re.compile(r'^```(\w+)(?: title="([\w./-]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
CONFTEST = 'pytest_plugins = ["framework.testing"]\n'
PYTEST = """[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""


def files_of(page: str) -> dict[str, str]:
    """Return the files that a page's blocks make, by their titles."""
    files: dict[str, str] = {}
    for _, title, text in BLOCK.findall(page):
        if title:
            files[title] = f"{files[title]}\n\n{text}" if title in files else text
    return files


@pytest.mark.process
@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_a_guide_does_what_it_says(guide: Path, tmp_path: Path) -> None:
    files = {"conftest.py": CONFTEST, "pytest.ini": PYTEST, **files_of(guide.read_text("utf-8"))}
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_every_block_of_python_in_a_guide_is_part_of_a_file(guide: Path) -> None:
    untitled = [
        text
        for kind, title, text in BLOCK.findall(guide.read_text("utf-8"))
        if kind == "python" and not title
    ]

    assert untitled == []
