"""Base64 for addresses and tokens (RFC 4648, section 5)."""

from __future__ import annotations

import base64
import binascii

# The two letters that differ; the standard alphabet's own become letters of neither.
_STANDARD = bytes.maketrans(b"-_+/", b"+/--")


def encode(data: bytes) -> str:
    """Return the text for some bytes, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Return the bytes that a text stands for; its padding may be left out.

    NOTE: the functions of the standard library took ``+`` and ``/`` as well before Python 3.15, which warns of them.

    Raises:
        ValueError: The text has other letters than base64url, or such a length as no bytes have.
    """
    letters = text.encode("ascii").translate(_STANDARD)
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4), strict_mode=True)
