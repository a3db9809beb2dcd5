"""The compact form of a token (RFC 7515, 7.1), read strictly, with keys that were chosen beforehand."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from framework.batteries.auth.keys import Key
from framework.errors import Unauthorized
from framework.http import base64url

LONGEST_TOKEN = 8_192

# PyJWT takes "=" padding since 2.15.1 and so has two texts for one token; here there is one.
_SHAPE = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
# Each of them points to a key of the sender's choice, or changes what the signature covers (RFC 8725, 3.10).
_REFUSED = frozenset({"jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "enc"})


class InvalidToken(Unauthorized):
    """A token that is refused, and why (RFC 6750, 3.1)."""

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


class Token(NamedTuple):
    """The parts of a token of which nothing is proved yet."""

    header: Mapping[str, Any]
    payload: bytes
    signed: bytes
    signature: bytes

    @property
    def key_id(self) -> object:
        """Return the ``kid``, which may be anything yet."""
        return self.header.get("kid")


def parse(text: str) -> Token:
    """Take a token apart; its claims stay closed until a key has vouched for them.

    Raises:
        InvalidToken: It is too long, malformed, or its header asks for what is refused.
    """
    if len(text) > LONGEST_TOKEN:
        raise InvalidToken(f"The token is longer than {LONGEST_TOKEN} bytes.")
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        raise InvalidToken("The token is not three base64url parts.")
    head, payload, signature = map(_decode, shape.groups())
    header = _object(head)
    if not _REFUSED.isdisjoint(header):
        raise InvalidToken("The header has a parameter that is refused.")
    if not isinstance(header.get("kid", ""), str):
        raise InvalidToken("The kid is no text.")
    return Token(header, payload, text.rpartition(".")[0].encode(), signature)


def ensure_known(key: Key | None) -> Key:
    """Return the key that a token names, if it is one of those that are trusted.

    Raises:
        InvalidToken: It is none of them.
    """
    if key is None:
        raise InvalidToken("The key is not known.")
    return key


def claims_of(token: Token, kinds: Sequence[str], key: Key) -> dict[str, Any]:
    """Return the claims of a token that this key has signed; they are not judged yet.

    Args:
        token: The token.
        kinds: The ``typ`` that it may have (RFC 8725, 3.11); an empty one stands for none.
        key: The key that the token names.

    Raises:
        InvalidToken: The token is of another kind, or not signed by the key.
    """
    if token.header.get("typ", "") not in kinds:
        raise InvalidToken("The token is of another type.")
    if token.header.get("alg") != key.algorithm:
        raise InvalidToken("The algorithm is not the key's.")
    if not key.verifies(token.signed, token.signature):
        raise InvalidToken("The signature is not valid.")
    return _object(token.payload)


def issuer_of(token: Token) -> object:
    """Return what a token says of its issuer, to choose the keys that may vouch for it; nothing is proved yet.

    Raises:
        InvalidToken: The claims are no JSON object.
    """
    return _object(token.payload).get("iss")


def _object(part: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(part)
        # NOTE: of a name that stands twice, one reader sees the first value and another the last (RFC 8725, 2.4).
        json.loads(part, object_pairs_hook=_ensure_distinct)
    except (ValueError, RecursionError) as error:
        raise InvalidToken("The token holds no JSON.") from error
    if not isinstance(value, dict):
        raise InvalidToken("The token holds no JSON object.")
    return value


def _ensure_distinct(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise InvalidToken("The token has a name twice in one object.")


def _encode(part: bytes) -> bytes:
    return base64url.encode(part).encode()


def _decode(part: str) -> bytes:
    try:
        data = base64url.decode(part)
    except ValueError as error:
        raise InvalidToken("The token is not valid base64url.") from error
    # The last letter has bits to spare: with any but zeros there, two texts would be one token.
    if _encode(data) != part.encode():
        raise InvalidToken("The token is not valid base64url.")
    return data
