"""A new service: what is asked about it, and its files, rendered from the templates of any version."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from framework.cli.scaffolding.fields import parse_fields
from framework.cli.scaffolding.names import ResourceName
from framework.cli.scaffolding.rendering import render
from framework.cli.scaffolding.resources import Place, rendered_resource
from framework.errors import ConfigurationError

Files = dict[PurePosixPath, str]
"""The texts of a service's files by their place in it."""

EXAMPLE = "app_example"
SERVICE = "service"
PARTS = ("chat", "database", "jobs", "pages", "sessions")
MODULES = {"chat": "chat", "jobs": "jobs", "pages": "pages", "sessions": "preferences"}
DATABASES = {"sqlite": "sqlite:///var/{package}.sqlite3", "postgres": "postgresql://localhost/{package}"}
_LEFT_OUT = {"__pycache__", "var", ".pytest_cache", ".mypy_cache", ".ruff_cache"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What somebody wants of a new service.

    Attributes:
        package: Its name, as a package is called.
        version: The framework's version.
        template: ``service``, or ``app_example`` for a copy of the example.
        parts: What it has besides a resource, of `PARTS`.
        database: ``sqlite`` or ``postgres``, where it has one.
    """

    package: str
    version: str
    template: str = SERVICE
    parts: tuple[str, ...] = ()
    database: str = ""

    def __post_init__(self) -> None:
        for part in self.parts:
            if part not in PARTS:
                raise ConfigurationError(f"'{part}' is no part of a service; there are {', '.join(PARTS)}.")
        if self.database and self.database not in DATABASES:
            raise ConfigurationError(
                f"The database must be one of {', '.join(DATABASES)}, not '{self.database}'."
            )

    @property
    def variables(self) -> Mapping[str, Any]:
        """Return what templates write of it."""
        distribution = self.package.replace("_", "-")
        extras = {"postgres": "[postgres]", "sqlite": "[database]"}.get(self.database, "")
        return {
            "package": self.package,
            "distribution": distribution,
            "title": distribution.replace("-", " ").capitalize(),
            "version": self.version,
            "parts": self.parts,
            "database": self.database,
            "database_url": DATABASES.get(self.database, "").format(package=self.package),
            "extras": extras,
            "own_settings": not {"database", "pages"}.isdisjoint(self.parts),
            "modules": sorted({"notes", *(MODULES[part] for part in self.parts if part in MODULES)}),
        }


def rendered_service(answers: Answers, shipped: Callable[[str], Path]) -> Files:
    """Return the files of a new service.

    Args:
        answers: What it shall be.
        shipped: ``(name) -> folder``: where the templates and the example are.
    """
    if answers.template == EXAMPLE:
        return dict(_copied(shipped(EXAMPLE), answers))
    templates = shipped("templates")
    files = dict(_rendered(templates / SERVICE, answers))
    notes = Place(answers.package, "database" in answers.parts, revision="0001", down_revision=None)
    return files | rendered_resource(
        notes, ResourceName.of("notes"), parse_fields(["title:str", "text:text"]), templates
    )


def _rendered(folder: Path, answers: Answers) -> Iterator[tuple[PurePosixPath, str]]:
    variables = answers.variables
    wanted = ["always", *(["settings"] if variables["own_settings"] else []), *answers.parts]
    for part in wanted:
        for path in _files(folder / part):
            place = _place(path.relative_to(folder / part), answers.package)
            if path.suffix == ".jinja":
                yield place.with_suffix(""), render(path, variables)
            else:
                yield place, path.read_text("utf-8")


def _copied(source: Path, answers: Answers) -> Iterator[tuple[PurePosixPath, str]]:
    """Copy the example: its package, its tests, and what stands in its folder ``project`` to the top."""
    for path in _files(source):
        text = path.read_text("utf-8")
        text = text.replace(EXAMPLE, answers.package)
        text = text.replace(EXAMPLE.replace("_", "-"), answers.package.replace("_", "-"))
        text = text.replace(">=0.0.0", f">={answers.version}").replace('"0.0.0"', f'"{answers.version}"')
        top, *rest = path.relative_to(source).parts
        within = PurePosixPath(*rest) if top == "project" and rest else PurePosixPath("package", top, *rest)
        yield _place(PurePosixPath("tests", *rest) if top == "tests" else within, answers.package), text


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not _LEFT_OUT.intersection(path.parts) and path.suffix != ".pyc":
            yield path


def _place(path: Path | PurePosixPath, package: str) -> PurePosixPath:
    """Return where a file goes. Packaging tools leave out what starts with a dot; ``dot-`` stands for it."""
    named = (package if part == "package" else re.sub(r"^dot-", ".", part) for part in path.parts)
    return PurePosixPath(*named)
