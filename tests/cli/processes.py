"""The command line, run as somebody would run it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE_SECONDS = 30


def framework(*arguments: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return python("-m", "framework", *arguments, cwd=cwd, **environ)


def python(*arguments: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run Python to its end."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=_environ(environ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextmanager
def serving(
    *arguments: str, cwd: Path, **environ: str
) -> Iterator[tuple[subprocess.Popen[bytes], str, Path]]:
    """Run a command that serves; give the process, its URL and the file with what it prints."""
    port = free_port()
    log = cwd / f"serving-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "framework", *arguments, "--port", str(port)],
            cwd=cwd,
            env=_environ(environ),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(lambda: fetch(f"{url}/health/live")[0] > 0, log)
            yield process, url, log
        finally:
            process.terminate()
            process.wait(_PATIENCE_SECONDS)


def wait_for(
    condition: Callable[[], bool], log: Path, *, patience_seconds: float = _PATIENCE_SECONDS
) -> None:
    """Wait until something holds; say what was printed if it never does."""
    end = time.monotonic() + patience_seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError(f"it did not come about; printed:\n{log.read_text()}")


def fetch(url: str, *, accept: str = "*/*") -> tuple[int, str]:
    """Return status and text; 0 when nobody answers."""
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers={"Accept": accept}), timeout=5
        ) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


def _environ(more: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **more}
