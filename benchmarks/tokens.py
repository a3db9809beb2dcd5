"""JSON Web Tokens for the orders work, signed with HS256 (RFC 7515, RFC 7519)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

from benchmarks.data import AUDIENCE, ISSUER, SECRET
from framework.batteries.auth.keys import key_from_secret
from framework.secrets import Secret


@dataclass(frozen=True)
class Signer:
    """The key that a server's tokens are signed with, and its name in their header."""

    key: bytes
    key_id: str | None = None

    def token(self, subject: str = "caller-1", **changed: Any) -> str:
        """Sign a token that lasts for a day; `changed` replaces claims, and None takes one away."""
        header = {"alg": "HS256", "typ": "at+jwt", "kid": self.key_id}
        signed = f"{_encoded(header)}.{_encoded({**_claims(subject), **changed})}"
        digest = hmac.new(self.key, signed.encode(), hashlib.sha256).digest()
        return f"{signed}.{_base64url(digest)}"


def _claims(subject: str) -> dict[str, Any]:
    now = int(time.time())
    known = {"sub": subject, "jti": uuid.uuid4().hex, "iss": ISSUER, "aud": AUDIENCE}
    return {**known, "iat": now, "exp": now + 86400}


def _encoded(value: dict[str, Any]) -> str:
    present = {name: found for name, found in value.items() if found is not None}
    return _base64url(json.dumps(present, separators=(",", ":")).encode())


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def own_signer() -> Signer:
    """Return the signer for this project's service, which derives a key of its own for each kind of token."""
    key = key_from_secret(Secret(SECRET), "HS256", "access")
    return Signer(key.public, key.id)


PEERS = Signer(SECRET.encode())
STRANGER = b"another-key-that-is-longer-than-32-bytes-too"
