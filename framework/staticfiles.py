"""Static files from an index that is made at start-up: what is not in it is not there."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from aiohttp import web

from framework.endpoint import Endpoint, Options, read_endpoint
from framework.errors import ConfigurationError, NotFound
from framework.marks import public

_CACHE_CONTROL = "public, max-age=3600"


def static_endpoint(definition: web.StaticDef) -> Endpoint:
    """Return the endpoint that serves a folder: regular files only, no listings, no symbolic links, no dot files.

    Raises:
        ConfigurationError: The folder is not there.
    """
    root = Path(definition.path)
    if not root.is_dir():
        raise ConfigurationError(f"The static folder for {definition.prefix} is not there: {root}.")
    files = dict(_index(root))

    @public
    async def send(request: web.Request) -> web.StreamResponse:
        """Send a static file."""
        return _send(files, request.match_info["file"])

    path = f"{definition.prefix.rstrip('/')}/{{file:.+}}"
    return read_endpoint("GET", path, send, Options(name=definition.kwargs.get("name")))


def _index(root: Path) -> Iterator[tuple[str, Path]]:
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(folder, name)
            if not name.startswith(".") and path.is_file() and not path.is_symlink():
                yield path.relative_to(root).as_posix(), path


def _send(files: Mapping[str, Path], name: str) -> web.StreamResponse:
    path = files.get(name)
    if path is None:
        raise NotFound("file", name)
    content_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return web.FileResponse(path, headers={"Content-Type": content_type, "Cache-Control": _CACHE_CONTROL})
