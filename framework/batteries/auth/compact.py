"""The compact form of a token (RFC 7515, 7.1), read strictly, with keys that were chosen beforehand."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

import orjson

from framework.batteries.auth.keys import Key, KeySet
from framework.errors import Unauthorized

LONGEST_TOKEN = 8_192

# PyJWT takes "=" padding since 2.15.1 and so has two texts for one token; here there is one.
_SHAPE = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
# Each of them points to a key of the sender's choice, or changes what the signature covers (RFC 8725, 3.10).
_REFUSED = frozenset({"jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "enc"})


class InvalidToken(Unauthorized):
    """Refuse a token and say why (RFC 6750, 3.1)."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, challenge=f'Bearer error="invalid_token", error_description="{detail}"')


def write(claims: Mapping[str, Any], kind: str, key: Key) -> str:
    """Return the signed token.

    Args:
        claims: JSON values by claim.
        kind: The ``typ`` of the token (RFC 8725, 3.11).
        key: The key that signs.
    """
    header = {"alg": key.algorithm, "kid": key.id, "typ": kind}
    signed = b".".join((_encode(orjson.dumps(header)), _encode(orjson.dumps(claims))))
    return b".".join((signed, _encode(key.sign(signed)))).decode()


def read(text: str, kind: str, keys: KeySet) -> dict[str, Any]:
    """Return the claims of a token that one of these keys has signed.

    The claims themselves are not judged; nothing of them is read before the signature is found good.

    Raises:
        InvalidToken: It is too long, malformed, of another kind, or not signed by one of the keys.
    """
    if len(text) > LONGEST_TOKEN:
        raise InvalidToken(f"The token is longer than {LONGEST_TOKEN} bytes.")
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        raise InvalidToken("The token is not three base64url parts.")
    header, payload, signature = map(_decode, shape.groups())
    key = _key_for(_object(header), kind, keys)
    if not key.verifies(text.rpartition(".")[0].encode(), signature):
        raise InvalidToken("The signature is not valid.")
    return _object(payload)


def _key_for(header: Mapping[str, Any], kind: str, keys: KeySet) -> Key:
    if not _REFUSED.isdisjoint(header):
        raise InvalidToken("The header has a parameter that is refused.")
    if header.get("typ") != kind:
        raise InvalidToken("The token is of another type.")
    key = keys.find(header.get("kid"))
    if key is None:
        raise InvalidToken("The key is not known.")
    if header.get("alg") != key.algorithm:
        raise InvalidToken("The algorithm is not the key's.")
    return key


def _object(part: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(part)
    except orjson.JSONDecodeError as error:
        raise InvalidToken("The token holds no JSON.") from error
    if not isinstance(value, dict):
        raise InvalidToken("The token holds no JSON object.")
    return value


def _encode(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


def _decode(part: str) -> bytes:
    if len(part) % 4 == 1:
        raise InvalidToken("The token is not valid base64url.")
    data = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    # The last letter has bits to spare: with any but zeros there, two texts would be one token.
    if _encode(data) != part.encode():
        raise InvalidToken("The token is not valid base64url.")
    return data
