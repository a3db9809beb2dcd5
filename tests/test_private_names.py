"""Whether private names of other libraries are found wherever they are touched."""

from __future__ import annotations

import pytest

from tests.private_names import uses_in

# It checks the types of a program, as mypy does.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("types")]

KINDS = {
    "an attribute": ("def f(r: web.Request) -> object:\n    return r._state", "_state"),
    "an attribute of a union": (
        "def f(r: web.Request | None) -> object:\n    return r and r._state",
        "_state",
    ),
    "an attribute that is set": ("def f(r: web.Response) -> None:\n    r._body = b''", "_body"),
    "an attribute of what has no type": ("def f(r: Any) -> object:\n    return r._theirs", "_theirs"),
    "an attribute of a class": ("F = web.Request._finish", "_finish"),
    "an import": ("from aiohttp.http_writer import _serialize_headers", "_serialize_headers"),
    "a module": ("import aiohttp._websocket", "_websocket"),
    "a member that a class replaces": (
        "class S(Session):\n    def __init__(self) -> None:\n        self._mapping = {}",
        "_mapping",
    ),
    "a name in a text": ("def f(r: web.Request) -> object:\n    return getattr(r, '_state')", "_state"),
    "a member of the class above": (
        "class R(web.Request):\n    def f(self) -> object:\n        return super()._finish",
        "_finish",
    ),
}


HEAD = """
from __future__ import annotations
from typing import Any
from aiohttp import web
from aiohttp_session import Session
"""
OF_ONES_OWN = """
class Mine:
    def __init__(self) -> None:
        self._own = 1

def of_mine(mine: Mine, anything: Any) -> object:
    return mine._own, anything._own, web.Request.__name__
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str]]:
    """Return each kind with the names that were found in it."""
    path = tmp_path_factory.mktemp("code") / "tests.py"  # a name of ours: what it declares is its own
    parts, first_lines = [HEAD, OF_ONES_OWN], {}
    for kind, (code, _) in KINDS.items():
        first_lines["".join(parts).count("\n") + 1] = kind
        parts.append(f"{code.replace('f(r', f'f{len(parts)}(r')}\n")
    path.write_text("".join(parts))
    return {
        (first_lines.get(max((line for line in first_lines if line <= use.line), default=0), ""), use.name)
        for use in uses_in(path)
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_private_name_of_another_library_is_found(kind: str, found: set[tuple[str, str]]) -> None:
    _, name = KINDS[kind]

    assert (kind, name) in found


def test_nothing_else_is_found(found: set[tuple[str, str]]) -> None:
    assert found == {(kind, name) for kind, (_, name) in KINDS.items()}
