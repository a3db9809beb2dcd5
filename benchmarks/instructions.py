"""Count the instructions that a request costs, and compare with the budget: `python -m benchmarks.instructions`.

Time on a shared machine differs by a fifth from minute to minute; the number of instructions does not. callgrind
counts them between marks (`benchmarks.in_process`), so start-up is not in the figures. The budget holds for one
build of Python; another one is counted and shown, and fails nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

BUDGET = Path(__file__).with_name("budget.json")
WORKS = ("hello", "orders", "page", "form")
REQUESTS = 300
TOLERANCE = 0.03
DEADLINE_SECONDS = 600


def python_key() -> str:
    """Return what the budget depends on: the interpreter and the machine's architecture."""
    return f"{platform.python_implementation()} {platform.python_version()} {platform.machine()}"


def count(works: Sequence[str], requests: int) -> dict[str, int]:
    """Return instructions per request by work.

    Raises:
        RuntimeError: The run under callgrind failed.
    """
    with tempfile.TemporaryDirectory(prefix="instructions-") as folder:
        counted = Path(folder) / "counted"
        command = [
            "valgrind",
            "--tool=callgrind",
            "--dump-before=sched_yield",
            f"--callgrind-out-file={counted}",
        ]
        command += [sys.executable, "-m", "benchmarks.in_process", str(requests), *works]
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )
        if done.returncode:
            raise RuntimeError(
                f"callgrind ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
            )
        # Dumps are numbered from 1; each second one was made at the end of a work and holds what it took.
        totals = [
            _total(counted.with_name(f"counted.{number}")) for number in range(2, 2 * len(works) + 1, 2)
        ]
    return {work: round(total / requests) for work, total in zip(works, totals, strict=True)}


def _total(dump: Path) -> int:
    for line in dump.read_text().splitlines():
        if line.startswith("totals:"):
            return int(line.split()[1])
    raise RuntimeError(f"{dump.name} has no totals")


def table(counted: Mapping[str, int], budget: Mapping[str, int]) -> str:
    """Return a Markdown table of what was counted beside what is allowed."""
    lines = ["| work | instructions per request | budget | change |", "|---|---|---|---|"]
    for work, found in counted.items():
        allowed = budget.get(work)
        change = f"{found / allowed - 1:+.1%}" if allowed else "new"
        lines.append(f"| {work} | {found:,} | {f'{allowed:,}' if allowed else ''} | {change} |")
    return "\n".join(lines)


def over(counted: Mapping[str, int], budget: Mapping[str, int]) -> list[str]:
    """Return the works that cost more than their budget and 3 % more."""
    return [work for work, found in counted.items() if found > budget.get(work, found) * (1 + TOLERANCE)]


def main() -> int:
    """Count, compare, and say what to do; return 1 if a work is over its budget."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instructions", description=__doc__)
    parser.add_argument("--update", action="store_true", help="write what was counted as the new budget")
    parser.add_argument("--requests", type=int, default=REQUESTS, help=f"requests per work ({REQUESTS})")
    parser.add_argument("--works", default=",".join(WORKS), help="comma-separated")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("valgrind is not installed: apt-get install valgrind")
        return 1
    budgets = json.loads(BUDGET.read_text()) if BUDGET.exists() else {}
    counted = count(options.works.split(","), options.requests)
    budget = budgets.get(python_key(), {})
    print(table(counted, budget))
    if options.update:
        budgets[python_key()] = {**budget, **counted}
        BUDGET.write_text(json.dumps(budgets, indent=1, sort_keys=True) + "\n")
        print(f"\nThe budget of {python_key()} is written.")
        return 0
    if not budget:
        print(f"\nNo budget for this Python ({python_key()}).")
    if dear := over(counted, budget):
        print(
            f"\nOver the budget by more than {TOLERANCE:.0%}: {', '.join(dear)}. Make it cheaper, or say why in the"
        )
        print("commit that runs `python -m benchmarks.instructions --update`.")
    return bool(dear)


if __name__ == "__main__":
    raise SystemExit(main())
