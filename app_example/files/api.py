"""Files: a post's author attaches them, everybody downloads them."""

from __future__ import annotations

from uuid import UUID

from aiohttp import web

from app_example.files.schemas import FileView, Upload
from app_example.files.store import FileStore
from app_example.posts.store import PostStore
from app_example.settings import FileSettings
from framework import Principal, Result, RouteTableDef, authenticated, created, file, public

# What a form adds to the file in it: boundaries, and the names of field and file.
_FORM_BYTES = 16 * 1024


def file_routes(settings: FileSettings) -> RouteTableDef:
    """Return the routes; the largest body that they read is a setting."""
    routes = RouteTableDef(prefix="/api", tags=["files"])

    @routes.post("/posts/{post_id}/files", status=201, max_body=settings.max_bytes + _FORM_BYTES)
    @authenticated
    async def attach_file(
        post_id: UUID, form: Upload, principal: Principal, posts: PostStore, files: FileStore
    ) -> Result[FileView]:
        """Attach a file to a post of one's own."""
        post = await posts.get_own(post_id, principal)
        added = await files.add(post, form.file)
        return created(FileView.of(added), location=f"/api/files/{added.id}")

    @routes.get("/files/{file_id}")
    @public
    async def download_file(file_id: UUID, files: FileStore) -> web.FileResponse:
        """Download a file: always as a file, so that no browser runs what is in it."""
        found = await files.get(file_id)
        return file(files.path(found), filename=found.name, content_type=found.content_type)

    return routes
