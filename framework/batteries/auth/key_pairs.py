"""Keys of two halves: who has the public one can verify, and cannot sign (RFC 7518, 3.3 to 3.5; RFC 8037).

PERF: what reads them is imported when the first one is read, at start-up. A service with a shared secret, which most
are, has no use for it, and would pay for it with a twentieth of its start.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from framework.errors import ConfigurationError

_SHORTEST_RSA_BITS = 2048


class Method(Protocol):
    """The signatures of one algorithm."""

    def sign(self, msg: bytes, key: Any) -> bytes:
        """Return the signature of a message."""

    def verify(self, msg: bytes, key: Any, sig: bytes) -> bool:
        """Tell whether a signature is that of the message."""


def method_of(algorithm: str) -> Method:
    """Return what signs and verifies with keys of an algorithm."""
    import jwt  # noqa: PLC0415

    return jwt.get_algorithm_by_name(algorithm)


def read_pair(text: str, algorithm: str) -> tuple[Any, Any]:
    """Return a private key, or None if there is just the public one, and the public key.

    Raises:
        ConfigurationError: The text is no key for this algorithm, or a weak one.
    """
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    pem, private = text.encode(), None
    try:
        if b"PRIVATE KEY-----" in pem:
            private = serialization.load_pem_private_key(pem, password=None)
            public: Any = private.public_key()
        else:
            public = serialization.load_pem_public_key(pem)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"A key for {algorithm} is a private or public key in PEM.") from error
    ensure_fit(public, algorithm)
    return private, public


def public_from_jwk(entry: Mapping[str, Any], algorithm: str) -> Any:
    """Return the public key that a JSON Web Key holds (RFC 7517, 4).

    Raises:
        ValueError: It holds none for this algorithm, or a weak one.
    """
    import jwt  # noqa: PLC0415

    try:
        public = jwt.PyJWK(dict(entry), algorithm).key
        ensure_fit(public, algorithm)
    except (jwt.PyJWTError, ConfigurationError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"no key for {algorithm}") from error
    return public


def public_from_text(text: str, algorithm: str) -> Any:
    """Return the public key of a JSON Web Key that is written out.

    Raises:
        ConfigurationError: It is none for this algorithm, a weak one, or a private one.
    """
    try:
        entry = json.loads(text)
        if "d" in entry or "k" in entry:
            raise ConfigurationError(
                "The JSON Web Key holds what only its owner may have: give the public one."
            )
        return public_from_jwk(entry, algorithm)
    except ValueError as error:
        raise ConfigurationError(
            f"A key for {algorithm} is a public key, in PEM or as a JSON Web Key."
        ) from error


def ensure_fit(public: Any, algorithm: str) -> None:
    """Check that a public key is one for this algorithm, and long enough.

    Raises:
        ConfigurationError: It is not.
    """
    from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa  # noqa: PLC0415

    curve = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1}.get(algorithm)
    if curve is not None:
        fits = isinstance(public, ec.EllipticCurvePublicKey) and isinstance(public.curve, curve)
    elif algorithm == "EdDSA":
        fits = isinstance(public, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey)
    else:
        fits = isinstance(public, rsa.RSAPublicKey)
    if not fits:
        raise ConfigurationError(f"The key is none for {algorithm}.")
    if isinstance(public, rsa.RSAPublicKey) and public.key_size < _SHORTEST_RSA_BITS:
        raise ConfigurationError(f"An RSA key has at least {_SHORTEST_RSA_BITS} bits (RFC 7518, 3.3).")


def private_bytes(private: Any) -> bytes:
    """Return a private key as DER."""
    from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415

    bare: bytes = private.private_bytes(form.Encoding.DER, form.PrivateFormat.PKCS8, form.NoEncryption())
    return bare


def public_bytes(public: Any) -> bytes:
    """Return a public key as DER."""
    from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415

    bare: bytes = public.public_bytes(form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo)
    return bare
