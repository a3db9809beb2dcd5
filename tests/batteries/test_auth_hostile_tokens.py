"""Tokens that somebody has tampered with: only the untouched one opens the door (RFC 8725)."""

from __future__ import annotations

import asyncio
import base64
import functools
import hashlib
import hmac
import json
import logging
import time
from typing import Any

import aiohttp
import jwt
import orjson
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from yarl import URL

from framework.batteries import auth
from framework.batteries.auth import AuthSettings, InvalidToken, Tokens
from framework.batteries.auth.issuers import Algorithm
from framework.batteries.auth.keys import Key, key_from_secret
from framework.errors import ConfigurationError
from framework.marks import requires
from framework.routing import RouteTableDef
from framework.secrets import Profile, Secret
from framework.testing import Serve
from tests.kernel import kernel_app

SECRET = Secret("correct-horse-battery-staple-0123456789")
SETTINGS = AuthSettings(keys=(SECRET,), issuer="https://issuer.example", audience="board")
KEY = key_from_secret(SECRET, "HS256", "access")
REFRESH_KEY = key_from_secret(SECRET, "HS256", "refresh")
HEADER: dict[str, Any] = {"alg": "HS256", "kid": KEY.id, "typ": "at+jwt"}
NOW = int(time.time())
CLAIMS: dict[str, Any] = {
    "iss": "https://issuer.example",
    "aud": "board",
    "sub": "ada",
    "iat": NOW,
    "exp": NOW + 3_600,
    "jti": "unique",
    "scope": "posts:read",
}


def encode(part: bytes | dict[str, Any]) -> str:
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(
    header: bytes | dict[str, Any] = HEADER, claims: bytes | dict[str, Any] = CLAIMS, key: Key = KEY
) -> str:
    signed = f"{encode(header)}.{encode(claims)}"
    return f"{signed}.{encode(key.sign(signed.encode()))}"


def headed(**changes: Any) -> str:
    return token(header={**HEADER, **changes})


def headless(name: str) -> str:
    return token(header={key: value for key, value in HEADER.items() if key != name})


def claiming(**changes: Any) -> str:
    return token(claims={**CLAIMS, **changes})


def lacking(name: str) -> str:
    return token(claims={key: value for key, value in CLAIMS.items() if key != name})


def unsigned(algorithm: str) -> str:
    return f"{encode({**HEADER, 'alg': algorithm})}.{encode(CLAIMS)}."


def signed_by_hand(header: dict[str, Any], secret: bytes, digest: str = "sha256") -> str:
    signed = f"{encode(header)}.{encode(CLAIMS)}"
    return f"{signed}.{encode(hmac.new(secret, signed.encode(), digest).digest())}"


GOOD = token()
HEAD, BODY, SIGNATURE = GOOD.split(".")
OTHER_PAYLOAD = encode({**CLAIMS, "sub": "root"})
ATTACKERS_KEY = key_from_secret(Secret("the-attacker-has-a-long-secret-of-her-own"), "HS256", "access")


def flipped(signature: str) -> str:
    data = bytearray(base64.urlsafe_b64decode(signature + "=="))
    data[0] ^= 1
    return encode(bytes(data))


def respelled(signature: str) -> str:
    """Spell the same bytes in another way: the last letter has two bits to spare."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return signature[:-1] + alphabet[alphabet.index(signature[-1]) ^ 1]


HOSTILE: dict[str, str] = {
    # no algorithm, or another one (RFC 8725, 2.1 and 3.1)
    **{f"alg {name!r}, unsigned": unsigned(name) for name in ("none", "None", "NONE", "nOnE", "", "null")},
    "alg none with a signature": headed(alg="none"),
    "alg none in two parts": unsigned("none").rstrip("."),
    "no alg": headless("alg"),
    "alg null": headed(alg=None),
    "alg a list": headed(alg=["HS256"]),
    "alg a number": headed(alg=256),
    "alg in lower case": headed(alg="hs256"),
    "alg with a space": headed(alg="HS256 "),
    "alg HS384, signed with the key": signed_by_hand({**HEADER, "alg": "HS384"}, KEY.private, "sha384"),
    "alg HS512, signed with the key": signed_by_hand({**HEADER, "alg": "HS512"}, KEY.private, "sha512"),
    "alg RS256 over an HMAC": headed(alg="RS256"),
    "alg ES256 over an HMAC": headed(alg="ES256"),
    "alg EdDSA over an HMAC": headed(alg="EdDSA"),
    # the key (3.10)
    "no kid": headless("kid"),
    "kid null": headed(kid=None),
    "kid a number": headed(kid=1),
    "kid a list": headed(kid=[KEY.id]),
    "kid an object": headed(kid={"a": 1}),
    "kid empty": headed(kid=""),
    "kid unknown": headed(kid="elsewhere"),
    "kid with a space": headed(kid=f"{KEY.id} "),
    "kid a path, signed with an empty key": signed_by_hand({**HEADER, "kid": "../../../../dev/null"}, b""),
    "kid an SQL injection": headed(kid="x' UNION SELECT 'secret"),
    "kid a URL": headed(kid="https://evil.example/key"),
    "kid with a NUL": headed(kid="\x00"),
    "kid of the refresh key": headed(kid=REFRESH_KEY.id),
    "signed with the refresh key": token(key=REFRESH_KEY),
    "signed with the refresh key, and its kid": token({**HEADER, "kid": REFRESH_KEY.id}, key=REFRESH_KEY),
    "signed with a stranger's key": token(key=ATTACKERS_KEY),
    "signed with the secret itself, underived": signed_by_hand(HEADER, SECRET.reveal().encode()),
    "signed with an empty key": signed_by_hand(HEADER, b""),
    "signed with the kid": signed_by_hand(HEADER, KEY.id.encode()),
    "jwk with a stranger's key": token({**HEADER, "jwk": {"kty": "oct", "k": "AAAA"}}, key=ATTACKERS_KEY),
    "jwk over the right key": headed(jwk={"kty": "oct", "k": encode(KEY.private)}),
    "jku": headed(jku="https://evil.example/jwks.json"),
    "x5u": headed(x5u="https://evil.example/cert.pem"),
    "x5c": headed(x5c=["MIIB"]),
    # what changes the meaning of the rest
    "crit": headed(crit=["exp"]),
    "crit empty": headed(crit=[]),
    "crit b64": headed(crit=["b64"], b64=False),
    "b64 alone": headed(b64=False),
    "b64 true": headed(b64=True),
    "zip": headed(zip="DEF"),
    # the type (3.11, 3.12)
    "no typ": headless("typ"),
    "typ JWT": headed(typ="JWT"),
    "typ null": headed(typ=None),
    "typ a list": headed(typ=["at+jwt"]),
    "typ of a refresh token": headed(typ="rt+jwt"),
    # the header itself
    "header a list": token(header=b"[]"),
    "header a string": token(header=b'"alg"'),
    "header no JSON": token(header=b"alg: HS256"),
    "header with NaN": token(header=b'{"alg":"HS256","kid":NaN}'),
    "header nested deep": token(header=b'{"alg":' * 600 + b"1" + b"}" * 600),
    "header no UTF-8": token(header=b'{"alg":"\xff"}'),
    "header with a byte order mark": token(header=b"\xef\xbb\xbf" + json.dumps(HEADER).encode()),
    # a name twice (2.4): one reader takes the first value, another the last
    "header with alg twice": token(header=b'{"alg":"none",' + json.dumps(HEADER).encode()[1:]),
    "claims with sub twice": token(claims=b'{"sub":"root",' + json.dumps(CLAIMS).encode()[1:]),
    "claims with a name twice inside": token(
        claims=json.dumps(CLAIMS).encode()[:-1] + b',"a":{"b":1,"b":2}}'
    ),
    # claims that lack or are something else
    **{f"no {name}": lacking(name) for name in ("iss", "aud", "exp", "iat", "sub", "jti")},
    **{
        f"{name} null": claiming(**{name: None})
        for name in ("iss", "aud", "exp", "iat", "sub", "jti", "scope")
    },
    **{f"{name} a list": claiming(**{name: [CLAIMS[name]]}) for name in ("iss", "exp", "iat", "sub", "jti")},
    **{f"{name} an object": claiming(**{name: {}}) for name in ("iss", "aud", "exp", "sub", "scope")},
    **{f"{name} a text": claiming(**{name: str(NOW)}) for name in ("exp", "iat", "nbf")},
    **{f"{name} a boolean": claiming(**{name: True}) for name in ("exp", "iat", "nbf", "sub", "aud")},
    "exp past": claiming(exp=NOW - 11),
    "exp zero": claiming(exp=0),
    "exp negative": claiming(exp=-1),
    "exp beyond all numbers": token(claims=json.dumps(CLAIMS).replace(str(NOW + 3_600), "1e400").encode()),
    "exp beyond exact numbers": claiming(exp=2**63),
    "exp NaN": token(claims=json.dumps({**CLAIMS, "exp": float("nan")}).encode()),
    "exp Infinity": token(claims=json.dumps({**CLAIMS, "exp": float("inf")}).encode()),
    "iat in the future": claiming(iat=NOW + 3_600),
    "iat in milliseconds": claiming(iat=NOW * 1_000),
    "nbf in the future": claiming(nbf=NOW + 3_600),
    "iss another": claiming(iss="https://evil.example"),
    "iss with something behind": claiming(iss="https://issuer.example.evil.example"),
    "iss with a slash": claiming(iss="https://issuer.example/"),
    "iss a part": claiming(iss="https://issuer"),
    "iss in another case": claiming(iss="HTTPS://issuer.example"),
    "aud another": claiming(aud="shop"),
    "aud a list of others": claiming(aud=["shop", "mail"]),
    "aud an empty list": claiming(aud=[]),
    "aud a list of lists": claiming(aud=[["board"]]),
    "aud a list with a number": claiming(aud=["board", 1]),
    "aud a part": claiming(aud="boar"),
    "aud with something behind": claiming(aud="boards"),
    "aud in a text with others": claiming(aud="board shop"),
    "sub empty": claiming(sub=""),
    "sub a number": claiming(sub=1),
    "sub endless": claiming(sub="a" * 256),
    "jti empty": claiming(jti=""),
    "jti a number": claiming(jti=1),
    "scope a list": claiming(scope=["posts:read"]),
    "scope a number": claiming(scope=1),
    "claims a list": token(claims=b"[]"),
    "claims a string": token(claims=b'"sub"'),
    "claims no JSON": token(claims=b"sub=ada"),
    "claims nested JSON": token(claims=json.dumps(json.dumps(CLAIMS)).encode()),
    "claims nested deep": token(claims=b'{"sub":' * 600 + b"1" + b"}" * 600),
    "claims no UTF-8": token(claims=b'{"sub":"\xff"}'),
    "claims a lone surrogate": token(claims=json.dumps({**CLAIMS, "sub": "\ud800"}).encode()),
    # the signature
    "signature empty": f"{HEAD}.{BODY}.",
    "signature missing": f"{HEAD}.{BODY}",
    "signature with a bit flipped": f"{HEAD}.{BODY}.{flipped(SIGNATURE)}",
    "signature cut": f"{HEAD}.{BODY}.{SIGNATURE[:-2]}",
    "signature with more behind": f"{HEAD}.{BODY}.{SIGNATURE}AA",
    "signature respelled": f"{HEAD}.{BODY}.{respelled(SIGNATURE)}",
    "signature of zeros": f"{HEAD}.{BODY}.{encode(bytes(32))}",
    "signature in the plain alphabet": f"{HEAD}.{BODY}.{'+/' + SIGNATURE[2:]}",
    "signature of another payload": f"{HEAD}.{OTHER_PAYLOAD}.{SIGNATURE}",
    "signature of the same claims in other bytes": f"{HEAD}.{encode(orjson.dumps(CLAIMS))}.{SIGNATURE}",
    "a hash instead of a signature": f"{HEAD}.{BODY}.{encode(hashlib.sha256(BODY.encode()).digest())}",
    # the form (RFC 7515, 7.1)
    "padding behind": f"{GOOD}=",
    "padding behind each part": f"{HEAD}==.{BODY}==.{SIGNATURE}=",
    "one part": HEAD,
    "four parts": f"{GOOD}.{SIGNATURE}",
    "five parts, as if encrypted": f"{HEAD}.{BODY}.{BODY}.{BODY}.{SIGNATURE}",
    "dots alone": "..",
    "a dot in front": f".{GOOD}",
    "a dot behind": f"{GOOD}.",
    "a dot doubled": GOOD.replace(".", "..", 1),
    "a space inside": f"{HEAD}. {BODY}.{SIGNATURE}",
    "a tab inside": f"{HEAD}.\t{BODY}.{SIGNATURE}",
    "a tab in front": f"\t{GOOD}",
    "in quotes": f'"{GOOD}"',
    "in angle brackets": f"<{GOOD}>",
    "percent-encoded": GOOD.replace(".", "%2E"),
    "in Cyrillic look-alikes": GOOD.replace("e", "\u0435", 1),
    "in fullwidth letters": GOOD.translate({ord("A"): 0xFF21, ord("e"): 0xFF45}),
    "with a zero-width space": f"{HEAD}.\u200b{BODY}.{SIGNATURE}",
    "twice": f"{GOOD} {GOOD}",
    "twice, with a comma": f"{GOOD}, Bearer {GOOD}",
    "with parameters": f'{GOOD}, realm="x"',
    "as JSON": json.dumps({"protected": HEAD, "payload": BODY, "signature": SIGNATURE}),
    "much too long": "A" * 8_000,
    "a word": "null",
    "a refresh token": token(
        {**HEADER, "typ": "rt+jwt", "kid": REFRESH_KEY.id}, {**CLAIMS, "fam": "f"}, REFRESH_KEY
    ),
}


routes = RouteTableDef()


@routes.get("/known")
@requires("posts:read")
async def answer() -> dict[str, bool]:
    return {"in": True}


def app(settings: AuthSettings = SETTINGS) -> web.Application:
    return kernel_app(routes, batteries=(auth.battery(settings, profile=Profile.development),))


async def test_the_untouched_token_opens_the_door(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve(app())

    answer = await client.get(url / "known", headers={"Authorization": f"Bearer {GOOD}"})

    assert answer.status == 200


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in HOSTILE.items()])
async def test_the_door_stays_shut_for(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    url = await serve(app())
    caplog.clear()

    answer = await client.get(url / "known", headers={"Authorization": f"Bearer {text}"})

    assert answer.status == 401
    assert answer.content_type == "application/problem+json"
    assert answer.headers["WWW-Authenticate"].startswith('Bearer error="invalid_token", error_description="')
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize(
    "name", ["alg 'none', unsigned", "exp past", "signature respelled", "padding behind"]
)
async def test_a_hostile_copy_finds_nothing_remembered_of_the_good_token(name: str) -> None:
    tokens = Tokens(SETTINGS)
    await tokens.verify(GOOD)

    with pytest.raises(InvalidToken):
        await tokens.verify(HOSTILE[name])


async def test_a_token_beyond_8_kib_is_not_even_read() -> None:
    with pytest.raises(InvalidToken, match="longer than 8192"):
        await Tokens(SETTINGS).verify(claiming(note="x" * 6_000))


def test_a_token_beyond_8_kib_is_not_issued() -> None:
    with pytest.raises(ValueError, match="fewer claims"):
        Tokens(SETTINGS).issue("ada", claims={"note": "x" * 6_000})


@pytest.mark.parametrize("claim", ["iss", "exp", "sub", "scope", "jti", "fam"])
def test_claims_that_the_token_sets_itself_cannot_be_given(claim: str) -> None:
    with pytest.raises(ValueError, match="set by the token itself"):
        Tokens(SETTINGS).issue("ada", claims={claim: "mine"})


@pytest.mark.parametrize(
    ("value", "status"),
    [
        pytest.param(f"bearer {GOOD}", 200, id="the scheme in lower case"),
        pytest.param(f"BEARER {GOOD}", 200, id="the scheme in upper case"),
        pytest.param(f"Bearer  {GOOD}", 200, id="two spaces, which RFC 9110 allows"),
        pytest.param(GOOD, 401, id="no scheme"),
        pytest.param(f"Bearer{GOOD}", 401, id="no space"),
        pytest.param(f"Bearer:{GOOD}", 401, id="a colon"),
        pytest.param(f"Bearer\t{GOOD}", 401, id="a tab"),
        pytest.param("Bearer", 401, id="no token"),
        pytest.param("", 401, id="nothing"),
        pytest.param(f"Basic {GOOD}", 401, id="Basic"),
        pytest.param(f"Token {GOOD}", 401, id="another scheme"),
        pytest.param(f"Bearer Bearer {GOOD}", 401, id="the scheme twice"),
    ],
)
async def test_a_header_of(serve: Serve, client: aiohttp.ClientSession, value: str, status: int) -> None:
    url = await serve(app())

    answer = await client.get(url / "known", headers={"Authorization": value})

    assert answer.status == status
    assert answer.headers.get("WWW-Authenticate", "Bearer").startswith("Bearer")


async def status_of_raw(url: URL, *lines: bytes) -> int:
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = [b"GET /known HTTP/1.1", f"Host: {url.authority}".encode(), b"Connection: close", *lines]
    writer.write(b"\r\n".join([*head, b"", b""]))
    received = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return int(received.split()[1])


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([b"Authorization: Bearer \xff\xfe.\x80.\x81"], id="bytes that are no text"),
        pytest.param([b"Authorization: Bearer " + GOOD.encode() + b"\x00"], id="a NUL"),
        pytest.param([f"Authorization: Bearer {GOOD}".encode()] * 2, id="two headers"),
        pytest.param(
            [b"Authorization: Bearer a.b.c", f"Authorization: Bearer {GOOD}".encode()], id="bad, good"
        ),
        pytest.param(
            [f"Authorization: Bearer {GOOD}".encode(), b"Authorization: Basic YTpi"], id="good, Basic"
        ),
        pytest.param([b"Authorization: Bearer " + b"A" * 9_000], id="more than a header holds"),
        pytest.param([b"Authorization: Bearer", b" " + GOOD.encode()], id="a folded header"),
        pytest.param([f"Authorization : Bearer {GOOD}".encode()], id="a space before the colon"),
        pytest.param([f"X-Authorization: Bearer {GOOD}".encode()], id="another header"),
        pytest.param([f"Proxy-Authorization: Bearer {GOOD}".encode()], id="the proxy's header"),
        pytest.param([f"Cookie: Authorization=Bearer {GOOD}; access_token={GOOD}".encode()], id="a cookie"),
    ],
)
async def test_raw_headers_with(serve: Serve, lines: list[bytes]) -> None:
    url = await serve(app())

    status = await status_of_raw(url, *lines)

    assert status in {400, 401, 431}


# Asymmetric keys: the public one is known to everybody and must not be a secret for HMAC (CVE-2022-29217).


@functools.cache
def pem(algorithm: str) -> tuple[str, str]:
    """Return a private and a public key in PEM."""
    private: Any = {
        "RS256": lambda: rsa.generate_private_key(65_537, 2_048),
        "PS256": lambda: rsa.generate_private_key(65_537, 2_048),
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate,
    }[algorithm]()
    formats = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.private_bytes(serialization.Encoding.PEM, *formats).decode(), public.decode()


def short_rsa() -> str:
    return (
        rsa.generate_private_key(65_537, 1_024)
        .private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        .decode()
    )


ASYMMETRIC: list[Algorithm] = ["RS256", "PS256", "ES256", "ES384", "EdDSA"]


def settings_for(algorithm: Algorithm, key: str) -> AuthSettings:
    return AuthSettings(keys=(Secret(key),), algorithm=algorithm, issuer=SETTINGS.issuer, audience="board")


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
async def test_a_service_with_the_public_key_alone_verifies_what_the_private_one_signed(
    algorithm: Algorithm,
) -> None:
    private, public = pem(algorithm)
    text = Tokens(settings_for(algorithm, private)).issue("ada", ["posts:read"]).access_token

    verifier = Tokens(settings_for(algorithm, public))

    assert (await verifier.verify(text)).subject == "ada"
    with pytest.raises(ConfigurationError, match="cannot issue"):
        verifier.issue("ada")


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
async def test_the_public_key_is_no_secret_for_hmac(algorithm: Algorithm, digest: str) -> None:
    private, public = pem(algorithm)
    kid = key_from_secret(Secret(private), algorithm, "access").id
    hmac_name = {"sha256": "HS256", "sha384": "HS384", "sha512": "HS512"}[digest]
    der = serialization.load_pem_public_key(public.encode()).public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    tokens = Tokens(settings_for(algorithm, private))

    for secret in (public.encode(), public.strip().encode(), der):
        for name in (hmac_name, algorithm):
            forged = signed_by_hand({**HEADER, "alg": name, "kid": kid}, secret, digest)
            with pytest.raises(InvalidToken):
                await tokens.verify(forged)


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
async def test_what_another_library_issues_by_the_same_rules_is_taken(algorithm: Algorithm) -> None:
    private, _ = pem(algorithm)
    key = key_from_secret(Secret(private), algorithm, "access")

    text = jwt.encode(CLAIMS, private, algorithm, headers={"kid": key.id, "typ": "at+jwt"})

    assert (await Tokens(settings_for(algorithm, private)).verify(text)).subject == "ada"


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_another_library_takes_what_is_issued_here(algorithm: Algorithm) -> None:
    private, public = pem(algorithm)

    text = Tokens(settings_for(algorithm, private)).issue("ada", ["posts:read"]).access_token

    claims = jwt.decode(text, public, [algorithm], audience="board", issuer=SETTINGS.issuer)
    assert (claims["sub"], claims["scope"]) == ("ada", "posts:read")


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
async def test_refresh_tokens_of_asymmetric_keys_are_no_access_tokens(algorithm: Algorithm) -> None:
    tokens, store = Tokens(settings_for(algorithm, pem(algorithm)[0])), auth.MemoryTokenStore()
    pair = await tokens.issue_pair("ada", store=store)

    with pytest.raises(InvalidToken):
        await tokens.verify(pair.refresh_token)
    assert (await tokens.redeem(pair.refresh_token, store=store)).subject == "ada"


@pytest.mark.parametrize(
    ("algorithm", "key", "message"),
    [
        pytest.param("HS256", lambda: pem("RS256")[1], "no shared secret", id="a public key as a secret"),
        pytest.param(
            "HS256", lambda: '{"kty": "oct", "k": "' + "A" * 64 + '"}', "no shared secret", id="a JWK"
        ),
        pytest.param("HS256", lambda: "ssh-rsa " + "A" * 64, "no shared secret", id="an SSH key"),
        pytest.param("RS256", lambda: pem("ES256")[0], "none for RS256", id="an EC key for RSA"),
        pytest.param("ES256", lambda: pem("ES384")[0], "none for ES256", id="a key on another curve"),
        pytest.param("EdDSA", lambda: pem("RS256")[0], "none for EdDSA", id="an RSA key for Edwards curves"),
        pytest.param("RS256", lambda: "x" * 64, "PEM", id="a secret for RSA"),
        pytest.param("RS256", short_rsa, "2048 bits", id="a short RSA key"),
    ],
)
def test_start_up_refuses(algorithm: Algorithm, key: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        settings_for(algorithm, key())


def test_a_key_listed_twice_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="twice"):
        Tokens(AuthSettings(keys=(SECRET, SECRET))).prepare()
