"""A method for each operation of a document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from framework.cli.clients.types import Types, class_name, name_of

_FILE = "Upload"
_KEY = "Idempotency-Key"
_LINE = 110
_PLACES = {"path": "at", "query": "query", "header": "headers", "cookie": ""}


class Operation:
    """One operation, written as a method."""

    def __init__(self, method: str, path: str, described: Mapping[str, Any], types: Types) -> None:
        self._method, self._path, self._described, self._types = method, path, described, types
        self.name = name_of(described.get("operationId") or f"{method}_{path}")
        self._place = class_name("".join(word.capitalize() for word in self.name.split("_")))
        self._positional: list[str] = []
        self._named: list[str] = []
        self._sent: dict[str, list[str]] = {}
        for each in described.get("parameters", ()):
            self._parameter(each)
        self._body = self._read_body()
        self.returns, self.is_stream = self._read_answer()

    def lines(self) -> Iterator[str]:
        """Yield the lines of the method, and of the one that goes through all pages."""
        signature = ", ".join(["self", *self._positional, *(["*", *self._named] if self._named else [])])
        call = self._call()
        summary = str(self._described.get("summary") or self.name).strip().rstrip(".").replace('"""', "'''")
        doc = f'        """{summary}."""'
        if self.is_stream:
            yield f"    def {self.name}({signature}) -> AbstractAsyncContextManager[ClientResponse]:"
            yield from (doc, f"        return self.open({call})")
            return
        yield from _wrapped(f"    async def {self.name}(", signature, f") -> {self.returns or 'None'}:")
        yield doc
        if self.returns is None:
            yield f"        await self.send({call})"
        else:
            yield f"        answer: {self.returns} = await self.send("
            yield f"            {call},"
            yield f"            {self.returns},"
            yield "        )"
            yield "        return answer"

    def page_lines(self, item: str) -> Iterator[str]:
        """Yield the lines of the method that goes through all pages."""
        named = [each for each in self._named if not each.startswith("cursor:")]
        signature = ", ".join(["self", *self._positional, *(["*", *named] if named else [])])
        given = [each.partition(":")[0] for each in self._positional]
        given += [f"{each.partition(':')[0]}={each.partition(':')[0]}" for each in named]
        yield from _wrapped(f"    async def each_of_{self.name}(", signature, f") -> AsyncIterator[{item}]:")
        yield '        """Go through all pages, one item after the other."""'
        yield "        cursor: str | None = None"
        yield "        while True:"
        yield f"            page = await self.{self.name}({', '.join([*given, 'cursor=cursor'])})"
        yield "            for item in page.items:"
        yield "                yield item"
        yield "            cursor = page.next"
        yield "            if cursor is None:"
        yield "                return"

    @property
    def takes_cursor(self) -> bool:
        return any(each.startswith("cursor:") for each in self._named)

    def _parameter(self, described: Mapping[str, Any]) -> None:
        place, name = _PLACES[described["in"]], name_of(described["name"])
        if not place:
            return  # cookies are the browser's
        kind = self._types.of(described.get("schema", {}), f"{self._place}_{name}")
        if described["in"] == "path":
            self._positional.append(f"{name}: {kind}")
        elif described.get("required"):
            self._named.append(f"{name}: {kind}")
        else:
            self._named.append(f"{name}: {kind if kind.endswith('None') else f'{kind} | None'} = None")
        # A key of its own for each call makes it safe to be sent again.
        value = f"{name} or uuid4().hex" if described["name"] == _KEY else name
        self._sent.setdefault(place, []).append(f"{described['name']!r}: {value}")

    def _read_body(self) -> str:
        content = (self._described.get("requestBody") or {}).get("content", {})
        for media_type, described in content.items():
            schema = described.get("schema", {})
            if media_type == "application/json":
                kind = self._types.of(schema, f"{self._place}Body")
                self._positional.append(f"body: {kind}")
                return f"body=({kind}, body)"
            if media_type == "multipart/form-data":
                return self._form(schema)
        return ""

    def _form(self, schema: Mapping[str, Any]) -> str:
        required, fields = schema.get("required", ()), []
        for key, each in schema.get("properties", {}).items():
            kind = self._field(each, key)
            if key in required:
                self._positional.append(f"{name_of(key)}: {kind}")
            else:
                self._named.append(f"{name_of(key)}: {kind} | None = None")
            fields.append(f"{key!r}: {name_of(key)}")
        return f"form={{{', '.join(fields)}}}"

    def _field(self, schema: Mapping[str, Any], key: str) -> str:
        if schema.get("format") == "binary":
            return _FILE
        if schema.get("items", {}).get("format") == "binary":
            return f"list[{_FILE}]"
        return self._types.of(schema, f"{self._place}_{key}")

    def _read_answer(self) -> tuple[str | None, bool]:
        successes = sorted(code for code in self._described["responses"] if code.startswith("2"))
        found: list[str] = []
        for code in successes:
            for media_type, described in self._described["responses"][code].get("content", {}).items():
                if media_type != "application/json":
                    return None, True
                kind = self._types.of(described.get("schema", {}), f"{self._place}Answer")
                if kind not in found:
                    found.append(kind)
        is_maybe_empty = any(not self._described["responses"][code].get("content") for code in successes)
        if found and is_maybe_empty and not found[0].endswith("None"):
            found.append("None")
        return " | ".join(found) or None, False

    def _call(self) -> str:
        parts = [f"method={self._method.upper()!r}", f"path={self._path!r}"]
        parts += [f"{place}={{{', '.join(values)}}}" for place, values in self._sent.items()]
        return f"Call({', '.join([*parts, *([self._body] if self._body else [])])})"


def _wrapped(head: str, inner: str, tail: str) -> Iterator[str]:
    """Yield a line, or three where it would be long."""
    line = f"{head}{inner}{tail}"
    if len(line) <= _LINE:
        yield line
    else:
        yield from (head, f"        {inner}", f"    {tail}")
