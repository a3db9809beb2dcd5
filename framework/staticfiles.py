"""Static files from an index that is made at start-up: what is not in it is not there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote

from aiohttp import hdrs, web

from framework.binding.signatures import read_endpoint
from framework.endpoint import Endpoint, Mark, Options
from framework.errors import ConfigurationError, NotFound
from framework.files import SentFile, headers_for
from framework.http.accept import accepted_coding
from framework.marks import public, undocumented
from framework.paths import encoded

#: The codings of siblings, the smallest first.
_CODINGS = {"br": ".br", "zstd": ".zst", "gzip": ".gz"}
_FOR_AN_HOUR = "public, max-age=3600"
_FOR_EVER = "public, max-age=31536000, immutable"


class StaticFile(NamedTuple):
    """The place of a file, a version that changes with its content, and its compressed siblings by their coding."""

    path: Path
    version: str
    compressed: Mapping[str, Path] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class StaticFiles(Mark):
    """The promise that the endpoint sends these files, each under its path below a prefix."""

    prefix: str
    files: Mapping[str, StaticFile]

    def addresses(self) -> Iterator[tuple[str, str]]:
        """Yield each file's path with the address under which a browser may keep it for ever."""
        for name, file in self.files.items():
            yield name, f"{encoded(self.prefix)}/{quote(name)}?v={file.version}"


def static_endpoint(definition: web.StaticDef) -> Endpoint:
    """Return the endpoint that serves a folder: regular files only, no listings, no symbolic links, no dot files.

    Raises:
        ConfigurationError: The folder is not there, or an option is not kept.
    """
    ensure_kept(definition.prefix, definition.kwargs)
    root = Path(definition.path)
    if not root.is_dir():
        raise ConfigurationError(f"The static folder for {definition.prefix} is not there: {root}.")
    files = _with_siblings(dict(_index(root)))

    prefix = definition.prefix.rstrip("/")

    @StaticFiles(prefix, files)
    @undocumented
    @public
    async def send(request: web.Request) -> web.StreamResponse:
        """Send a static file."""
        accept = ",".join(request.headers.getall(hdrs.ACCEPT_ENCODING, ()))
        return _send(files, request.match_info["file"], request.query.get("v"), accept)

    return read_endpoint("GET", f"{prefix}/{{file:.+}}", send, Options(name=definition.kwargs.get("name")))


def ensure_kept(prefix: str, options: Mapping[str, Any], line: str = "") -> None:
    """Check that a static folder has no options but those that are kept.

    Args:
        line: ``file:line`` of whoever wrote them, for the message.

    Raises:
        ConfigurationError: One is not kept, or does not exist.
    """
    for option, value in options.items():
        if option == "name" or (option in _NEVER and value is False):
            continue
        raise ConfigurationError(
            f"{line and f'{line}: '}the static folder {prefix} has the option {option}={value!r}, which is not kept:"
            " there are no listings and no symbolic links, and addresses have versions anyway; only 'name' can be said."
        )


_NEVER = ("show_index", "follow_symlinks", "append_version")


def _index(root: Path) -> Iterator[tuple[str, StaticFile]]:
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(folder, name)
            if not name.startswith(".") and path.is_file() and not path.is_symlink():
                with path.open("rb") as content:
                    version = hashlib.file_digest(content, "sha256").hexdigest()[:12]
                yield path.relative_to(root).as_posix(), StaticFile(path, version)


def _with_siblings(files: Mapping[str, StaticFile]) -> Mapping[str, StaticFile]:
    """Tell each file of its siblings: ``site.css.br`` is ``site.css``, compressed."""
    found = {}
    for name, file in files.items():
        siblings = {coding: files.get(name + suffix) for coding, suffix in _CODINGS.items()}
        compressed = {coding: sibling.path for coding, sibling in siblings.items() if sibling is not None}
        found[name] = file._replace(compressed=compressed)
    return found


def _send(files: Mapping[str, StaticFile], name: str, version: str | None, accept: str) -> web.StreamResponse:
    file = files.get(name)
    if file is None:
        raise NotFound("file", name)
    cache_control = _FOR_EVER if version == file.version else _FOR_AN_HOUR
    headers = {**headers_for(name), hdrs.CACHE_CONTROL: cache_control}
    if not file.compressed:
        return SentFile(file.path, headers)
    headers[hdrs.VARY] = hdrs.ACCEPT_ENCODING
    coding = accepted_coding(accept, tuple(file.compressed))
    if coding is None:
        return SentFile(file.path, headers)
    # A sibling is a file of its own, and has its own ETag (RFC 9110, 8.8.3).
    return SentFile(file.compressed[coding], {**headers, hdrs.CONTENT_ENCODING: coding})
