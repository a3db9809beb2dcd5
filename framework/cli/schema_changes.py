"""What changed between two JSON schemas: a request's may take more and nothing less, a response's the reverse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from itertools import zip_longest
from typing import Any, NamedTuple

Schema = Mapping[str, Any]

_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_OTHERS = ("pattern", "format", "multipleOf", "uniqueItems", "not", "propertyNames", "dependentRequired")
_ANY = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})

_KINDS = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
    list: "array",
    dict: "object",
}


class Direction(Enum):
    """Who sends what a schema describes."""

    REQUEST = "taken"
    RESPONSE = "answered"


class Changed(NamedTuple):
    """A difference, and whether it breaks clients."""

    what: str
    breaks: bool


class SchemaChanges:
    """The comparison of schemas of two documents.

    Args:
        old: The document before.
        new: The document after.
    """

    def __init__(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self._old, self._new = old, new
        self._open: set[tuple[str, str, Direction]] = set()

    def resolved(self, old: Any, new: Any) -> tuple[Schema, Schema]:
        """Return two parts with what they refer to in their place; nothing for None."""
        return _resolved(self._old, old), _resolved(self._new, new)

    def parameters(
        self, old: Schema, new: Schema
    ) -> tuple[dict[tuple[str, str], Any], dict[tuple[str, str], Any]]:
        """Return the parameters of two operations by their places and names; those of a path by their positions."""
        return _parameters(self._old, old), _parameters(self._new, new)

    def of(self, old: Schema, new: Schema, direction: Direction, place: str) -> Iterator[Changed]:
        """Yield what changed between two schemas.

        Args:
            direction: Who sends it.
            place: What it is, for the message.
        """
        key = _name_of(old), _name_of(new), direction
        if key in self._open:  # it speaks of itself
            return
        self._open.add(key)
        try:
            before, after = self.resolved(old, new)
            yield from self._of(_flat(before, self._old), _flat(after, self._new), direction, place)
        finally:
            self._open.discard(key)

    def _of(self, old: Schema, new: Schema, direction: Direction, place: str) -> Iterator[Changed]:
        if "anyOf" in old or "anyOf" in new:
            yield from self._of_members(old, new, direction, place)
            if not ("anyOf" in old and "anyOf" in new):
                return
        # What was possible before, and is possible now; in a response it is what is possible now that counts.
        wide, narrow = (old, new) if direction is Direction.REQUEST else (new, old)
        yield from _of_types(wide, narrow, direction, place)
        yield from _of_values(wide, narrow, direction, place)
        yield from _of_bounds(wide, narrow, direction, place)
        yield from self._of_properties(old, new, direction, place)
        for name, inner in (("items", "an item of"), ("additionalProperties", "a value of")):
            before, after = old.get(name, True), new.get(name, True)
            if False not in (before, after):
                yield from self.of(before, after, direction, f"{inner} {place}")
        had, has = old.get("prefixItems", ()), new.get("prefixItems", ())
        rows = zip(had, has, strict=False) if had and has else zip_longest(had, has, fillvalue=True)
        for index, (before, after) in enumerate(rows):
            yield from self.of(before, after, direction, f"item {index} of {place}")

    def _of_members(self, old: Schema, new: Schema, direction: Direction, place: str) -> Iterator[Changed]:
        """Compare unions: what was taken is taken still, and what is answered was answered before."""
        before, after = old.get("anyOf", [old]), new.get("anyOf", [new])
        if direction is Direction.REQUEST:
            lost = [each for each in before if not any(self._fits(each, other, direction) for other in after)]
        else:
            lost = [each for each in after if not any(self._fits(other, each, direction) for other in before)]
        for each in lost:
            yield Changed(f"{place}: {_named(each)} is {_word(direction)}", breaks=True)

    def _is_closed(self, old: Any, new: Any, name: str) -> bool:
        before, after = self.resolved(old, new)
        return bool(after.get(name)) and not before.get(name)

    def _fits(self, old: Schema, new: Schema, direction: Direction) -> bool:
        return not any(each.breaks for each in self.of(old, new, direction, ""))

    def _of_properties(self, old: Schema, new: Schema, direction: Direction, place: str) -> Iterator[Changed]:
        before, after = old.get("properties", {}), new.get("properties", {})
        had, has = set(old.get("required", ())), set(new.get("required", ()))
        is_request = direction is Direction.REQUEST
        for name, each in before.items():
            if name in after:
                yield from self.of(each, after[name], direction, f"'{name}' in {place}")
                if self._is_closed(each, after[name], "readOnly" if is_request else "writeOnly"):
                    yield Changed(f"'{name}' in {place} is {direction.value} no more", breaks=True)
            else:
                is_refused = new.get("additionalProperties") is False
                yield Changed(f"'{name}' in {place} is gone", breaks=is_refused if is_request else True)
        for name in sorted(has - had) if is_request else sorted((had - has) & {*after}):
            yield Changed(
                f"'{name}' in {place} is {'required now' if is_request else 'not always there'}", breaks=True
            )
        for name in sorted({*after} - {*before} - (has if is_request else set())):
            yield Changed(f"'{name}' in {place} is new", breaks=False)
        if (
            is_request
            and new.get("additionalProperties") is False
            and old.get("additionalProperties") is not False
        ):
            yield Changed(f"{place} takes no other properties any more", breaks=bool(before or after))


def _name_of(schema: Any) -> str:
    return str(schema["$ref"]) if isinstance(schema, Mapping) and "$ref" in schema else str(id(schema))


def _word(direction: Direction) -> str:
    return "not taken any more" if direction is Direction.REQUEST else "new, and clients do not know it"


def _of_types(wide: Schema, narrow: Schema, direction: Direction, place: str) -> Iterator[Changed]:
    lost = sorted(each for each in _types(wide) if each not in _types(narrow))
    if "integer" in lost and "number" in _types(narrow):
        lost.remove("integer")
    if lost:
        yield Changed(f"{place}: {', '.join(lost)} is {_word(direction)}", breaks=True)


def _types(schema: Schema) -> frozenset[str]:
    kinds = schema.get("type", [] if schema.get("enum") == [] else _ANY)
    return frozenset([kinds] if isinstance(kinds, str) else kinds)


def _of_values(wide: Schema, narrow: Schema, direction: Direction, place: str) -> Iterator[Changed]:
    before, after = _enum(wide), _enum(narrow)
    if after is not None:
        lost = ["any other value"] if before is None else [repr(each) for each in before if each not in after]
        if lost:
            yield Changed(f"{place}: {', '.join(lost)} is {_word(direction)}", breaks=True)
    for name in _OTHERS:
        if name in narrow and narrow[name] != wide.get(name):
            is_request = direction is Direction.REQUEST
            was, now = (wide.get(name), narrow[name]) if is_request else (narrow[name], wide.get(name))
            yield Changed(f"{place}: its {name} is {now or 'none'}, was {was or 'none'}", breaks=True)


def _enum(schema: Schema) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    values: list[Any] | None = schema.get("enum")
    return values


def _of_bounds(wide: Schema, narrow: Schema, direction: Direction, place: str) -> Iterator[Changed]:
    for name in (*_LOWER, *_UPPER):
        most, least = wide.get(name), narrow.get(name)
        if least is None:
            continue
        is_tighter = most is None or (least > most if name in _LOWER else least < most)
        if is_tighter:
            was, now = (most, least) if direction is Direction.REQUEST else (least, most)
            shown = "none" if now is None else now
            yield Changed(
                f"{place}: its {name} is {shown}, was {'none' if was is None else was}", breaks=True
            )


def _named(schema: Schema) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    return str(schema.get("const", schema.get("type", "a kind of value")))


def _resolved(document: Mapping[str, Any], part: Any) -> Schema:
    seen = 0
    while isinstance(part, Mapping) and "$ref" in part and seen < 100:
        beside = {name: value for name, value in part.items() if name != "$ref"}
        found: Any = document
        for each in str(part["$ref"]).removeprefix("#/").split("/"):
            found = (
                found.get(each.replace("~1", "/").replace("~0", "~"), {})
                if isinstance(found, Mapping)
                else {}
            )
        part, seen = ({**found, **beside} if isinstance(found, Mapping) else {}), seen + 1
    if part is False:  # nothing fits
        return {"enum": []}
    return part if isinstance(part, Mapping) else {}


def _flat(schema: Schema, document: Mapping[str, Any]) -> Schema:
    """Return a schema with the parts of ``allOf`` in one, and ``oneOf`` as ``anyOf``."""
    made: dict[str, Any] = {name: value for name, value in schema.items() if name not in ("allOf", "oneOf")}
    if "oneOf" in schema:
        made["anyOf"] = schema["oneOf"]
    for part in schema.get("allOf", ()):
        each = _flat(_resolved(document, part), document)
        properties = {**made.get("properties", {}), **each.get("properties", {})}
        required = [*made.get("required", ()), *each.get("required", ())]
        made = {**made, **each}
        if properties:
            made["properties"] = properties
        if required:
            made["required"] = required
    return _plain(made)


def _plain(schema: dict[str, Any]) -> Schema:
    """Return a schema in the one of several spellings that is compared."""
    kinds = schema.get("type")
    if kinds is None and ("enum" in schema or "const" in schema):
        found = {_KINDS[type(value)] for value in _enum(schema) or ()}
        kinds = next(iter(found)) if len(found) == 1 else None
        schema = {**schema, "type": kinds} if kinds else schema
    if isinstance(kinds, list) and len(kinds) > 1 and "anyOf" not in schema:
        rest = {name: value for name, value in schema.items() if name != "type"}
        return {"anyOf": [{"type": each} if each == "null" else {"type": each, **rest} for each in kinds]}
    for name, inner, step in (("exclusiveMinimum", "minimum", 1), ("exclusiveMaximum", "maximum", -1)):
        if kinds == "integer" and isinstance(schema.get(name), int):
            schema = {
                inner: schema[name] + step,
                **{key: value for key, value in schema.items() if key != name},
            }
    return schema


def _parameters(document: Mapping[str, Any], operation: Schema) -> dict[tuple[str, str], Any]:
    found: dict[tuple[str, str], Any] = {}
    for each in operation.get("parameters", ()):
        parameter = _resolved(document, each)
        place, name = str(parameter.get("in")), str(parameter.get("name"))
        if place == "path":
            name = f"number {sum(other == 'path' for other, _ in found) + 1}"
        elif place == "header":
            name = name.lower()
        found[place, name] = parameter
    return found
