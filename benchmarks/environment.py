"""Make `.venv-bench`, where the service and its peers live together: `python benchmarks/environment.py`.

`BENCH_PYTHON` names the Python to measure with; otherwise it is the one that runs this script.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / ".venv-bench"


def main() -> None:
    """Make the environment, or bring it up to date."""
    python = PLACE / "bin" / "python"
    if not python.exists():
        subprocess.run([os.environ.get("BENCH_PYTHON", sys.executable), "-m", "venv", str(PLACE)], check=True)
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("\n".join(_constraints()))
        command = [str(python), "-m", "pip", "install", "--quiet", "--constraint", str(constraints)]
        command += ["--requirement", "benchmarks/requirements.txt", "--editable", ".[redis]"]
        subprocess.run(command, check=True, cwd=ROOT)
    version = subprocess.run([str(python), "--version"], check=True, capture_output=True, text=True).stdout.strip()
    print(f"{PLACE.name} is ready with {version}")


def _constraints() -> list[str]:
    """Return the versions that the service is tested with, less those that the peers cannot live with."""
    peers = {_name(line) for line in (ROOT / "benchmarks" / "requirements.txt").read_text().splitlines()}
    return [line for line in (ROOT / "constraints.txt").read_text().splitlines() if _name(line) not in peers]


def _name(line: str) -> str:
    return line.partition("==")[0].strip().lower().replace("_", "-")


if __name__ == "__main__":
    main()
