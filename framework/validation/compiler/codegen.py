"""A writer of Python source: lines, indentation, fresh names and the objects that the lines speak of."""

from __future__ import annotations

import builtins
import linecache
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from marshmallow import missing

# Objects nested deeper than this are written as functions of their own: Python nests no more than 20 loops.
DEEPEST = 8


# PERF: bound as parameters, because Python finds a local variable faster than a built-in.
_OFTEN = ("type", "len", "str", "int", "float", "bool", "missing")


class Fallback(Exception):
    """Leave the decision to marshmallow: the fast path makes none of its own."""


class Source:
    """The functions of one module that is made in memory."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._functions: list[list[str]] = []
        self._lines: list[str] = []
        self._depth = 0
        self._count = 0
        self._namespace: dict[str, Any] = {"Fallback": Fallback, "missing": missing}
        self._names: dict[int, str] = {}

    def line(self, text: str) -> None:
        """Write one line at the present depth."""
        self._lines.append("    " * self._depth + text)

    def refuse_if(self, condition: str) -> None:
        """Write a check: where the condition holds, marshmallow decides."""
        self.line(f"if {condition}: raise Fallback")

    @contextmanager
    def block(self, header: str) -> Iterator[None]:
        """Write a compound statement; what is written within belongs to it."""
        self.line(header)
        self._depth += 1
        before = len(self._lines)
        yield
        if len(self._lines) == before:
            self.line("pass")
        self._depth -= 1

    @contextmanager
    def items_of(self, value: str) -> Iterator[str]:
        """Write a loop that makes a new list; what is written within changes the item whose variable it is given."""
        found, each = self.fresh("found"), self.fresh("each")
        self.line(f"{found} = []")
        with self.block(f"for {each} in {value}:"):
            yield each
            self.line(f"{found}.append({each})")
        self.line(f"{value} = {found}")

    @contextmanager
    def entries_of(self, value: str) -> Iterator[tuple[str, str]]:
        """Write a loop that makes a new dict, like `items_of`, given the variables of a key and its value."""
        found, key, each = self.fresh("found"), self.fresh("key"), self.fresh("each")
        self.line(f"{found} = {{}}")
        with self.block(f"for {key}, {each} in {value}.items():"):
            yield key, each
            self.line(f"{found}[{key}] = {each}")
        self.line(f"{value} = {found}")

    @contextmanager
    def parts_of(self, value: str, count: int) -> Iterator[list[str]]:
        """Write the making of a new tuple of so many parts, like `items_of`, given their variables."""
        parts = [self.fresh("part") for _ in range(count)]
        joined = "".join(f"{part}, " for part in parts)
        if parts:
            self.line(f"{joined}= {value}")
        yield parts
        self.line(f"{value} = ({joined})")

    @contextmanager
    def function(self, name: str, *parameters: str) -> Iterator[None]:
        """Write a function of its own, wherever the writer stands."""
        lines, depth = self._lines, self._depth
        self._lines, self._depth = [], 0
        with self.block("def"):
            yield
        words = set(re.findall(r"\w+", "\n".join(self._lines)))
        bound = [f"{each}={each}" for each in _OFTEN if each in words]
        self._lines[0] = f"def {name}({', '.join([*parameters, *bound])}):"
        self._functions.append(self._lines)
        self._lines, self._depth = lines, depth

    def fresh(self, stem: str) -> str:
        """Return a name that is not used yet."""
        self._count += 1
        word = re.sub(r"[^0-9A-Za-z]+", "_", stem).lstrip("_0123456789").rstrip("_")
        return f"{word or 'x'}_{self._count}"

    def constant(self, value: Any, stem: str) -> str:
        """Return the name that stands for an object."""
        name = value.__name__ if isinstance(value, type) else ""
        if name and vars(builtins).get(name) is value:
            return name
        if id(value) not in self._names:
            name = self.fresh(stem)
            # The namespace keeps the object alive, so that its id stays its own.
            self._namespace[name] = value
            self._names[id(value)] = name
        return self._names[id(value)]

    @property
    def text(self) -> str:
        """The source written so far."""
        return "\n\n\n".join("\n".join(lines) for lines in self._functions) + "\n"

    def build(self, name: str) -> Callable[..., Any]:
        """Compile the source and return the function of that name."""
        filename = f"<{self.title} {id(self):x}>"
        # A traceback through a generated function should show its lines.
        linecache.cache[filename] = (len(self.text), None, self.text.splitlines(keepends=True), filename)
        exec(compile(self.text, filename, "exec"), self._namespace)  # noqa: S102 - text of our own making
        function: Callable[..., Any] = self._namespace[name]
        return function
