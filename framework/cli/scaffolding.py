"""A new service, copied from the example and renamed."""

from __future__ import annotations

import keyword
import re
import shutil
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import click

from framework.cli.loading import teaching
from framework.errors import ConfigurationError
from framework.resources import shipped

EXAMPLE = "app_example"
_TEXT_SUFFIXES = {".py", ".md", ".toml", ".html", ".css", ".js", ".txt", ".mako", ".ini", ".yaml", ".yml", ""}
_LEFT_OUT = {"__pycache__", "var", ".pytest_cache", ".mypy_cache", ".ruff_cache"}


@click.command()
@click.argument("name")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Where to put it; NAME in this folder by default."
)
@teaching
def new(name: str, folder: Path | None) -> None:
    """Start a new service NAME from the example, with its tests, Dockerfile and README."""
    made = scaffold(name, folder or Path(name))
    click.echo(f"Made {made}. Next: cd {made} && make test && make run")


def scaffold(name: str, folder: Path) -> Path:
    """Copy the example into a new folder under a new name.

    The package goes to ``folder/name``, its tests to ``folder/tests``, and what stands in the example's ``project``
    folder (packaging, Makefile, Dockerfile, README) to the top.

    Raises:
        ConfigurationError: The name does not fit a package, or the folder is there and not empty.
    """
    ensure_package_name(name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(f"{folder} is there already; choose another folder with --folder.")
    source = shipped(EXAMPLE)
    for path in _files(source):
        target = folder / _place(path.relative_to(source), name)
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy(path, target, name)
    return folder


def ensure_package_name(name: str) -> None:
    """Check that a Python package can be called so.

    Raises:
        ConfigurationError: It cannot, or it is the framework's own name.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,49}", name) or keyword.iskeyword(name):
        raise ConfigurationError(
            f"'{name}' is not fit for a package; use small letters, digits and '_', a letter first: my_service."
        )
    if name in {"framework", "tests", "test"}:
        raise ConfigurationError(f"'{name}' is taken; choose another name.")


def _files(source: Path) -> Iterator[Path]:
    for path in sorted(source.rglob("*")):
        if path.is_file() and not _LEFT_OUT.intersection(path.parts) and path.suffix != ".pyc":
            yield path


def _place(path: Path, name: str) -> Path:
    """Return where a file of the example goes."""
    top, *rest = path.parts
    if top == "project" and rest:
        # NOTE: packaging tools leave files out that start with a dot; these start with "dot-" in the example.
        return Path(*rest[:-1], re.sub(r"^dot-", ".", rest[-1]))
    if top == "tests":
        return path
    return Path(name, path)


def _copy(source: Path, target: Path, name: str) -> None:
    if source.suffix not in _TEXT_SUFFIXES:
        shutil.copyfile(source, target)
        return
    text = source.read_text("utf-8")
    text = text.replace(EXAMPLE, name).replace(EXAMPLE.replace("_", "-"), name.replace("_", "-"))
    target.write_text(text.replace(">=0.0.0", f">={version('aiohttp-batteries')}"), "utf-8")
    shutil.copymode(source, target)
