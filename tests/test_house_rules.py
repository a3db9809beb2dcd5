"""The house's rules: a rule that is not a check drifts."""

from __future__ import annotations

import ast
import graphlib
import importlib.metadata
import re
import tomllib
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import framework
from framework.adapters.versions import PROVED
from tests.oldest import oldest, requirements
from tests.private_names import uses_outside_adapters
from tests.source import (
    ROOT,
    Function,
    Module,
    imported,
    imports,
    late_imports,
    length,
    package,
    tracked_files,
)

FRAMEWORK = package("framework")
EXAMPLE = [
    module for module in package("app_example") if not {"tests", "migrations"} & {*module.name.split(".")}
]
OURS = [*FRAMEWORK, *EXAMPLE]
TESTS = [*package("tests"), *(module for module in package("app_example") if ".tests" in module.name)]
KNOWN = {module.name for module in [*OURS, *TESTS]}
OUR_PACKAGES = ("framework", "app_example")

FILE_LINES = 350
FUNCTION_LINES = 50
GLANCE_LINES = 25
PARAMETERS = 5
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "core", "manager", "misc"}

# From the bottom up; what is in no list is the kernel. Imports point down or stay in their layer.
WORDS = {"errors", "problem", "principal", "secrets", "settings", "validation", "annotations", "http"}
ASSEMBLY = {"app", "testing", "cli", "__main__"}
LAYERS = ["words", "kernel", "batteries", "assembly", "door"]


def layer(module: str) -> str:
    """Name the layer of a module of the framework; the package itself is the door that leads to all."""
    part = [*module.split("."), ""][1]
    named = {"": "door", "batteries": "batteries"}
    if part == "adapters":
        # What a word may need of a library below it is no wire.
        return (
            "words"
            if module.split(".")[2:3] in ([], ["versions"], ["marshmallow"], ["markupsafe"])
            else "kernel"
        )
    return named.get(part) or ("words" if part in WORDS else "assembly" if part in ASSEMBLY else "kernel")


def battery(module: str) -> str:
    """Name the battery that a module belongs to; empty outside the batteries."""
    parts = module.split(".")
    return parts[2] if layer(module) == "batteries" and len(parts) > 2 else ""


def inner_imports(module: Module) -> Iterator[str]:
    yield from (name for name in sorted(imports(module, KNOWN)) if name.split(".")[0] == "framework")


def test_no_file_is_longer_than_one_can_keep_in_mind() -> None:
    long = [f"{module.path.name}: {module.lines}" for module in OURS if module.lines > FILE_LINES]

    assert long == []


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{module.place(function)} {function.name}: {length(function)}"
        for module in OURS
        for function in module.functions()
        if length(function) > FUNCTION_LINES
    ]

    assert long == []


def test_nine_functions_in_ten_fit_in_a_glance() -> None:
    lengths = [length(function) for module in OURS for function in module.functions()]

    in_a_glance = sum(lines <= GLANCE_LINES for lines in lengths)

    assert in_a_glance >= 0.9 * len(lengths)


def test_complexity_is_limited_and_nothing_is_exempt() -> None:
    lint = pyproject()["tool"]["ruff"]["lint"]

    exempt = [module.name for module in OURS if re.search(r"noqa:.*C901", module.text)]

    assert "C90" in lint["select"]
    assert lint["mccabe"]["max-complexity"] <= 8
    assert exempt == []


def test_imports_make_no_cycle() -> None:
    graph = {module.name: imports(module, KNOWN) & KNOWN - {module.name} for module in OURS}

    order = list(graphlib.TopologicalSorter(graph).static_order())

    assert {*graph} <= {*order}


def test_imports_point_down() -> None:
    upward = [
        f"{module.name} ({layer(module.name)}) imports {name} ({layer(name)})"
        for module in FRAMEWORK
        for name in inner_imports(module)
        if LAYERS.index(layer(name)) > LAYERS.index(layer(module.name))
    ]

    assert upward == []


@pytest.mark.slow
def test_no_private_name_of_another_library_is_touched_outside_an_adapter() -> None:
    touched = [str(use) for use in uses_outside_adapters()]

    assert touched == []


def test_batteries_never_import_one_another() -> None:
    sideways = [
        f"{module.name} imports {name}"
        for module in FRAMEWORK
        for name in inner_imports(module)
        if battery(module.name) and battery(name) not in {"", battery(module.name)}
    ]

    assert sideways == []


def test_words_know_nothing_of_aiohttp() -> None:
    wired = [
        f"{module.name} imports {name}"
        for module in FRAMEWORK
        for name in imports(module, KNOWN)
        if layer(module.name) == "words" and name.split(".")[0].startswith("aiohttp")
    ]

    assert wired == []


def test_our_own_modules_are_imported_at_the_top() -> None:
    late = [
        f"{module.place(node)} imports {name}"
        for module in OURS
        for node in late_imports(module)
        for name in imported(node, KNOWN)
        if name.split(".")[0] in OUR_PACKAGES
    ]

    assert late == []


def test_more_than_five_options_travel_as_a_record() -> None:
    crowded = [
        f"{module.place(node)} {node.name}: {count}"
        for module in OURS
        for node in module.classes()
        if (count := parameters(node)) > PARAMETERS
    ]

    assert crowded == []


def parameters(node: ast.ClassDef) -> int:
    made = [part for part in node.body if isinstance(part, Function) and part.name == "__init__"]
    return sum(len(part.args.posonlyargs + part.args.args + part.args.kwonlyargs) - 1 for part in made)


def test_names_of_modules_say_what_is_in_them() -> None:
    vague = [module.name for module in OURS if VAGUE_NAMES & {*module.name.split(".")}]

    assert vague == []


def test_every_battery_is_a_module_with_a_function_that_makes_it() -> None:
    doors = [module for module in FRAMEWORK if re.fullmatch(r"framework\.batteries\.\w+", module.name)]

    without = [module.name for module in doors if "battery" not in top_level_names(module.tree)]

    assert without == []


def top_level_names(tree: ast.Module) -> set[str]:
    names = {node.name for node in tree.body if isinstance(node, Function)}
    brought = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return names | {alias.asname or alias.name for node in brought for alias in node.names}


def test_every_public_module_and_function_of_the_framework_has_a_docstring() -> None:
    silent = [
        module.name for module in FRAMEWORK if module.text.strip() and not ast.get_docstring(module.tree)
    ]
    silent += [
        module.place(node)
        for module in FRAMEWORK
        for node in module.tree.body
        if isinstance(node, Function) and not node.name.startswith("_") and not ast.get_docstring(node)
    ]

    assert silent == []


# What a class is can be said with a noun; these are the verbs with which docstrings of classes used to begin.
IMPERATIVES = {
    *("Be", "Bind", "Bound", "Collect", "Count", "Describe", "Draw", "Fill"),
    *("Find", "Give", "Hold", "Keep", "Know", "Let", "Load", "Look"),
    *("Make", "Name", "Promise", "Put", "Read", "Refuse", "Remember", "Return"),
    *("Run", "Say", "Send", "Show", "Stand", "Store", "Take", "Tell"),
    *("Turn", "Write"),
}


def test_docstrings_of_functions_are_imperatives_other_than_say_and_those_of_classes_are_nouns() -> None:
    unlike = [
        module.place(node)
        for module in OURS
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef | Function) and (first := first_word(node))
        if first == "Say" or (isinstance(node, ast.ClassDef) and first in IMPERATIVES)
    ]

    assert unlike == []


def first_word(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """Return the word that a docstring begins with; empty without one."""
    return (ast.get_docstring(node) or "").partition(" ")[0].strip(",.:")


def test_the_door_shows_what_it_lists_and_nothing_else() -> None:
    listed = getattr(framework, "__all__", [])

    reachable = {
        name
        for name, value in vars(framework).items()
        if not name.startswith("_") and name != "annotations" and not isinstance(value, ModuleType)
    }

    assert {*listed} == reachable
    assert len(listed) == len({*listed})


def test_tests_replace_nothing_of_ours() -> None:
    mocked = [
        f"{module.place(node)}" for module in TESTS for node in ast.walk(module.tree) if mocks(node, module)
    ]

    assert mocked == []


def mocks(node: ast.AST, module: Module) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return any(name.split(".")[:2] == ["unittest", "mock"] for name in imported(node, {"unittest.mock"}))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
        return node.func.attr == "setattr" and root(node.args[0]) in {*OUR_PACKAGES, *names_of_ours(module)}
    return False


def root(target: ast.expr) -> str:
    """Return the first name in ``a.b.c``, be it written as an expression or as a string."""
    text = target.value if isinstance(target, ast.Constant) else ast.unparse(target)
    return str(text).split(".")[0]


def names_of_ours(module: Module) -> set[str]:
    statements = [node for node in ast.walk(module.tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    return {
        alias.asname or alias.name
        for node in statements
        for alias in node.names
        if any(name.split(".")[0] in OUR_PACKAGES for name in imported(node, KNOWN))
    }


def test_every_test_asserts_something() -> None:
    idle = [
        f"{module.place(function)} {function.name}"
        for module in TESTS
        for function in module.functions()
        if function.name.startswith("test_") and not any(asserts(node) for node in ast.walk(function))
    ]

    assert idle == []


def asserts(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return bool(re.search(r"(^|\.)(raises|warns|fail|assert_\w+)$", ast.unparse(node.func)))
    return isinstance(node, ast.Assert)


def test_no_file_names_a_place_of_one_machine() -> None:
    # A path that only one machine has, or the host of a package registry.
    place = re.compile(
        r"(?<![\w./<~-])/(?:work|root|home/\w+|Users|tmp)/\w|pypi\.org|pythonhosted\.|npmjs\.|deb\.debian\.|--index[-]url"
    )

    named = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in tracked_files()
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), start=1)
        if place.search(line)
    ]

    assert named == []


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


FLOORS = tomllib.loads((ROOT / "tests" / "security_floors.toml").read_text("utf-8"))


@pytest.mark.parametrize("name", FLOORS)
def test_no_package_with_a_known_fault_is_installed(name: str) -> None:
    installed = Version(importlib.metadata.version(name))

    assert installed >= Version(FLOORS[name]["minimum"]), FLOORS[name]["advisories"]


@pytest.mark.parametrize("name", FLOORS)
def test_no_package_with_a_known_fault_is_let_in(name: str) -> None:
    declared = [Requirement(text) for text in pyproject()["project"]["dependencies"]]

    specifiers = [item.specifier for item in declared if canonicalize_name(item.name) == name]

    floor = Version(FLOORS[name]["minimum"])
    assert len(specifiers) == 1
    assert max(Version(part.version) for part in specifiers[0] if part.operator == ">=") >= floor


@pytest.mark.parametrize("name", PROVED)
def test_a_library_whose_private_parts_are_used_is_admitted_in_the_minor_versions_that_were_proved(
    name: str,
) -> None:
    declared = [Requirement(text) for text in pyproject()["project"]["dependencies"]]
    proved = PROVED[name]
    around = {(major + up, minor) for major, _ in proved for up in (-1, 0, 1) for minor in range(100)}

    (specifier,) = [item.specifier for item in declared if item.name == name]

    assert {(major, minor) for major, minor in around if f"{major}.{minor}.99" in specifier} == proved


def test_every_dependency_has_a_lower_bound() -> None:
    lines = [*oldest(requirements())]

    assert all("==" in line for line in lines)
    assert "aiohttp==3.14.5" in lines


def test_every_supported_python_is_named_wherever_they_are_named() -> None:
    texts = [text.rpartition(" ")[2] for text in pyproject()["project"]["classifiers"] if "3." in text]
    makefile = (ROOT / "Makefile").read_text("utf-8")

    tested = re.search(r"^VERSIONS := (.*)$", makefile, re.MULTILINE)

    assert tested is not None
    assert tested[1].split() == texts
    assert pyproject()["project"]["requires-python"] == f">={texts[0]}"


def test_every_dependency_has_a_pinned_version() -> None:
    extras = pyproject()["project"]["optional-dependencies"].values()
    wanted = [
        Requirement(text) for texts in (pyproject()["project"]["dependencies"], *extras) for text in texts
    ]
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()

    pinned = {
        canonicalize_name(Requirement(line).name) for line in lines if line and not line.startswith("#")
    }

    assert {canonicalize_name(item.name) for item in wanted} - pinned == {"aiohttp-batteries"}
