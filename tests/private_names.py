"""Find where first-party code touches a private name of another library, by the types that mypy infers.

``python -m tests.private_names`` prints each place outside `framework.adapters`, and how many there are.
"""

from __future__ import annotations

import ast
import functools
import os
import sys
import types as types_of_python
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mypy import build, nodes, types
from mypy.config_parser import parse_config_file
from mypy.find_sources import create_source_list
from mypy.options import Options

from tests.source import ROOT, Module, package

OURS = ("framework", "app_example")
_ADAPTERS_FOLDER = "framework/adapters/"
# The public interface of named tuples and enums, and what marshmallow documents for fields of one's own.
PUBLIC = frozenset(
    {"_replace", "_asdict", "_fields", "_make", "_field_defaults", "_missing_", "_value_"}
    | {"_serialize", "_deserialize", "_bind_to_schema"}
)
_BY_NAME = frozenset({"getattr", "setattr", "hasattr", "delattr"})

Span = tuple[int, int, int | None, int | None]


@dataclass(frozen=True, order=True)
class Use:
    """One place where a private name of another library is touched."""

    path: str
    line: int
    name: str
    owner: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.owner}.{self.name}"


def uses_outside_adapters() -> list[Use]:
    """Return every use of a private name of another library in the framework and the example, adapters left out."""
    return [use for use in _uses_of_ours() if not use.path.startswith(_ADAPTERS_FOLDER)]


def uses_inside_adapters() -> list[Use]:
    """Return every use of a private name of another library in the adapters."""
    return [use for use in _uses_of_ours() if use.path.startswith(_ADAPTERS_FOLDER)]


@functools.cache
def _uses_of_ours() -> Sequence[Use]:
    return _uses([module for name in OURS for module in package(name)])


def uses_in(path: Path) -> list[Use]:
    """Return every use of a private name of another library in one file, which need not be ours."""
    return _uses([Module(path.stem, path, path.read_text("utf-8"))])


def _uses(modules: Sequence[Module]) -> list[Use]:
    checked = _check([str(module.path) for module in modules])
    own_names = frozenset(name for module in modules for name in _declared(module.tree))
    return sorted(
        use
        for module in modules
        if module.name in checked.files
        for use in _Reader(module, checked, own_names).uses()
    )


def _check(paths: list[str]) -> build.BuildResult:
    options = Options()
    parse_config_file(options, lambda: None, str(ROOT / "pyproject.toml"), sys.stderr, sys.stderr)
    options.python_executable = sys.executable
    options.export_types = options.preserve_asts = True
    options.incremental = False
    # NOTE: what types are wrong is for `make types` to tell; under other versions of the libraries some are.
    return build.build(create_source_list(paths, options), options)


def _declared(tree: ast.Module) -> Iterator[str]:
    """Yield the names of attributes that our own code declares."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and ast.unparse(node.value) in {"self", "cls"}
        ):
            yield node.attr


class _Reader:
    """One module, read for the private names of others in it."""

    def __init__(self, module: Module, checked: build.BuildResult, own_names: frozenset[str]) -> None:
        self._module = module
        self._path = os.path.relpath(module.path, ROOT)
        self._files: Mapping[str, nodes.MypyFile] = checked.files
        self._own_names = own_names
        self._types = _types_by_place(checked.files[module.name], checked.types)
        self._imported = dict(_imported_modules(module.tree, checked.files))

    def uses(self) -> Iterator[Use]:
        infos = self._files[self._module.name].names
        for node in ast.walk(self._module.tree):
            for name, owner in self._touched(node):
                yield Use(self._path, getattr(node, "lineno", 1), name, owner)
            if isinstance(node, ast.ClassDef) and node.name in infos:
                yield from self._inherited(node, infos[node.name].node)

    def _touched(self, node: ast.AST) -> Iterator[tuple[str, str]]:
        if isinstance(node, ast.Attribute):
            yield from self._attribute(node.value, node.attr)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in _BY_NAME and len(node.args) > 1:
            if isinstance(node.args[1], ast.Constant):
                yield from self._attribute(node.args[0], str(node.args[1].value))
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from _private_imports((f"{node.module}.{alias.name}" for alias in node.names), node.module)
        elif isinstance(node, ast.Import):
            yield from _private_imports((alias.name for alias in node.names), "import")

    def _attribute(self, target: ast.expr, name: str) -> Iterator[tuple[str, str]]:
        owner = self._owner(target, name) if _is_private(name) else None
        if owner is not None:
            yield name, owner

    def _inherited(self, node: ast.ClassDef, info: nodes.SymbolNode | None) -> Iterator[Use]:
        """Yield the private members of a class of another library that a class of ours replaces or uses."""
        if not isinstance(info, nodes.TypeInfo):
            return
        for name in info.names:
            owner = _foreign_owner(info, name) if _is_private(name) else None
            if owner is not None:
                yield Use(self._path, node.lineno, name, owner)

    def _owner(self, target: ast.expr, name: str) -> str | None:
        """Return whose a private name is, when it is not ours."""
        if isinstance(target, ast.Name) and target.id in self._imported:
            module = self._imported[target.id]
            return None if _is_ours(module) else module
        if isinstance(target, ast.Call) and ast.unparse(target.func) == "super":
            return self._owner_above(target, name)
        return self._owner_by_type(self._types.get(_span(target)), name)

    def _owner_above(self, target: ast.Call, name: str) -> str | None:
        for node in self._module.tree.body:
            if isinstance(node, ast.ClassDef) and node.lineno <= target.lineno <= (node.end_lineno or 0):
                info = self._files[self._module.name].names[node.name].node
                if isinstance(info, nodes.TypeInfo):
                    return _foreign_owner(info, name)
        return None

    def _owner_by_type(self, kind: types.Type | None, name: str) -> str | None:
        proper = None if kind is None else types.get_proper_type(kind)
        if isinstance(proper, types.UnionType):
            owners = (self._owner_by_type(item, name) for item in proper.items)
            return next((owner for owner in owners if owner is not None), None)
        if isinstance(proper, types.TypeVarType):
            return self._owner_by_type(proper.upper_bound, name)
        if isinstance(proper, types.TypeType):
            return self._owner_by_type(proper.item, name)
        if isinstance(proper, types.CallableType) and proper.is_type_obj():
            return _owner_in(proper.type_object(), name)
        if isinstance(proper, types.TupleType):
            proper = proper.partial_fallback
        if isinstance(proper, types.Instance):
            return _owner_in(proper.type, name)
        # Of what has no type nobody knows whose it is: a name that we declare nowhere is another's.
        return None if name in self._own_names else "untyped"


def _types_by_place(
    tree: nodes.MypyFile, inferred: Mapping[nodes.Expression, types.Type]
) -> dict[Span, types.Type]:
    """Return the types of a module's expressions by where they stand in it."""
    found: dict[Span, types.Type] = {}
    seen: set[int] = set()
    waiting: list[object] = [*tree.defs]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list | tuple):
            waiting.extend(item)
        elif isinstance(item, nodes.Node) and id(item) not in seen:
            seen.add(id(item))
            if isinstance(item, nodes.Expression) and item in inferred:
                found[item.line, item.column, item.end_line, item.end_column] = inferred[item]
            waiting.extend(getattr(item, name, None) for name in _parts(type(item)))  # type: ignore[arg-type]
    return found


# NOTE: mypy's own visitors are compiled, and nothing that is interpreted can inherit from them.
@functools.cache
def _parts(kind: type) -> tuple[str, ...]:
    """Name the attributes of a kind of node that may hold the nodes below it."""
    names = {
        name
        for base in kind.__mro__
        for name, value in vars(base).items()
        if isinstance(value, types_of_python.GetSetDescriptorType)
    }
    return tuple(sorted(names - _ELSEWHERE))


# What these lead to stands in another place of the program.
_ELSEWHERE = frozenset({"node", "info", "type", "unanalyzed_type", "names", "alias_node", "analyzed_type"})


def _span(node: ast.expr) -> Span:
    return node.lineno, node.col_offset, node.end_lineno, node.end_col_offset


def _imported_modules(tree: ast.Module, known: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield the names in a module that stand for other modules, and which."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.asname or alias.name.split(".")[0], alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                if full in known:
                    yield alias.asname or alias.name, full


def _owner_in(info: nodes.TypeInfo, name: str) -> str | None:
    """Return the class of another library that declares a name; None if only ours do."""
    foreign = next((base for base in info.mro if name in base.names and not _is_ours(base.module_name)), None)
    if foreign is not None:
        return foreign.fullname
    declared = any(name in base.names for base in info.mro)
    return None if declared or _is_ours(info.module_name) else info.fullname


def _foreign_owner(info: nodes.TypeInfo, name: str) -> str | None:
    return next(
        (base.fullname for base in info.mro[1:] if name in base.names and not _is_ours(base.module_name)),
        None,
    )


def _private_imports(names: Iterable[str], owner: str) -> Iterator[tuple[str, str]]:
    for name in names:
        if not _is_ours(name) and any(_is_private(part) for part in name.split(".")):
            yield name.rpartition(".")[2], owner


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in PUBLIC and name != "_"


def _is_ours(module: str) -> bool:
    return module.split(".")[0] in (*OURS, "tests", "benchmarks")


if __name__ == "__main__":
    found = uses_outside_adapters()
    sys.stdout.writelines(f"{use}\n" for use in found)
    sys.stdout.write(f"{len(found)} uses of private names of other libraries outside adapters\n")
    sys.exit(bool(found))
