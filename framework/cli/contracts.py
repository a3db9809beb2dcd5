"""What changed between two OpenAPI documents of a service, and which of it breaks those who call it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from yarl import URL

from framework.cli.schema_changes import Changed, Direction, SchemaChanges

Document = Mapping[str, Any]
Operation = Mapping[str, Any]

_METHODS = ("get", "head", "post", "put", "patch", "delete", "options", "trace", "query")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    Attributes:
        place: The operation, such as ``GET /items/{item_id}``.
        what: What became of it.
        breaks: Whether a client that was right before may be wrong now.
    """

    place: str
    what: str
    breaks: bool

    def __str__(self) -> str:
        return f"{'breaks' if self.breaks else 'changes'}: {self.place}: {self.what}"


class _Side(NamedTuple):
    document: Document
    operations: Mapping[tuple[str, str], tuple[str, Operation]]


def changes(old: Document, new: Document) -> list[Change]:
    """Return the differences between two documents, those first that break clients.

    Raises:
        ValueError: One is no OpenAPI document of version 3.
    """
    before, after = _side(old), _side(new)
    found: list[Change] = []
    for key, (place, operation) in before.operations.items():
        if key not in after.operations:
            found.append(Change(place, "is not there any more", breaks=True))
            continue
        other = after.operations[key][1]
        found += [Change(place, *each) for each in _of_operation(before, after, operation, other)]
    if _base(old) != _base(new):
        found.append(
            Change("servers", f"the first is {_base(new) or 'none'}, was {_base(old) or 'none'}", breaks=True)
        )
    added = [key for key in after.operations if key not in before.operations]
    found += [Change(after.operations[key][0], "is new", breaks=False) for key in added]
    return sorted(found, key=lambda change: not change.breaks)


def _base(document: Document) -> str:
    """Return the path below which a document has its operations."""
    servers = document.get("servers") or [{}]
    return URL(str(servers[0].get("url", ""))).path.rstrip("/")


def _side(document: Any) -> _Side:
    if not isinstance(document, Mapping) or not str(document.get("openapi", "")).startswith("3."):
        raise ValueError("no OpenAPI document of version 3")
    found = {}
    for path, item in document.get("paths", {}).items():
        for method in _METHODS:
            if method in item:
                # What a variable is called is nothing to a client.
                key = method, re.sub(r"\{[^}]*\}", "{}", path)
                shared = item.get("parameters", [])
                operation = {**item[method], "parameters": [*shared, *item[method].get("parameters", [])]}
                found[key] = f"{method.upper()} {path}", operation
    return _Side(document, found)


def _of_operation(before: _Side, after: _Side, old: Operation, new: Operation) -> Iterator[Changed]:
    compare = SchemaChanges(before.document, after.document)
    yield from _of_parameters(compare, old, new)
    yield from _of_body(compare, old, new)
    yield from _of_responses(compare, old, new)
    yield from _of_security(before, after, old, new)
    if new.get("deprecated") and not old.get("deprecated"):
        yield Changed("is deprecated", breaks=False)
    if old.get("operationId") != new.get("operationId"):
        yield Changed(f"is called {new.get('operationId')}, was {old.get('operationId')}", breaks=False)


def _of_parameters(compare: SchemaChanges, old: Operation, new: Operation) -> Iterator[Changed]:
    before, after = compare.parameters(old, new)
    for key, each in before.items():
        if key not in after:
            yield Changed(f"{_shown(key)} is not taken any more", breaks=True)
            continue
        if after[key].get("required") and not each.get("required"):
            yield Changed(f"{_shown(key)} is required now", breaks=True)
        for name in ("style", "explode"):
            if each.get(name) != after[key].get(name):
                yield Changed(f"{_shown(key)} is written otherwise: its {name} changed", breaks=True)
        schemas = each.get("schema", {}), after[key].get("schema", {})
        yield from compare.of(*schemas, Direction.REQUEST, _shown(key))
    for key, each in after.items():
        if key not in before:
            is_required = bool(each.get("required"))
            yield Changed(f"{_shown(key)} is new{' and required' if is_required else ''}", breaks=is_required)


def _shown(key: tuple[str, str]) -> str:
    return f"the {key[0]} parameter '{key[1]}'"


def _of_body(compare: SchemaChanges, old: Operation, new: Operation) -> Iterator[Changed]:
    before, after = compare.resolved(old.get("requestBody"), new.get("requestBody"))
    if not before or not after:
        if before:
            yield Changed("takes no body any more", breaks=True)
        elif after:
            is_required = bool(after.get("required"))
            yield Changed(f"takes a body{' and needs it' if is_required else ''}", breaks=is_required)
        return
    if after.get("required") and not before.get("required"):
        yield Changed("needs its body now", breaks=True)
    for kind, content in before.get("content", {}).items():
        if kind not in after.get("content", {}):
            yield Changed(f"takes no {kind} any more", breaks=True)
        else:
            schemas = content.get("schema", {}), after["content"][kind].get("schema", {})
            yield from compare.of(*schemas, Direction.REQUEST, "the body")


def _of_responses(compare: SchemaChanges, old: Operation, new: Operation) -> Iterator[Changed]:
    had, has = old.get("responses", {}), new.get("responses", {})
    for status, response in had.items():
        answered = has.get(status, has.get(f"{status[:1]}XX"))
        if answered is not None:
            yield from _of_response(compare, status, *compare.resolved(response, answered))
        else:
            yield Changed(f"does not answer {status} any more", breaks=status.startswith("2"))
    for status in has:
        if status not in had:
            yield Changed(f"may answer {status}", breaks=False)


def _of_response(compare: SchemaChanges, status: str, old: Operation, new: Operation) -> Iterator[Changed]:
    for name in old.get("headers", {}):
        if name not in new.get("headers", {}):
            yield Changed(f"sends no {name} with {status} any more", breaks=status.startswith("2"))
    has = new.get("content", {})
    for kind, content in old.get("content", {}).items():
        if kind not in has:
            yield Changed(f"does not answer {status} as {kind} any more", breaks=True)
        else:
            schemas = content.get("schema", {}), has[kind].get("schema", {})
            yield from compare.of(*schemas, Direction.RESPONSE, f"the answer {status}")


def _of_security(before: _Side, after: _Side, old: Operation, new: Operation) -> Iterator[Changed]:
    """Tell of those who were let in and are not now: each old way in has to be one still."""
    ways = [_ways(side.document, each) for side, each in ((before, old), (after, new))]
    for way in ways[0]:
        if not any(each <= way for each in ways[1]):
            needs = " or ".join(", ".join(sorted(each)) for each in ways[1] if each) or "nothing"
            yield Changed(f"needs {needs}; {', '.join(sorted(way)) or 'nothing'} sufficed", breaks=True)


def _ways(document: Document, operation: Operation) -> list[frozenset[str]]:
    """Return each way in as what it takes: schemes, and schemes with a scope."""
    listed = operation.get("security", document.get("security", []))
    ways = [
        frozenset({*way, *(f"{scheme}:{scope}" for scheme, scopes in way.items() for scope in scopes)})
        for way in listed
    ]
    return ways or [frozenset()]
