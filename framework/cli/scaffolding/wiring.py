"""The lines that a new resource needs in a service's ``main.py``, put where they belong."""

from __future__ import annotations

import ast

from framework.cli.scaffolding.rendering import LINE_LENGTH
from framework.errors import ConfigurationError


def wired(source: str, package: str, module: str, service: str = "") -> str:
    """Return the source of a ``main.py`` that also serves a module's routes.

    Args:
        source: It, as it is.
        package: The service's package.
        module: The module with ``routes``.
        service: The class in it that handlers ask for; empty when there is none.

    Raises:
        ConfigurationError: It is not put together as usual; the message says which lines to write.
    """
    try:
        tree = ast.parse(source)
        source = _with_argument(source, _list_of_routes(tree), f"{module}.routes")
        if service:
            source = _with_argument(
                source, _call_of(ast.parse(source), "provide"), f"{module}.{service}", first=True
            )
        return _with_import(source, package, module)
    except (LookupError, SyntaxError):
        provided = f", and provide({module}.{service}, scope='app') among its batteries" if service else ""
        raise ConfigurationError(
            f"{package}/main.py is not as 'framework new' makes it, and was left alone; write into it: "
            f"from {package} import {module}; {module}.routes in create_app(routes=[...]){provided}."
        ) from None


def _list_of_routes(tree: ast.Module) -> ast.List:
    for keyword in _call_of(tree, "create_app").keywords:
        if keyword.arg == "routes" and isinstance(keyword.value, ast.List):
            return keyword.value
    raise LookupError("routes")


def _call_of(tree: ast.Module, name: str) -> ast.Call:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            return node
    raise LookupError(name)


def _with_argument(source: str, node: ast.List | ast.Call, text: str, *, first: bool = False) -> str:
    """Put an item into a list, or an argument into a call, in front of the first or behind the last."""
    there = node.elts if isinstance(node, ast.List) else node.args
    if not there:
        raise LookupError(text)
    if first:
        offset = _offset(source, there[0].lineno, there[0].col_offset)
        return f"{source[:offset]}{text}, {source[offset:]}"
    if isinstance(node, ast.List) and node.lineno == node.end_lineno:
        return _with_item(source, node, text)
    last = there[-1]
    offset = _offset(source, last.end_lineno or 0, last.end_col_offset or 0)
    return f"{source[:offset]}, {text}{source[offset:]}"


def _with_item(source: str, node: ast.List, text: str) -> str:
    """Put an item behind the last one of a list on one line; write one on each line where that gets too long."""
    items = [*(ast.get_source_segment(source, item) or "" for item in node.elts), text]
    line = source.splitlines()[node.lineno - 1]
    indent = len(line) - len(line.lstrip())
    written = f"[{', '.join(items)}]"
    if len(line) + len(text) + len(", ") > LINE_LENGTH:
        inner = "".join(f"{' ' * (indent + 4)}{item},\n" for item in items)
        written = f"[\n{inner}{' ' * indent}]"
    start = _offset(source, node.lineno, node.col_offset)
    end = _offset(source, node.end_lineno or 0, node.end_col_offset or 0)
    return source[:start] + written + source[end:]


def _with_import(source: str, package: str, module: str) -> str:
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom) and node.module == package and node.level == 0:
            names = sorted([*(_spelt(name) for name in node.names), module])
            start = _offset(source, node.lineno, node.col_offset)
            end = _offset(source, node.end_lineno or 0, node.end_col_offset or 0)
            return f"{source[:start]}from {package} import {', '.join(names)}{source[end:]}"
    raise LookupError(package)


def _spelt(name: ast.alias) -> str:
    return f"{name.name} as {name.asname}" if name.asname else name.name


def _offset(source: str, line: int, column: int) -> int:
    """Return a place in a text; ast counts columns in bytes."""
    lines = source.splitlines(keepends=True)
    within = lines[line - 1].encode()[:column].decode()
    return len("".join(lines[: line - 1])) + len(within)
