"""``framework new``, ``framework add resource`` and ``framework update``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path, PurePosixPath

import click

from framework.cli.loading import teaching
from framework.cli.scaffolding.fields import TYPES, parse_fields
from framework.cli.scaffolding.names import ResourceName, ensure_package_name
from framework.cli.scaffolding.resources import Place, rendered_resource
from framework.cli.scaffolding.service import DATABASES, EXAMPLE, PARTS, SERVICE, Answers, rendered_service
from framework.cli.scaffolding.updating import read_answers
from framework.cli.scaffolding.updating import update as update_service
from framework.cli.scaffolding.wheels import DISTRIBUTION, bring_wheel
from framework.cli.scaffolding.wiring import wired
from framework.errors import ConfigurationError
from framework.resources import shipped


@click.command()
@click.argument("name", required=False)
@click.option(
    "--with", "parts", metavar="PART,PART", help=f"What it has besides a resource: {', '.join(PARTS)}."
)
@click.option(
    "--database", type=click.Choice(list(DATABASES)), help="Which one; SQLite when --with names it."
)
@click.option(
    "--from", "template", type=click.Choice([SERVICE, EXAMPLE]), default=SERVICE, help="What to copy."
)
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Where to put it; NAME in this folder by default."
)
@click.option(
    "--wheel/--no-wheel", default=True, help="Whether it brings the framework's wheel along, in wheels/."
)
@teaching
def new(
    name: str | None,
    parts: str | None,
    database: str | None,
    template: str,
    folder: Path | None,
    *,
    wheel: bool,
) -> None:
    """Start a new service NAME, with its tests, Dockerfile, CI and README; without a NAME, ask."""
    if name is None:
        name, parts, database = _asked(parts, database)
    ensure_package_name(name)
    made = folder or Path(name)
    _ensure_empty(made)
    files = rendered_service(_answers(name, parts, database, template), shipped)
    _write(made, files)
    if wheel:
        bring_wheel(made / "wheels")
    click.echo(f"Made {made}, {len(files)} files. Next: cd {made} && make test && make dev")


@click.group()
def add() -> None:
    """Add something to the service in this folder."""


@add.command()
@click.argument("names")
@click.option(
    "--field", "fields", multiple=True, required=True, help=f"NAME:TYPE, of the types {', '.join(TYPES)}."
)
@click.option("--singular", help="One of them, where leaving out the 's' is not enough.")
@teaching
def resource(names: str, fields: tuple[str, ...], singular: str | None) -> None:
    """Add a resource, such as invoices: its model, migration, types, routes and tests."""
    here = Path()
    answers = read_answers(here)
    name, package = ResourceName.of(names, singular), here / answers.package
    place = Place(answers.package, "database" in answers.parts, *_next_revision(package / "migrations"))
    files = rendered_resource(place, name, parse_fields(fields), shipped("templates"))
    for file in files:
        if (here / file).exists():
            raise ConfigurationError(f"{file} is there already; choose another name.")
    main = package / "main.py"
    service = "" if place.has_database else name.forms["Store"]
    source = wired(main.read_text("utf-8"), answers.package, name.names, service)
    _write(here, files)
    main.write_text(source, "utf-8")
    for file in (*files, PurePosixPath(answers.package, "main.py")):
        click.echo(file)


@click.command()
@teaching
def update() -> None:
    """Bring what this version of the framework would make into the service in this folder."""
    merged = update_service(Path())
    for file in merged:
        click.echo(f"{file.outcome:9} {file.place}")
    conflicts = [file for file in merged if file.outcome == "conflict"]
    if conflicts:
        click.echo(
            f"error: {len(conflicts)} files have conflicts, marked with <<<<<<<; settle those.", err=True
        )
        sys.exit(1)
    click.echo("The service is up to date." if not merged else "Next: make test")


def _asked(parts: str | None, database: str | None) -> tuple[str, str | None, str | None]:
    """Ask for what was not said.

    Raises:
        UsageError: Nobody is there to ask.
    """
    if not sys.stdin.isatty():
        raise click.UsageError("A name is needed: framework new my_service")
    name = click.prompt("The service's name, such as my_service")
    if parts is None:
        parts = click.prompt(f"What it has, of {', '.join(PARTS)}; nothing for a resource alone", default="")
    if database is None and "database" in (parts or ""):
        database = click.prompt("The database", type=click.Choice(list(DATABASES)), default="sqlite")
    return name, parts, database


def _answers(name: str, parts: str | None, database: str | None, template: str) -> Answers:
    chosen = {part.strip() for part in (parts or "").split(",") if part.strip()}
    if template == EXAMPLE and (chosen or database):
        raise ConfigurationError(
            "The example has all parts; --with and --database go with a service of one's own."
        )
    if database:
        chosen.add("database")
    return Answers(
        package=name,
        version=version(DISTRIBUTION),
        template=template,
        parts=tuple(sorted(chosen)),
        database=database or ("sqlite" if "database" in chosen else ""),
    )


def _ensure_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(f"{folder} is there already; choose another folder with --folder.")


def _write(folder: Path, files: Mapping[PurePosixPath, str]) -> None:
    for place, text in files.items():
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")


def _next_revision(migrations: Path) -> tuple[str, str | None]:
    """Return the name of the next migration, and of the last one."""
    if not migrations.is_dir():
        return "0001", None
    names = sorted(path.name.partition("_")[0] for path in migrations.glob("[0-9]*_*.py"))
    return (f"{int(names[-1]) + 1:04}", names[-1]) if names else ("0001", None)
