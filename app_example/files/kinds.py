"""What a file is, by what is in it: a name and a header say whatever their sender likes."""

from __future__ import annotations

import codecs
from typing import BinaryIO

_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"%PDF-": "application/pdf",
}
_CHUNK_BYTES = 256 * 1024
_CONTROLS = frozenset(range(32)) - frozenset(b"\t\n\r\f")


def kind_of(file: BinaryIO) -> str | None:
    """Return the media type of a file's content; None if it is none of those that we know."""
    file.seek(0)
    head = file.read(16)
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return "text/plain" if _is_text(file) else None


def _is_text(file: BinaryIO) -> bool:
    """Tell whether a file is UTF-8 without control characters, all of it."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    file.seek(0)
    try:
        while chunk := file.read(_CHUNK_BYTES):
            decoder.decode(chunk)
            if not _CONTROLS.isdisjoint(chunk):
                return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
