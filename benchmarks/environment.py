"""Make the two environments of the bench: `python benchmarks/environment.py`.

`.venv-bench` has the service, what is built on aiohttp, and the harness; it is installed with the versions that
the service is tested with. `.venv-bench-peers` has the other frameworks. They are apart because svcs imports
FastAPI and Starlette where it finds them, which would be charged to the service.

`BENCH_PYTHON` names the Python to measure with; otherwise it is the one that runs this script.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OWN, PEERS = ROOT / ".venv-bench", ROOT / ".venv-bench-peers"


def python_of(place: Path) -> Path:
    """Return the interpreter of an environment."""
    return place / "bin" / "python"


def main() -> None:
    """Make both environments, or bring them up to date."""
    constrained = ["--constraint", "constraints.txt", "--editable", ".[redis]"]
    _make(OWN, [*constrained, "--requirement", "benchmarks/requirements-documents.txt"])
    _make(PEERS, ["--requirement", "benchmarks/requirements.txt"])
    version = subprocess.run(
        [python_of(OWN), "--version"], check=True, capture_output=True, text=True
    ).stdout.strip()
    print(f"{OWN.name} and {PEERS.name} are ready with {version}")


def _make(place: Path, packages: list[str]) -> None:
    if not python_of(place).exists():
        subprocess.run([os.environ.get("BENCH_PYTHON", sys.executable), "-m", "venv", place], check=True)
    subprocess.run([python_of(place), "-m", "pip", "install", "--quiet", *packages], check=True, cwd=ROOT)
    # As pip has done for all the others: an import that compiles would be charged to the start of the service.
    ours = ["framework", "benchmarks"]
    subprocess.run([python_of(place), "-m", "compileall", "-q", *ours], check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
