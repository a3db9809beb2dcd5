"""Run marshmallow's own tests with the compiled functions in the place of ``Schema.load`` and ``Schema.dump``.

The tests travel in marshmallow's source distribution, which is fetched when this runs::

    python -m tests.validation.upstream

Exits with 1 where a test fails that ``deviations.txt`` does not name, or one passes that it does name. A line there is
``test id: reason``; the file may only shrink.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

HERE = Path(__file__).parent
DEVIATIONS = HERE / "deviations.txt"


def main() -> int:
    """Fetch the tests, run them, and compare the failures with those that are known."""
    with tempfile.TemporaryDirectory() as folder:
        tests = fetch(Path(folder))
        report = run(tests, Path(folder) / "report.xml")
    failed, passed = outcomes(report)
    named = {line.split(": ")[0] for line in DEVIATIONS.read_text().splitlines() if line and line[0] != "#"}
    unexpected, mended = sorted(failed - named), sorted(named - failed)
    lines = [f"{len(passed)} of marshmallow's tests pass, {len(failed)} deviate, {len(named)} may"]
    lines += [f"unexpected: {test}" for test in unexpected]
    lines += [f"no deviation any more, delete its line: {test}" for test in mended]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if unexpected or mended or not passed else 0


def fetch(folder: Path) -> Path:
    """Download the source distribution of the installed marshmallow; return the folder with its tests."""
    wanted = f"marshmallow=={version('marshmallow')}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-binary", ":all:", "--no-deps"]
    subprocess.run([*command, "--dest", str(folder), wanted], check=True, timeout=300)
    with tarfile.open(next(folder.glob("marshmallow-*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.glob("marshmallow-*/tests"))


def run(tests: Path, report: Path) -> ElementTree.Element:
    """Run the tests in a process of their own, with the compiled functions put in."""
    root = HERE.parent.parent
    options = ["-q", "--no-header", "-p", "no:asyncio", "-p", "upstream_plugin", "--tb=short"]
    subprocess.run(
        [sys.executable, "-m", "pytest", *options, f"--junit-xml={report}", str(tests)],
        cwd=tests.parent,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(root)])},
        stdout=sys.stderr,
        check=False,
        timeout=600,
    )
    return ElementTree.parse(report).getroot()


def outcomes(report: ElementTree.Element) -> tuple[set[str], set[str]]:
    """Return the names of the tests that failed and of those that passed."""
    failed: set[str] = set()
    passed: set[str] = set()
    for case in report.iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        bad = case.find("failure") is not None or case.find("error") is not None
        (failed if bad else passed).add(name)
    return failed, passed


if __name__ == "__main__":
    sys.exit(main())
