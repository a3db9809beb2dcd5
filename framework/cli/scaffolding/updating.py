"""``framework update``: what a newer version would make of a service, merged with what its people made of it."""

from __future__ import annotations

import subprocess
import tomllib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Literal

from framework.cli.scaffolding.service import Answers, Files, rendered_service
from framework.cli.scaffolding.wheels import DISTRIBUTION, bring_wheel
from framework.errors import ConfigurationError
from framework.resources import shipped

Outcome = Literal["new", "changed", "conflict", "kept"]


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of one file.

    Attributes:
        place: Where it is.
        outcome: ``kept`` when its people have deleted what the newer version changed.
    """

    place: PurePosixPath
    outcome: Outcome


def read_answers(folder: Path) -> Answers:
    """Return what a service was made of, from its ``pyproject.toml``.

    Raises:
        ConfigurationError: It was not made by ``framework new``.
    """
    project = folder / "pyproject.toml"
    try:
        table = tomllib.loads(project.read_text("utf-8"))["tool"]["framework"]
        return Answers(
            package=table["package"],
            version=table["version"],
            template=table["template"],
            parts=tuple(table["with"]),
            database=table["database"],
        )
    except (FileNotFoundError, KeyError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(
            f"{project} has no table [tool.framework] that says what the service was made of: it was not made by "
            "'framework new', or the table is gone."
        ) from error


def update(folder: Path) -> list[Merged]:
    """Merge what the installed version would make of a service into it.

    Raises:
        ConfigurationError: The service was made of a version whose wheel is not in ``wheels/``, or git is missing.
    """
    answers = read_answers(folder)
    newer = Answers(
        package=answers.package,
        version=version(DISTRIBUTION),
        template=answers.template,
        parts=answers.parts,
        database=answers.database,
    )
    with TemporaryDirectory() as unpacked:
        base = rendered_service(answers, _shipped_by(_wheel_of(answers.version, folder), Path(unpacked)))
        theirs = rendered_service(newer, shipped)
        merged = [*_merge_all(folder, base, theirs)]
    bring_wheel(folder / "wheels")
    return merged


def _wheel_of(made_by: str, folder: Path) -> Path:
    wheels = sorted((folder / "wheels").glob(f"aiohttp_batteries-{made_by}-*.whl"))
    if not wheels:
        raise ConfigurationError(
            f"The wheel that made the service is needed to tell its files from what was changed: put "
            f"aiohttp_batteries-{made_by}-py3-none-any.whl into {folder / 'wheels'}."
        )
    return wheels[0]


def _shipped_by(wheel: Path, folder: Path) -> Callable[[str], Path]:
    """Unpack what travels with another version, and return ``(name) -> folder``."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith("framework/_shipped/"):
                archive.extract(name, folder)
    return lambda name: folder / "framework" / "_shipped" / name


def _merge_all(folder: Path, base: Files, theirs: Files) -> list[Merged]:
    outcomes = []
    for place in sorted(theirs):
        outcome = _merge(folder / place, base.get(place), theirs[place])
        if outcome:
            outcomes.append(Merged(place, outcome))
    return outcomes


def _merge(path: Path, base: str | None, theirs: str) -> Outcome | None:
    """Merge one file; None when there is nothing to do."""
    if base == theirs:
        return None
    if not path.exists():
        if base is not None:
            return "kept"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(theirs, "utf-8")
        return "new"
    mine = path.read_text("utf-8")
    if mine == theirs:
        return None
    text, conflicts = merge_texts(mine, base or "", theirs)
    path.write_text(text, "utf-8")
    return "conflict" if conflicts else "changed"


def merge_texts(mine: str, base: str, theirs: str) -> tuple[str, bool]:
    """Merge two changes of a text, and tell whether they conflict; git marks where.

    Raises:
        ConfigurationError: git is not installed.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in (("yours", mine), ("before", base), ("newer", theirs)):
            (folder / file).write_text(text, "utf-8")
        try:
            done = subprocess.run(
                ["git", "merge-file", "--stdout", "yours", "before", "newer"],  # noqa: S607 - wherever it is installed
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
            )
        except FileNotFoundError:
            raise ConfigurationError("'framework update' merges with git, which is not installed.") from None
    if done.returncode < 0 or done.returncode > 127:
        raise ConfigurationError(f"git cannot merge: {done.stderr.strip()}")
    return done.stdout, done.returncode > 0
