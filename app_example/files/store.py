"""Files: what is known about them in the database, their contents in a folder.

A folder has no transactions. So a content is written before its row is committed, and goes if that fails; and it is
removed only after its row is gone for good. At worst a crash between the two leaves a content that no row names.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app_example.files.kinds import kind_of
from app_example.files.models import StoredFile
from app_example.posts.models import Post
from app_example.settings import FileSettings
from framework import (
    ContentTooLarge,
    Fault,
    NotFound,
    UnprocessableContent,
    UnsupportedMediaType,
    UploadedFile,
    raises,
)
from framework.batteries.database import on_commit, on_rollback

_UNDECLARED = "application/octet-stream"


class FileStore:
    """The files."""

    def __init__(self, session: AsyncSession, settings: FileSettings) -> None:
        self._session = session
        self._settings = settings

    @raises(ContentTooLarge, UnsupportedMediaType, UnprocessableContent)
    async def add(self, post: Post, upload: UploadedFile) -> StoredFile:
        """Keep an uploaded file.

        Raises:
            ContentTooLarge: It is larger than we take.
            UnsupportedMediaType: It is of another kind than we take, or than its sender says.
            UnprocessableContent: It is empty.
        """
        kind = await self._ensure_fit(upload)
        file = StoredFile(
            id=uuid4(), post_id=post.id, name=upload.filename, content_type=kind, size=upload.size
        )
        path = self.path(file)
        on_rollback(self._session, lambda: _remove([path]))
        await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        await upload.save(path)
        self._session.add(file)
        await self._session.flush()
        return file

    @raises(NotFound)
    async def get(self, file_id: UUID) -> StoredFile:
        """Return a file.

        Raises:
            NotFound: There is none with that id.
        """
        file = await self._session.get(StoredFile, file_id)
        if file is None or not self.path(file).is_file():
            raise NotFound("file", file_id)
        return file

    def path(self, file: StoredFile) -> Path:
        """Return where a file's content is; its name is ours, never the sender's."""
        return self._path(file.id)

    async def remove_all_of_post(self, post_id: UUID) -> None:
        """Remove the contents of a post's files, once the post itself is gone."""
        await self._remove_later(
            await self._session.scalars(select(StoredFile.id).filter_by(post_id=post_id))
        )

    async def remove_all_of_author(self, author_id: UUID) -> None:
        """Remove the contents of all files of a user, once the user is gone."""
        ids = select(StoredFile.id).join(Post).where(Post.author_id == author_id)
        await self._remove_later(await self._session.scalars(ids))

    async def _remove_later(self, ids: Iterable[UUID]) -> None:
        paths = [self._path(file_id) for file_id in ids]
        on_commit(self._session, lambda: _remove(paths))

    async def _ensure_fit(self, upload: UploadedFile) -> str:
        if upload.size > self._settings.max_bytes:
            raise ContentTooLarge(self._settings.max_bytes, "file")
        if not upload.size:
            raise UnprocessableContent([Fault("form", "/file", "The file is empty.")])
        kind = await asyncio.to_thread(kind_of, upload.file)
        declared = upload.content_type.partition(";")[0].strip().lower()
        if kind not in self._settings.types or declared not in {kind, _UNDECLARED}:
            raise UnsupportedMediaType(upload.content_type, sorted(self._settings.types))
        return kind

    def _path(self, file_id: UUID) -> Path:
        return self._settings.folder / str(file_id)


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
