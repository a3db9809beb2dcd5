"""A new resource: its model, types, routes, migration and tests, and its lines in the service's ``main.py``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from framework.cli.scaffolding.fields import Field
from framework.cli.scaffolding.names import ResourceName
from framework.cli.scaffolding.rendering import render
from framework.errors import ConfigurationError

_ALWAYS = (
    "dataclasses.dataclass",
    "dataclasses.asdict",
    "uuid.UUID",
    *(
        f"framework.{name}"
        for name in ("NotFound", "Partial", "Result", "RouteTableDef", "created", "public")
    ),
)
_MEMORY = ("dataclasses.replace", "uuid.uuid4")
_DATABASE = (
    "datetime as dt",
    "marshmallow.validate.Range",
    "sqlalchemy.ext.asyncio.AsyncSession",
    "sqlalchemy.orm.Mapped",
    "sqlalchemy.orm.mapped_column",
    "sqlalchemy.select",
    "typing.Annotated",
)
#: What the templates call things themselves.
_LOCAL = frozenset(
    {
        "Table",
        "body",
        "changed",
        "column",
        "dt",
        "found",
        "limit",
        "newest",
        "routes",
        "session",
        "shown",
        "value",
    }
)
_OF_THE_DATABASE = ("sqlalchemy.", "framework.batteries.database.")
_STANDARD_LIBRARY = {"dataclasses", "datetime", "decimal", "typing", "uuid"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a resource goes.

    Attributes:
        package: The service's package.
        has_database: Whether its rows are kept in the service's database, or in memory.
        revision: The name of its migration, and of the one before it.
    """

    package: str
    has_database: bool
    revision: str = ""
    down_revision: str | None = None


def rendered_resource(
    place: Place, name: ResourceName, fields: tuple[Field, ...], templates: Path
) -> dict[PurePosixPath, str]:
    """Return a resource's files.

    Raises:
        ConfigurationError: Its module would use a name for two things.
    """
    _ensure_distinct(place, name, fields)
    variables = {
        **name.forms,
        "fields": fields,
        "package": place.package,
        "imports": _imports(_needed(place, fields)),
        "revision": place.revision,
        "down_revision": f'"{place.down_revision}"' if place.down_revision else "None",
    }
    folder = templates / "resource"
    kind = "database" if place.has_database else "memory"
    package = PurePosixPath(place.package)
    files = {
        package / f"{name.names}.py": folder / kind / "resource.py.jinja",
        PurePosixPath("tests", f"test_{name.names}.py"): folder / "test_resource.py.jinja",
    }
    if place.has_database:
        migration = package / "migrations" / f"{place.revision}_{name.names}.py"
        files[migration] = folder / kind / "migration.py.jinja"
    return {file: render(template, variables) for file, template in files.items()}


def _ensure_distinct(place: Place, name: ResourceName, fields: Iterable[Field]) -> None:
    kind, store = name.forms["Class"], name.forms["Store"]
    own = (name.name, name.names, kind, f"{kind}Draft", f"{kind}View", store)
    used = _LOCAL | {each.rpartition(".")[2] for each in _needed(place, fields)}
    clash = next((each for each in own if each in used), None)
    if clash is not None:
        raise ConfigurationError(
            f"'{name.names}' does not fit: its module needs the name '{clash}' for something else; choose another one, "
            f"such as 'shop_{name.names}', or another --singular."
        )


def _needed(place: Place, fields: Iterable[Field]) -> Iterator[str]:
    """Yield ``module.name`` of all that a resource's module imports."""
    yield from _ALWAYS
    yield from _DATABASE if place.has_database else _MEMORY
    for field in fields:
        if field.type.constraint:
            yield "typing.Annotated"
            yield f"marshmallow.validate.{field.type.constraint.partition('(')[0]}"
        for needed in field.type.imports:
            if place.has_database or not needed.startswith(_OF_THE_DATABASE):
                yield needed


def _imports(needed: Iterable[str]) -> str:
    """Return the lines of imports: the standard library's, a gap, and others'."""
    names: dict[str, set[str]] = {}
    for text in needed:
        module, _, name = text.rpartition(".")
        names.setdefault(module, set()).add(name)
    whole = [f"import {name}" for name in sorted(names.pop("", ()))]
    groups: tuple[list[str], list[str]] = (whole, [])
    for module in sorted(names):
        group = 0 if module in _STANDARD_LIBRARY else 1
        imported = sorted(names[module], key=lambda name: (not name[0].isupper(), name))
        groups[group].append(f"from {module} import {', '.join(imported)}")
    return "\n\n".join("\n".join(lines) for lines in groups if lines)
