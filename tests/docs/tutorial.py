"""The tutorial, followed to the letter: ``python -m tests.docs.tutorial`` does it in an empty environment.

The wheel is built and offered as an index would offer it. The container is built and run where docker is.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.cli.processes import ROOT, fetch, wait_for
from tests.ports import free_port

PAGE = ROOT / "docs" / "tutorial.md"
_BLOCK = re.compile(r'^```(\w+)(?: title="([\w./-]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_PORT = re.compile(r"\b809\d\b")


@dataclass(frozen=True)
class Step:
    """A block of the page.

    Attributes:
        title: The file that it belongs to; ``server`` for a command that goes on while the next ones run.
    """

    language: str
    title: str
    text: str


def steps() -> list[Step]:
    """Return the page's blocks, with ports that are free here."""
    found = _BLOCK.findall(PAGE.read_text("utf-8"))
    ports = {port: str(free_port()) for _, _, text in found for port in _PORT.findall(text)}
    return [
        Step(language, title, _PORT.sub(lambda match: ports[match[0]], text))
        for language, title, text in found
    ]


def follow(
    folder: Path,
    environ: Mapping[str, str],
    *,
    leave_out: frozenset[str] = frozenset(),
    then: Callable[[Step], None] = lambda step: None,
) -> str:
    """Do what the page says, and return what its commands printed.

    Args:
        leave_out: Titles of blocks, or the beginnings of their text, that are not run.
        then: Called behind each step.
    """
    printed, written = [], set[str]()
    with ExitStack() as servers:
        for step in steps():
            if step.title in leave_out or any(step.text.startswith(text) for text in leave_out if text):
                continue
            if step.language != "sh":
                _write(folder / step.title, step.text, again=step.title in written)
                written.add(step.title)
            elif step.title == "server":
                servers.pop_all().close()
                servers.enter_context(_serving(step.text, folder, environ))
            else:
                printed.append(_shell(step.text, folder, environ))
            then(step)
    return "\n".join(printed)


def _write(path: Path, text: str, *, again: bool) -> None:
    before = f"{path.read_text('utf-8')}\n\n" if again else ""
    path.write_text(f"{before}{text}", "utf-8")


def _script(text: str) -> list[str]:
    # Whatever terminal somebody types it into, the environment is active there.
    return ["bash", "-euo", "pipefail", "-c", f"test ! -e venv || . venv/bin/activate\n{text}"]


def _shell(text: str, folder: Path, environ: Mapping[str, str]) -> str:
    done = subprocess.run(
        _script(text), cwd=folder, env={**environ}, capture_output=True, text=True, timeout=600, check=False
    )
    if done.returncode:
        raise AssertionError(f"{text}\n{done.stdout}{done.stderr}")
    return done.stdout


@contextmanager
def _serving(text: str, folder: Path, environ: Mapping[str, str]) -> Iterator[None]:
    log = folder / "server.log"
    (port,) = re.findall(r"\b\d{4,5}\b", text)
    with log.open("wb") as output:
        process = subprocess.Popen(
            _script(text),
            cwd=folder,
            env={**environ},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            wait_for(lambda: fetch(f"http://127.0.0.1:{port}/health/ready")[0] == 200, log)
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def main() -> None:
    """Follow the page in an empty environment, its container too where one can be run.

    Raises:
        AssertionError: A command failed.
    """
    began = time.monotonic()
    foreign = {"PYTHONPATH", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL"}
    environ = {name: value for name, value in os.environ.items() if name not in foreign}
    with TemporaryDirectory() as made:
        folder = Path(made)
        build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", made, str(ROOT)]
        subprocess.run(build, check=True)
        environ["PIP_FIND_LINKS"] = made
        environ["PIP_CONSTRAINT"] = str(ROOT / "constraints.txt")
        without = frozenset[str]() if _has_docker() else frozenset({"container"})
        sys.stdout.write(follow(folder, environ, leave_out=without))
        if not without:
            _ensure_the_container_answers()
    seconds = time.monotonic() - began
    sys.stdout.write(f"\nDone in {seconds:.0f} s, {'without' if without else 'with'} the container.\n")


def _has_docker() -> bool:
    """Tell whether there is a docker whose daemon answers."""
    return (
        bool(shutil.which("docker"))
        and not subprocess.run(["docker", "info"], capture_output=True, check=False).returncode
    )


def _ensure_the_container_answers() -> None:
    listed = subprocess.run(
        ["docker", "ps", "--latest", "--quiet"], capture_output=True, text=True, check=True
    )
    container = listed.stdout.strip()
    try:
        for _ in range(100):
            state = subprocess.run(
                ["docker", "exec", container, "python", "-c", _ASK], capture_output=True, check=False
            )
            if state.returncode == 0:
                return
            time.sleep(0.2)
        raise AssertionError("The container does not answer.")
    finally:
        subprocess.run(["docker", "stop", container], capture_output=True, check=False)


_ASK = (
    f"import {urllib.request.__name__} as ask; ask.urlopen('http://127.0.0.1:8080/health/ready', timeout=2)"
)


if __name__ == "__main__":
    main()
