"""A file that came with a form."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from marshmallow import fields


@dataclass(frozen=True, slots=True, eq=False)
class UploadedFile:
    """Hold an upload in a temporary file, in memory while it is small, until the handler returns.

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
    """Take an `UploadedFile` as it is, and nothing else."""

    default_error_messages = {"invalid": "Not a file."}  # noqa: RUF012 - as marshmallow declares it

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> UploadedFile:
        if not isinstance(value, UploadedFile):
            raise self.make_error("invalid")
        return value
