"""The project's own source as values: its modules, what they import, and their functions."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One file of Python source."""

    name: str
    path: Path
    text: str = field(repr=False)

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def lines(self) -> int:
        return self.text.count("\n")

    def functions(self) -> Iterator[Function]:
        """Yield every function, methods and inner ones too."""
        yield from (node for node in ast.walk(self.tree) if isinstance(node, Function))

    def classes(self) -> Iterator[ast.ClassDef]:
        yield from (node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef))

    def place(self, node: ast.AST) -> str:
        """Say where a node stands, as an editor can open it."""
        return f"{self.path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def package(name: str) -> list[Module]:
    """Read every module of a top level package; a package that is not there has none."""
    paths = sorted((ROOT / name).rglob("*.py"))
    return [Module(_dotted(path), path, path.read_text("utf-8")) for path in paths]


def _dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(node: ast.AST, known: set[str]) -> list[str]:
    """Name the modules that an import names; for ``from a import b`` that is ``a.b`` where it is a module."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        full = [f"{node.module}.{alias.name}" for alias in node.names]
        return [name if name in known else str(node.module) for name in full]
    return []


def imports(module: Module, known: set[str]) -> set[str]:
    """Name all modules that a module imports, wherever in it."""
    return {name for node in ast.walk(module.tree) for name in imported(node, known)}


def late_imports(module: Module) -> Iterator[ast.stmt]:
    """Yield the imports inside functions and under ``TYPE_CHECKING``."""
    places: list[ast.AST] = list(module.functions())
    places += [node for node in ast.walk(module.tree) if isinstance(node, ast.If) and _for_types(node)]
    for place in places:
        for node in ast.walk(place):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield node


def _for_types(node: ast.If) -> bool:
    return "TYPE_CHECKING" in ast.unparse(node.test)


def length(function: Function) -> int:
    """Count a function's lines without its decorators and its docstring: promises cost nothing."""
    first = function.body[0]
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    promised = (first.end_lineno or 0) - first.lineno + 1 if is_docstring else 0
    return (function.end_lineno or 0) - function.lineno + 1 - promised


def tracked_files() -> list[Path]:
    """Name every file that git keeps, or would if it were added now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]
