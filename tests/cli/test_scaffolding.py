"""``framework new``, ``add resource`` and ``update``, typed as somebody would type them."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from framework.cli.scaffolding.names import ResourceName
from framework.errors import ConfigurationError
from tests.cli.processes import framework

pytestmark = pytest.mark.process

FIELDS = (
    "number:str amount:Decimal due:date? at:datetime n:int share:float paid:bool? by:UUID notes_on_it:text "
    "date:date? datetime:datetime colour:str"
)
COMBINATIONS: tuple[list[str], ...] = (
    [],
    ["--with", "pages"],
    ["--with", "sessions,jobs"],
    ["--with", "chat"],
    ["--with", "database"],
    ["--with", "database,sessions,pages,chat,jobs"],
    ["--database", "postgres", "--with", "pages"],
)


def made(folder: Path, *options: str) -> Path:
    """Make a service ``shop`` without its wheel, and return its folder."""
    done = framework("new", "shop", "--no-wheel", *options, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "shop"


def proved(folder: Path) -> str:
    """Run what ``make test`` runs, in this environment; return what failed."""
    environ = os.environ | {"PYTHONPATH": ".", "MYPY_CACHE_DIR": os.devnull}
    commands = (
        ["-m", "ruff", "check", "--no-cache", "."],
        ["-m", "ruff", "format", "--no-cache", "--check", "."],
        ["-m", "mypy", "--strict", "shop", "tests"],
        ["-m", "pytest", "-q", "-p", "no:cacheprovider"],
    )
    printed = ""
    for command in commands:
        done = subprocess.run(
            [sys.executable, *command], cwd=folder, env=environ, capture_output=True, text=True, check=False
        )
        if done.returncode:
            printed += done.stdout + done.stderr
    return printed


@pytest.mark.slow
@pytest.mark.parametrize("options", COMBINATIONS, ids=lambda options: "-".join(options) or "minimal")
def test_a_service_and_one_more_resource_are_in_style_typed_and_proved(
    tmp_path: Path, options: list[str]
) -> None:
    shop = made(tmp_path, *options)

    added = framework("add", "resource", "invoice_lines", "--field", FIELDS, cwd=shop)

    assert added.returncode == 0, added.stderr
    assert proved(shop) == ""


def test_a_minimal_service_is_small(tmp_path: Path) -> None:
    shop = made(tmp_path)

    files = [path for path in shop.rglob("*") if path.is_file()]
    lines = sum(len(path.read_text("utf-8").splitlines()) for path in files)

    assert len(files) + 1 <= 12  # and the wheel
    assert lines <= 250


def test_a_database_of_models_lacks_no_migration(tmp_path: Path) -> None:
    shop = made(tmp_path, "--with", "database")
    framework("add", "resource", "invoices", "--field", FIELDS, cwd=shop)

    migrated = framework("migrate", "shop", cwd=shop)
    framework("migrate", "shop", "--write", "nothing", cwd=shop)
    (written,) = (shop / "shop" / "migrations").glob("*_nothing.py")

    assert "0002" in migrated.stdout
    assert "op." not in written.read_text("utf-8").replace("from alembic import op", "")


@pytest.mark.parametrize(
    ("resource", "field", "said"),
    [
        pytest.param("annotateds", "number:str", "needs the name 'Annotated'", id="an import of it"),
        pytest.param("partials", "number:str", "needs the name 'Partial'", id="another import"),
        pytest.param("decimals", "amount:Decimal", "needs the name 'Decimal'", id="the type of a field"),
        pytest.param("sessions", "number:str", "needs the name 'session'", id="a parameter"),
        pytest.param("bodies", "number:str", "needs the name 'body'", id="another parameter"),
        pytest.param("routes", "number:str", "needs the name 'routes'", id="the table of routes"),
        pytest.param(
            "invoices", "self:str", "'self' is not fit for a field", id="what Python calls an object"
        ),
        pytest.param("invoices", "str:str", "'str' is not fit for a field", id="a type"),
        pytest.param("invoices", "mapped_column:int", "is not fit for a field", id="what makes columns"),
    ],
)
def test_a_name_that_would_mean_two_things_is_refused(
    tmp_path: Path, resource: str, field: str, said: str
) -> None:
    shop = made(tmp_path, "--with", "database")
    before = sorted(shop.rglob("*.py"))

    done = framework("add", "resource", resource, "--field", field, cwd=shop)

    assert done.returncode == 2
    assert said in done.stderr
    assert sorted(shop.rglob("*.py")) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["new", "my-shop"], "small letters"),
        (["new", "framework"], "taken"),
        (["new"], "A name is needed"),
        (["new", "shop", "--with", "cache"], "chat, database, jobs, pages, sessions"),
        (["new", "shop", "--from", "app_example", "--with", "chat"], "The example has all parts"),
        (["add", "resource", "invoices", "--field", "number:str"], "[tool.framework]"),
        (["update"], "[tool.framework]"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_made_is_told_and_nothing_is_written(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    done = framework(*arguments, cwd=tmp_path)

    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["notes", "--field", "number:str"], "there already"),
        (["news", "--singular", "news", "--field", "number:str"], "--singular"),
        (["invoices", "--field", "number"], "amount:Decimal"),
        (["invoices", "--field", "number:strr"], "str, text, int"),
        (["invoices", "--field", "id:int"], "not fit for a field"),
        (["invoices", "--field", "class:str"], "not fit for a field"),
        (["invoices", "--field", "a:str a:int"], "stands twice"),
        (["invoices", "--field", " "], "at least one field"),
        (["../invoices", "--field", "a:str"], "not fit for a resource"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_a_resource_that_cannot_be_made_changes_nothing(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    shop = made(tmp_path)
    before = {path: path.read_bytes() for path in shop.rglob("*") if path.is_file()}

    done = framework("add", "resource", *arguments, cwd=shop)

    assert done.returncode == 2
    assert said in done.stderr
    assert {path: path.read_bytes() for path in shop.rglob("*") if path.is_file()} == before


def test_a_main_of_another_shape_is_left_alone_and_the_lines_are_told(tmp_path: Path) -> None:
    shop = made(tmp_path)
    main = shop / "shop" / "main.py"
    main.write_text(
        main.read_text("utf-8").replace("routes=[notes.routes]", "routes=tuple([notes.routes])"), "utf-8"
    )

    done = framework("add", "resource", "invoices", "--field", "number:str", cwd=shop)

    assert done.returncode == 2
    assert "from shop import invoices" in done.stderr
    assert "provide(invoices.Invoices" in done.stderr
    assert not (shop / "shop" / "invoices.py").exists()


def older_wheel(folder: Path) -> Path:
    """Make a wheel of a version 0.0.1, whose Makefile runs no types and whose README has another first sentence."""
    framework("new", "donor", cwd=folder)
    (wheel,) = (folder / "donor" / "wheels").iterdir()
    older = folder / "aiohttp_batteries-0.0.1-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(older, "w") as target:
        for name in source.namelist():
            text = source.read(name)
            if name.endswith("service/always/Makefile.jinja"):
                text = text.replace(b"\t$(BIN)/mypy --strict {{ package }} tests\n", b"")
            if name.endswith("service/always/README.md.jinja"):
                text = text.replace(b"`make dev` serves", b"`make dev` starts")
            if not name.endswith("Dockerfile.jinja"):
                target.writestr(name, text)
    return older


def test_a_newer_version_is_merged_with_what_was_changed(tmp_path: Path) -> None:
    older = older_wheel(tmp_path)
    shop = made(tmp_path)
    as_made = {path: path.read_text("utf-8") for path in shop.rglob("*") if path.is_file()}
    (shop / "wheels").mkdir()
    older.rename(shop / "wheels" / older.name)
    project = shop / "pyproject.toml"
    project.write_text(
        project.read_text("utf-8")
        .replace(version("aiohttp-batteries"), "0.0.1")
        .replace('version = "0.0.1"\nrequires', 'version = "0.1.0"\nrequires')
        .replace("length = 110", "length = 100"),
        "utf-8",
    )
    makefile = shop / "Makefile"
    makefile.write_text(
        makefile.read_text("utf-8").replace("\t$(BIN)/mypy --strict shop tests\n", "")
        + "\nclean:\n\trm -rf .venv\n",
        "utf-8",
    )
    readme = shop / "README.md"
    readme.write_text(readme.read_text("utf-8").replace("`make dev` serves", "`make dev` shows"), "utf-8")
    (shop / "Dockerfile").unlink()
    main = shop / "shop" / "main.py"
    main.write_text(main.read_text("utf-8") + "\n# ours\n", "utf-8")

    done = framework("update", cwd=shop)

    assert done.returncode == 1
    assert "1 files have conflicts" in done.stderr
    assert {line.split()[1]: line.split()[0] for line in done.stdout.splitlines()} == {
        "Dockerfile": "new",
        "Makefile": "changed",
        "README.md": "conflict",
        "pyproject.toml": "changed",
    }
    assert makefile.read_text("utf-8") == as_made[makefile] + "\nclean:\n\trm -rf .venv\n"
    assert project.read_text("utf-8") == as_made[project].replace("length = 110", "length = 100")
    assert "make dev` shows" in readme.read_text("utf-8")
    assert "<<<<<<<" in readme.read_text("utf-8")
    assert main.read_text("utf-8").endswith("# ours\n")
    assert [wheel.name for wheel in (shop / "wheels").iterdir()] == [
        f"aiohttp_batteries-{version('aiohttp-batteries')}-py3-none-any.whl"
    ]


def test_an_update_without_the_wheel_that_made_the_service_says_which_it_wants(tmp_path: Path) -> None:
    shop = made(tmp_path)

    done = framework("update", cwd=shop)

    assert done.returncode == 2
    assert f"aiohttp_batteries-{version('aiohttp-batteries')}-py3-none-any.whl" in done.stderr


@pytest.mark.parametrize(
    ("names", "name"),
    [
        ("notes", "note"),
        ("invoice_lines", "invoice_line"),
        ("entries", "entry"),
        ("addresses", "address"),
        ("boxes", "box"),
        ("batches", "batch"),
        ("wishes", "wish"),
    ],
)
def test_one_of_several_is_called_so(names: str, name: str) -> None:
    assert ResourceName.of(names).name == name


def test_a_name_without_a_plural_wants_its_singular() -> None:
    with pytest.raises(ConfigurationError, match="--singular"):
        ResourceName.of("data")

    assert ResourceName.of("data", "datum").forms["Class"] == "Datum"
