"""Python's types for JSON Schemas: classes for objects, annotations for the rest."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

_PLAIN = {"integer": "int", "number": "float", "boolean": "bool", "string": "str", "null": "None"}
_FORMATS = {
    "uuid": "UUID",
    "date-time": "datetime",
    "date": "date",
    "time": "time",
    "decimal": "Decimal",
    "byte": "bytes",
    "base64": "bytes",
}
_RESERVED = frozenset({"Any", "UUID", "Decimal", "Literal", "Client", "Call", "Upload", "TypedClient", "URL"})


_TAKEN = frozenset({"self", "body"})


def class_name(text: str) -> str:
    """Return a name for a class."""
    words = re.sub(r"[^0-9A-Za-z_]", "_", text)
    name = words if words[:1].isalpha() else f"T{words}"
    return f"{name}_" if keyword.iskeyword(name) or name in _RESERVED else name


def name_of(text: str) -> str:
    """Return a name for a parameter or a method."""
    name = re.sub(r"[^0-9A-Za-z]", "_", text).strip("_") or "value"
    name = name.lower() if "-" in text else name
    name = f"v{name}" if name[0].isdigit() else name
    return f"{name}_" if keyword.iskeyword(name) or name in _TAKEN else name


class Types:
    """The types of one document; objects without a name of their own get one by where they stand."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._schemas = schemas
        self.classes: dict[str, str] = {}
        self.aliases: list[str] = []

    def add_all(self, names: list[str]) -> None:
        """Write the classes of named schemas."""
        for name in names:
            schema = self._schemas[name]
            if "properties" in schema:
                self._write(class_name(name), schema)
            else:
                self.aliases.append(class_name(name))
                self.classes[class_name(name)] = self.of(schema, name)

    def of(self, schema: Schema, place: str) -> str:
        """Return the annotation of a schema."""
        if "$ref" in schema:
            return class_name(schema["$ref"].rpartition("/")[2])
        if "const" in schema:
            return f"Literal[{schema['const']!r}]"
        if "enum" in schema:
            return self._literals(schema["enum"])
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return self._union(schema[key], place)
        if "allOf" in schema:
            return self.of(schema["allOf"][0], place) if len(schema["allOf"]) == 1 else "dict[str, Any]"
        kinds = schema.get("type", ())
        if isinstance(kinds, list):
            members = [self.of({**schema, "type": kind}, place) for kind in kinds]
            return " | ".join(dict.fromkeys(members))
        return self._single(kinds, schema, place)

    def _single(self, kind: Any, schema: Schema, place: str) -> str:
        if kind == "array":
            rows = schema.get("prefixItems")
            if rows:
                return f"tuple[{', '.join(self.of(each, place) for each in rows)}]"
            return f"list[{self.of(schema.get('items', {}), f'{place}_item')}]"
        if kind == "object" or "properties" in schema:
            return self._object(schema, place)
        if kind == "string":
            encoded = "bytes" if schema.get("contentEncoding") == "base64" else "str"
            return _FORMATS.get(schema.get("format", ""), encoded)
        return _PLAIN.get(str(kind), "Any")

    def _object(self, schema: Schema, place: str) -> str:
        if "properties" in schema:
            name = class_name(place)
            self._write(name, schema)
            return name
        values = schema.get("additionalProperties")
        return f"dict[str, {self.of(values, f'{place}_value') if isinstance(values, Mapping) else 'Any'}]"

    def _union(self, members: list[Schema], place: str) -> str:
        found = [self.of(each, f"{place}{number}") for number, each in enumerate(members, 1)]
        return " | ".join(dict.fromkeys(found))

    def _literals(self, values: list[Any]) -> str:
        said = [repr(each) for each in values if each is not None]
        literal = f"Literal[{', '.join(said)}]" if said else ""
        return " | ".join([*([literal] if literal else []), *(["None"] if None in values else [])])

    def _write(self, name: str, schema: Schema) -> None:
        if name in self.classes:
            return
        self.classes[name] = ""  # its place, and the end of a type that holds itself
        properties, required = schema.get("properties", {}), set(schema.get("required", ()))
        fields = {key: self.of(each, f"{name}_{key}") for key, each in properties.items()}
        is_plain = all(key.isidentifier() and not keyword.iskeyword(key) for key in fields)
        defaults = {
            key: each["default"]
            for key, each in properties.items()
            if "default" in each and key not in required
        }
        head = (schema.get("description") or f"{name} of the service").strip().partition("\n")[0]
        doc = f'    """{head.rstrip(".")}."""'.replace("\\", "")
        if (
            is_plain
            and fields
            and all(key in required or _is_scalar(defaults.get(key, [])) for key in fields)
        ):
            lines = [
                f"    {key}: {kind}" + (f" = {defaults[key]!r}" if key in defaults else "")
                for key, kind in fields.items()
            ]
            top = '@conventions(names="snake", unknown="ignore")\n@dataclass(frozen=True, slots=True, kw_only=True)'
            self.classes[name] = "\n".join([f"{top}\nclass {name}:", doc, "", *lines])
        else:
            self.classes[name] = self._typed_dict(name, fields, required, doc, is_plain=is_plain)

    @staticmethod
    def _typed_dict(
        name: str, fields: dict[str, str], required: set[str], doc: str, *, is_plain: bool
    ) -> str:
        """Return a class whose members may be missing: None would be another thing."""
        kinds = {key: kind if key in required else f"NotRequired[{kind}]" for key, kind in fields.items()}
        if is_plain:
            top = f'@conventions(names="snake", unknown="ignore")\nclass {name}(TypedDict):'
            return "\n".join([top, doc, "", *(f"    {key}: {kind}" for key, kind in kinds.items())])
        members = ", ".join(f"{key!r}: {kind!r}" for key, kind in kinds.items())
        made = f"{name} = TypedDict({name!r}, {{{members}}})"
        return f'{made}\nconventions(names="snake", unknown="ignore")({name})'


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool)
