"""What goes in and out about files."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from app_example.files.models import StoredFile
from framework import UploadedFile


@dataclass(frozen=True, slots=True)
class Upload:
    """Attach a file: a multipart form with the one field ``file``."""

    file: UploadedFile


@dataclass(frozen=True, slots=True)
class FileView:
    """What is known about a file, and where it is."""

    id: UUID
    name: str
    content_type: str
    size: int
    url: str

    @classmethod
    def of(cls, file: StoredFile) -> FileView:
        """Show a file."""
        return cls(file.id, file.name, file.content_type, file.size, f"/api/files/{file.id}")
