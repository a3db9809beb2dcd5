"""Fields of our own: mappings whose faults point at the entry, and types that marshmallow has no field for."""

from __future__ import annotations

import binascii
import decimal
import inspect
import json
import re
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

from marshmallow import ValidationError, fields


class Table(fields.Dict):
    """A field of JSON objects of like values.

    marshmallow files an entry's messages under ``key`` and ``value``; here they stand at the entry itself, so
    that a fault's pointer leads to something that is in the document.
    """

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return super()._deserialize(value, attr, data, **kwargs)  # type: ignore[no-untyped-call]
        except ValidationError as error:
            if not isinstance(error.messages, dict):
                raise
            raise ValidationError(entry_messages(error.messages), valid_data=error.valid_data) from error

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        written = super()._serialize(value, attr, obj, **kwargs)  # type: ignore[no-untyped-call]
        return written if written is None else {key_text(key): each for key, each in written.items()}


def key_text(key: Any) -> str:
    """Return a key as the text that it is in JSON."""
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, decimal.Decimal):
        return format(key, "f")
    return key if type(key) is str else str(key)


class Row(fields.Tuple):
    """A named tuple: an array in JSON, whose last values may be left out if they have defaults; an object is read, too.

    Attributes:
        kind: The class.
        names: What it calls its values.
        needed: The names of those that have no default.
    """

    def __init__(self, kind: Any, named: Mapping[str, fields.Field[Any]], **options: Any) -> None:
        super().__init__([*named.values()], **options)
        self.kind = kind
        self.names = tuple(named)
        parameters = inspect.signature(kind).parameters
        self.needed = tuple(name for name in named if parameters[name].default is inspect.Parameter.empty)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, Mapping):
            pairs = self._named(value)
        elif isinstance(value, list | tuple):
            least, most = len(self.needed), len(self.names)
            if not least <= len(value) <= most:
                raise ValidationError(f"Length must be between {least} and {most}.")
            pairs = list(zip(self.names, value, strict=False))
        else:
            raise self.make_error("invalid")
        made, errors = {}, {}
        by_name = dict(zip(self.names, self.tuple_fields, strict=True))
        for position, (name, each) in enumerate(pairs):
            try:
                made[name] = by_name[name].deserialize(each, **kwargs)
            except ValidationError as error:
                errors[name if isinstance(value, Mapping) else position] = error.messages
        if errors:
            raise ValidationError(errors)
        return self.kind(**made)

    def _named(self, value: Mapping[str, Any]) -> list[tuple[str, Any]]:
        errors = {key: ["Unknown field."] for key in value if key not in self.names}
        errors |= {name: ["Missing data for required field."] for name in self.needed if name not in value}
        if errors:
            raise ValidationError(errors)
        return list(value.items())

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        if value is None:
            return None
        return [
            each._serialize(item, attr, obj, **kwargs)
            for each, item in zip(self.tuple_fields, value, strict=True)
        ]


class Members(fields.Field[Any]):
    """One of several values, or members of an Enum, by what JSON makes of it: as text, or where it is no scalar."""

    default_error_messages = {"unknown": "Must be one of: {choices}."}  # noqa: RUF012 - marshmallow's way

    def __init__(self, members: Iterable[Any], text: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.text = text
        values = [(each, each.value if isinstance(each, Enum) else each) for each in members]
        self.written = [(each, json.loads(json.dumps(value, default=str))) for each, value in values]

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        for member, written in self.written:
            if self.text and not isinstance(written, list | dict) and key_text(written) == value:
                return member
            if type(written) is type(value) and json.dumps(written) == json.dumps(value):
                return member
        raise self.make_error("unknown", choices=", ".join(str(written) for _, written in self.written))

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        for member, written in self.written:
            if type(member) is type(value) and member == value:
                return written
        if value is None:
            return None
        raise TypeError(f"a value of type {type(value).__qualname__} is none of the declared values")


class Flags(fields.Enum[Any]):
    """Flags, as the sum of their numbers."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        most = sum({member.value for member in self.enum if member.value.bit_count() == 1})
        number = self.field.deserialize(value, attr, data, **kwargs)
        if not 0 <= number <= most or number & ~most:
            raise ValidationError(f"Must be a sum of: {', '.join(str(each.value) for each in self.enum)}.")
        return self.enum(number)


def entry_messages(messages: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return the messages of a mapping field with those of each key or value at the entry itself."""
    return {key: found.get("key") or found["value"] for key, found in messages.items()}


class Spelt(fields.Field[Any]):
    """A value that stands in JSON as text; `read` and `write` are what a class of it has to say.

    Attributes:
        kind: The class of the values.
    """

    default_error_messages = {"invalid": "Not a valid value."}  # noqa: RUF012 - marshmallow's way

    def __init__(self, kind: type = object, **options: Any) -> None:
        super().__init__(**options)
        self.kind = kind

    def read(self, text: str) -> Any:
        """Return the value of a text.

        Raises:
            ValueError: The text is not one.
        """
        raise NotImplementedError

    def write(self, value: Any) -> str:
        """Return the text of a value."""
        return str(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        try:
            return self.read(value)
        except ValueError as error:
            raise self.make_error("invalid") from error

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else self.write(value)


class IPNetwork(Spelt):
    """A network of the Internet Protocol, such as ``10.0.0.0/8``; no bits of a host may be set."""

    default_error_messages = {"invalid": "Not a valid IP network."}  # noqa: RUF012 - marshmallow's way

    def read(self, text: str) -> Any:
        return self.kind(text)


class FilePath(Spelt):
    """A path in a file system; nothing is said of whether there is anything, or whether it may be reached."""

    default_error_messages = {"invalid": "Not a valid path."}  # noqa: RUF012 - marshmallow's way

    def read(self, text: str) -> Any:
        if not text or "\0" in text:
            raise ValueError("A path is not empty and has no NUL.")
        return self.kind(text)


class Base64(Spelt):
    """Bytes as Base64 with padding (RFC 4648, 4)."""

    default_error_messages = {"invalid": "Not valid Base64."}  # noqa: RUF012 - marshmallow's way

    def read(self, text: str) -> bytes:
        return binascii.a2b_base64(text.encode("ascii"), strict_mode=True)

    def write(self, value: Any) -> str:
        return binascii.b2a_base64(value, newline=False).decode("ascii")


class TimeZone(Spelt):
    """A time zone by its name in the IANA database, such as ``Europe/Paris``."""

    default_error_messages = {"invalid": "Not a known time zone."}  # noqa: RUF012 - marshmallow's way

    def read(self, text: str) -> ZoneInfo:
        if not _ZONE_NAME.fullmatch(text):
            raise ValueError("not a name of a time zone")
        try:
            return ZoneInfo(text)
        except (KeyError, OSError) as error:  # not there, or a folder of zones
            raise ValueError("no such time zone") from error

    def write(self, value: Any) -> str:
        return value.key if isinstance(value, ZoneInfo) and value.key else str(value)


_ZONE_NAME = re.compile(r"[A-Za-z0-9_+-]{1,40}(/[A-Za-z0-9_+-]{1,40}){0,3}")
