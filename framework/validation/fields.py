"""Fields of our own: mappings whose faults point at the entry, and types that marshmallow has no field for."""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
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
