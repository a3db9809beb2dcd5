"""Keys that know their algorithm, so that no token can choose one (RFC 8725, 3.1)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from jwt.algorithms import Algorithm

from framework.errors import ConfigurationError
from framework.secret import Secret

_SHORTEST_SECRET_BYTES = 32
_SHORTEST_RSA_BITS = 2048
_HMAC_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}
_CURVES: dict[str, type[ec.EllipticCurve]] = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1}
_EDWARDS = (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)


@dataclass(frozen=True, slots=True)
class Key:
    """Hold one key together with its id and its only algorithm.

    Attributes:
        id: The ``kid`` of its tokens; made from the key, and says nothing about it.
        algorithm: Its name in RFC 7518.
        public: What verifies.
        private: What signs; None for a key of somebody else.
    """

    id: str
    algorithm: str
    method: Algorithm = field(repr=False)
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
        """Say whether the signature is this key's, in constant time for HMAC."""
        return self.method.verify(message, self.public, signature)


class KeySet:
    """Hold keys, newest first; the newest one signs."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self.keys = tuple(keys)
        self._by_id = {key.id: key for key in self.keys}
        if not self.keys:
            raise ConfigurationError("There is no key to sign or verify tokens with.")
        if len(self._by_id) < len(self.keys):
            raise ConfigurationError("A key is listed twice.")

    @property
    def newest(self) -> Key:
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
    return _key_pair(secret.reveal().encode(), algorithm)


def refresh_key_from_secret(secret: Secret, algorithm: str) -> Key | None:
    """Return the key for refresh tokens, which is a derived one: only this service reads them.

    It is None where only a public key is known.
    """
    if algorithm in _HMAC_BYTES:
        return key_from_secret(secret, algorithm, "refresh")
    pair = _key_pair(secret.reveal().encode(), algorithm)
    if pair.private is None:
        return None
    material = pair.private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return _shared_key(material, "HS256", "refresh")


def _ensure_secret(text: str) -> bytes:
    if text.lstrip().startswith(("-----BEGIN", "ssh-", "ecdsa-", "{", "[")):
        # A public key is known to everybody: as a shared secret it would let everybody sign (CVE-2022-29217).
        raise ConfigurationError(
            "A PEM, SSH or JSON Web Key is no shared secret: choose its algorithm, such as RS256."
        )
    secret = text.encode()
    if len(secret) < _SHORTEST_SECRET_BYTES:
        raise ConfigurationError(f"A shared secret has at least {_SHORTEST_SECRET_BYTES} bytes.")
    return secret


def _shared_key(secret: bytes, algorithm: str, purpose: str) -> Key:
    length = _HMAC_BYTES[algorithm]
    derived = HKDF(
        hashes.SHA256(), length, salt=None, info=f"framework.auth/{algorithm}/{purpose}".encode()
    ).derive(secret)
    return Key(_id_of(b"kid:" + derived), algorithm, jwt.get_algorithm_by_name(algorithm), derived, derived)


def _key_pair(text: bytes, algorithm: str) -> Key:
    private: Any = None
    try:
        if b"PRIVATE KEY-----" in text:
            private = serialization.load_pem_private_key(text, password=None)
            public: Any = private.public_key()
        else:
            public = serialization.load_pem_public_key(text)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"A key for {algorithm} is a private or public key in PEM.") from error
    ensure_fit(public, algorithm)
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return Key(_id_of(der), algorithm, jwt.get_algorithm_by_name(algorithm), public, private)


def ensure_fit(public: Any, algorithm: str) -> None:
    """Check that a public key is one for this algorithm, and long enough.

    Raises:
        ConfigurationError: It is not.
    """
    if algorithm in _CURVES:
        fits = isinstance(public, ec.EllipticCurvePublicKey) and isinstance(public.curve, _CURVES[algorithm])
    elif algorithm == "EdDSA":
        fits = isinstance(public, _EDWARDS)
    else:
        fits = isinstance(public, rsa.RSAPublicKey)
    if not fits:
        raise ConfigurationError(f"The key is none for {algorithm}.")
    if isinstance(public, rsa.RSAPublicKey) and public.key_size < _SHORTEST_RSA_BITS:
        raise ConfigurationError(f"An RSA key has at least {_SHORTEST_RSA_BITS} bits (RFC 7518, 3.3).")


def _id_of(material: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(material).digest()[:12]).decode()
