"""The module of a client: classes for what goes to and fro, exceptions for problems, a method for each operation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from framework.cli.clients.operations import Operation
from framework.cli.clients.types import Types, class_name

_METHODS = ("get", "put", "post", "patch", "delete")
_IMPORTS = {
    "collections.abc": ["AsyncIterator"],
    "contextlib": ["AbstractAsyncContextManager"],
    "dataclasses": ["dataclass"],
    "datetime": ["date", "datetime", "time"],
    "decimal": ["Decimal"],
    "typing": ["Any", "Literal", "NotRequired", "TypedDict"],
    "uuid": ["UUID", "uuid4"],
}
_OTHERS = {
    "aiohttp": ["ClientResponse"],
    "framework.batteries.client.typed": ["APIProblem", "Call", "TypedClient", "Upload"],
    "framework.validation": ["conventions"],
}


def module_of(document: Mapping[str, Any]) -> str:
    """Return the text of a module that calls the service which an OpenAPI document describes."""
    schemas = document.get("components", {}).get("schemas", {})
    problems = {name: schema for name, schema in schemas.items() if _is_problem(name)}
    types = Types(schemas)
    types.add_all([name for name in schemas if name not in problems])
    operations = [
        Operation(method, path, described[method], types)
        for path, described in document.get("paths", {}).items()
        for method in _METHODS
        if method in described
    ]
    parts = [*_ordered(types), *(_problem(name, schema) for name, schema in problems.items())]
    parts.append("\n".join(_client(operations, list(problems), schemas)))
    body = "\n\n\n".join(parts)
    title = document.get("info", {}).get("title", "service")
    head = (
        f'"""A client of {title}, written by ``framework client python``: write it anew, do not change it."""'
    )
    return f"{head}\n\nfrom __future__ import annotations\n\n{_imports(body)}\n\n\n{body}\n"


def _imports(body: str) -> str:
    used = set(re.findall(r"[A-Za-z_]\w*", re.sub(r'""".*?"""', "", body, flags=re.DOTALL)))
    groups = []
    for each in (_IMPORTS, _OTHERS):
        found = {module: [name for name in names if name in used] for module, names in each.items()}
        groups.append("\n".join(f"from {m} import {', '.join(names)}" for m, names in found.items() if names))
    return "\n\n".join(group for group in groups if group)


def _ordered(types: Types) -> list[str]:
    """Return the classes, and behind them the names of other types, each behind those that it is made of."""
    classes = [text for name, text in types.classes.items() if name not in types.aliases]
    waiting = {name: types.classes[name] for name in types.aliases}
    while waiting:
        ready = [name for name, text in waiting.items() if not _words(text) & waiting.keys()]
        classes += [f"{name} = {waiting.pop(name)}" for name in ready]
        if not ready:  # they hold one another, and are no classes
            name = next(iter(waiting))
            waiting.pop(name)
            classes.append(f"{name} = Any")
    return classes


def _words(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z_]\w*", text))


def _is_problem(name: str) -> bool:
    return name == "Problem" or name.endswith("Problem")


def _problem(name: str, schema: Mapping[str, Any]) -> str:
    own: Mapping[str, Any] = next((each for each in schema.get("allOf", ()) if "properties" in each), {})
    properties = own.get("properties", {})
    text = str(own.get("description") or "An error that the service answers with").rstrip(".")
    lines = [f"class {class_name(name)}(APIProblem):", f'    """{text}."""'.replace("\\", "")]
    members = [
        f"    {key} = {properties[key]['const']!r}"
        for key in ("status", "type")
        if "const" in properties.get(key, {})
    ]
    return "\n".join([*lines, *([""] if members else []), *members])


def _client(operations: list[Operation], problems: list[str], schemas: Mapping[str, Any]) -> Iterator[str]:
    yield "class Client(TypedClient):"
    yield '    """The operations of the service."""'
    yield ""
    yield f"    problems = ({''.join(f'{class_name(each)}, ' for each in problems)})"
    items = {
        class_name(name): schema["properties"]["items"]["items"]
        for name, schema in schemas.items()
        if _is_page(schema)
    }
    for operation in operations:
        yield ""
        yield from operation.lines()
        page = items.get(operation.returns or "")
        if page is not None and operation.takes_cursor:
            yield ""
            yield from operation.page_lines(Types(schemas).of(page, "Item"))


def _is_page(schema: Mapping[str, Any]) -> bool:
    properties = schema.get("properties", {})
    return {*properties} >= {"items", "next"} and "items" in properties["items"]
