"""Keys that know their algorithm, so that no token can choose one (RFC 8725, 3.1)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from framework.batteries.auth.key_pairs import (
    Method,
    method_of,
    private_bytes,
    public_bytes,
    public_from_text,
    read_pair,
)
from framework.errors import ConfigurationError
from framework.secrets import Secret, derived_key

_SHORTEST_SECRET_BYTES = 32
_HMAC_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}


class ShortSecret(ConfigurationError):
    """A shared secret that is too short to sign with."""


class Hmac(NamedTuple):
    """The signatures of a shared secret (RFC 7518, 3.2), compared in constant time."""

    digest: str

    def sign(self, msg: bytes, key: bytes) -> bytes:
        """Return the signature of a message."""
        return hmac.digest(key, msg, self.digest)

    def verify(self, msg: bytes, key: bytes, sig: bytes) -> bool:
        """Tell whether a signature is that of the message."""
        return hmac.compare_digest(sig, hmac.digest(key, msg, self.digest))


@dataclass(frozen=True, slots=True)
class Key:
    """One key together with its id and its only algorithm.

    Attributes:
        id: The ``kid`` of its tokens; made from the key, and says nothing about it.
        algorithm: Its name in RFC 7518.
        public: What verifies.
        private: What signs; None for a key of somebody else.
    """

    id: str
    algorithm: str
    method: Method = field(repr=False)
    public: Any = field(repr=False)
    private: Any = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """Return the signature.

        Raises:
            ConfigurationError: It is a public key.
        """
        if self.private is None:
            raise ConfigurationError(
                "The newest key is a public one: it verifies tokens and cannot issue any."
            )
        return self.method.sign(message, self.private)

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Tell whether the signature is this key's, in constant time for HMAC."""
        return self.method.verify(message, self.public, signature)


class KeySet:
    """Keys, newest first; the newest one signs."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self.keys = tuple(keys)
        self._by_id = {key.id: key for key in self.keys}
        if not self.keys:
            raise ConfigurationError("There is no key to sign or verify tokens with.")
        if len(self._by_id) < len(self.keys):
            raise ConfigurationError("A key is listed twice.")

    @property
    def newest(self) -> Key:
        """Return the key that signs."""
        return self.keys[0]

    def find(self, key_id: object) -> Key | None:
        """Return the key of this id, if it is one of these; nothing is ever fetched or read to find one."""
        return self._by_id.get(key_id) if isinstance(key_id, str) else None


def key_from_secret(secret: Secret, algorithm: str, purpose: str) -> Key:
    """Return the key for one kind of token.

    Shared secrets are not used as they are: each purpose gets a key of its own (HKDF, RFC 5869), so that a
    token of one kind cannot pass for another, whatever its claims are (RFC 8725, 3.12).

    Raises:
        ConfigurationError: The text is no key for this algorithm, or a weak one.
    """
    if algorithm in _HMAC_BYTES:
        return _shared_key(_ensure_secret(secret.reveal()), algorithm, purpose)
    return _key_pair(secret.reveal(), algorithm)


def refresh_key_from_secret(secret: Secret, algorithm: str) -> Key | None:
    """Return the key for refresh tokens, which is a derived one: only this service reads them.

    It is None where only a public key is known.
    """
    if algorithm in _HMAC_BYTES:
        return key_from_secret(secret, algorithm, "refresh")
    private, _ = read_pair(secret.reveal(), algorithm)
    return None if private is None else _shared_key(private_bytes(private), "HS256", "refresh")


def trusted_key(secret: Secret, algorithm: str) -> Key:
    """Return the key of another issuer, as it is: a shared secret, or a public key in PEM or as a JSON Web Key.

    Raises:
        ConfigurationError: The text is no key for this algorithm, a weak one, or one that only its owner may have.
    """
    text = secret.reveal()
    if algorithm in _HMAC_BYTES:
        material = _ensure_secret(text, _HMAC_BYTES[algorithm])
        return Key("", algorithm, Hmac(f"sha{algorithm[2:]}"), material, None)
    if "PRIVATE KEY-----" in text:
        raise ConfigurationError(
            "The key of another issuer is its public one; only the issuer has the private one."
        )
    public = (
        public_from_text(text, algorithm) if text.lstrip().startswith("{") else read_pair(text, algorithm)[1]
    )
    return Key("", algorithm, method_of(algorithm), public, None)


def _ensure_secret(text: str, shortest_bytes: int = _SHORTEST_SECRET_BYTES) -> bytes:
    if text.lstrip().startswith(("-----BEGIN", "ssh-", "ecdsa-", "{", "[")):
        # A public key is known to everybody: as a shared secret it would let everybody sign (CVE-2022-29217).
        raise ConfigurationError(
            "A PEM, SSH or JSON Web Key is no shared secret: choose its algorithm, such as RS256."
        )
    secret = text.encode()
    if len(secret) < shortest_bytes:
        raise ShortSecret(f"A shared secret has at least {shortest_bytes} bytes (RFC 7518, 3.2).")
    return secret


def _shared_key(secret: bytes, algorithm: str, purpose: str) -> Key:
    info = f"framework.auth/{algorithm}/{purpose}"
    derived = derived_key(secret, info=info, length=_HMAC_BYTES[algorithm])
    return Key(_id_of(b"kid:" + derived), algorithm, Hmac(f"sha{algorithm[2:]}"), derived, derived)


def _key_pair(text: str, algorithm: str) -> Key:
    private, public = read_pair(text, algorithm)
    return Key(_id_of(public_bytes(public)), algorithm, method_of(algorithm), public, private)


def _id_of(material: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(material).digest()[:12]).decode()
