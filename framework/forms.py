"""Forms: what a handler's ``form`` may be annotated with, and the files that come with one."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar, cast

from marshmallow import fields
from multidict import MultiDict

from framework.problem import Fault

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FormLimits:
    """Bounds of what one form may hold.

    Attributes:
        fields: The number of its fields, files included.
        files: The number of its files.
        field_bytes: The length of one text field, in bytes.
        parts: The number of parts of one that is sent as multipart/form-data.
        part_header_bytes: The headers of one part together, in bytes.
    """

    fields: int = 200
    files: int = 50
    field_bytes: int = 1024 * 1024
    parts: int = 50
    part_header_bytes: int = 8192


@dataclass(frozen=True, slots=True, eq=False)
class UploadedFile:
    """An upload in a temporary file, in memory while it is small, until the handler returns.

    Attributes:
        filename: The client's name for it, its last part only, without control characters and at most 200 bytes.
        content_type: What the client says it is; do not rely on it.
        size: Its length in bytes.
        file: The open temporary file, at its start.
    """

    filename: str
    content_type: str
    size: int
    file: BinaryIO

    async def read(self) -> bytes:
        """Return the whole content."""
        return await asyncio.to_thread(self._read)

    async def save(self, path: Path) -> None:
        """Write it to a path, which must not be there yet.

        Raises:
            FileExistsError: Something is there.
        """
        await asyncio.to_thread(self._save, path)

    def close(self) -> None:
        """Drop the temporary file."""
        self.file.close()

    def _read(self) -> bytes:
        self.file.seek(0)
        return self.file.read()

    def _save(self, path: Path) -> None:
        self.file.seek(0)
        with path.open("xb") as target:
            shutil.copyfileobj(self.file, cast(BinaryIO, target), 1 << 18)

    @classmethod
    def __marshmallow_field__(cls) -> fields.Field[UploadedFile]:
        return UploadedFileField()


class UploadedFileField(fields.Field[UploadedFile]):
    """A field that takes an `UploadedFile` as it is, and nothing else."""

    default_error_messages = {"invalid": "Not a file."}  # noqa: RUF012 - as marshmallow declares it

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> UploadedFile:
        if not isinstance(value, UploadedFile):
            raise self.make_error("invalid")
        return value


FormData = MultiDict["str | UploadedFile"]


@dataclass(frozen=True)  # with slots, Form[Draft](...) would be a TypeError on Python 3.11
class Form(Generic[T]):
    """The things that a form brought, valid or not; annotate a handler's ``form`` with ``Form[Draft]`` to get it.

    Attributes:
        value: The validated form; None when it is not valid.
        data: The texts as they were sent, for showing the form again.
        errors: Messages by field; under the empty name those of the form as a whole.
    """

    value: T | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def valid(self) -> bool:
        return self.value is not None and not self.errors

    def refused(self, name: str, message: str) -> Form[T]:
        """Return the form with one more message, such as «taken» beside an address."""
        errors = {**self.errors, name: (*self.errors.get(name, ()), message)}
        return replace(self, errors=errors)


def errors_by_field(faults: Iterable[Fault]) -> dict[str, tuple[str, ...]]:
    """Group faults by the first member of their pointer."""
    errors: dict[str, tuple[str, ...]] = {}
    for fault in faults:
        name = fault.pointer.removeprefix("/").split("/", 1)[0]
        errors[name] = (*errors.get(name, ()), fault.detail)
    return errors
