"""Access tokens of other issuers: shared secrets, public keys, and every claim of theirs judged."""

from __future__ import annotations

import base64
import functools
import json
import logging
import time
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from framework.batteries import auth
from framework.batteries.auth import AuthSettings, TrustedIssuer
from framework.errors import ConfigurationError
from framework.http import base64url
from framework.marks import requires
from framework.principal import Principal
from framework.routing import RouteTableDef
from framework.secrets import Profile, Secret
from framework.settings import load
from framework.testing import Serve
from tests.batteries.test_auth_hostile_tokens import CLAIMS as HOSTILE_CLAIMS
from tests.batteries.test_auth_hostile_tokens import HOSTILE, KEY
from tests.batteries.test_auth_hostile_tokens import token as own_token
from tests.kernel import kernel_app

SHARED = "a-secret-that-two-services-share-and-that-is-long-enough-for-all-0123456789"
OWN = AuthSettings(keys=(Secret("a-secret-of-this-service-alone-0123456789"),))
NOW = int(time.time())
CLAIMS: dict[str, Any] = {
    "iss": "billing",
    "aud": "board",
    "sub": "42",
    "iat": NOW,
    "exp": NOW + 600,
    "scope": "posts:read",
}

routes = RouteTableDef()


@routes.get("/known")
@requires("posts:read")
async def show(principal: Principal) -> dict[str, Any]:
    return {"subject": principal.subject, "scopes": sorted(principal.scopes)}


def issuer(**changes: Any) -> TrustedIssuer:
    fields = {
        "issuer": "billing",
        "audience": "board",
        "keys": (Secret(SHARED),),
        "algorithm": "HS256",
        "types": ("JWT",),
        "subject_prefix": "billing:",
        **changes,
    }
    return TrustedIssuer(**fields)


def app(*issuers: TrustedIssuer) -> web.Application:
    battery = auth.battery(OWN, profile=Profile.development, issuers=issuers)
    return kernel_app(routes, batteries=(battery,))


def signed(key: Any = SHARED, algorithm: str = "HS256", typ: str | None = "JWT", **changes: Any) -> str:
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}
    headers = {} if typ == "JWT" else {"typ": typ}
    return jwt.encode(claims, key, algorithm, headers=headers)


async def answer(serve: Serve, client: aiohttp.ClientSession, text: str, *issuers: TrustedIssuer) -> Any:
    url = await serve(app(*issuers))
    return await client.get(url / "known", headers={"Authorization": f"Bearer {text}"})


@functools.cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, 2_048)


def pem(key: Any) -> str:
    formats = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    text: str = key.public_key().public_bytes(*formats).decode()
    return text


def jwk(key: Any, **changes: Any) -> str:
    return json.dumps({**jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), **changes})


async def test_a_token_of_a_service_that_shares_a_secret_needs_no_kid(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    response = await answer(serve, client, signed(), issuer())

    assert response.status == 200
    assert await response.json() == {"subject": "billing:42", "scopes": ["posts:read"]}


@pytest.mark.parametrize("form", [pem, jwk], ids=["PEM", "JSON Web Key"])
async def test_a_public_key_may_be_written_in(serve: Serve, client: aiohttp.ClientSession, form: Any) -> None:
    trusted = issuer(keys=(Secret(form(rsa_key("one"))),), algorithm="RS256")

    good = await answer(serve, client, signed(rsa_key("one"), "RS256"), trusted)
    strangers = await answer(serve, client, signed(rsa_key("two"), "RS256"), trusted)

    assert (good.status, strangers.status) == (200, 401)


async def test_each_key_of_an_issuer_is_tried(serve: Serve, client: aiohttp.ClientSession) -> None:
    trusted = issuer(keys=(Secret("the-newer-secret-of-both-0123456789"), Secret(SHARED)))

    response = await answer(serve, client, signed(), trusted)

    assert response.status == 200


async def test_several_issuers_are_told_apart_by_their_names(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    other = "the-secret-of-the-other-service-0123456789"
    both = issuer(), issuer(issuer="shipping", keys=(Secret(other),), subject_prefix="shipping:")

    first = await answer(serve, client, signed(), *both)
    second = await answer(serve, client, signed(other, iss="shipping"), *both)
    crossed = await answer(serve, client, signed(other, iss="billing"), *both)

    assert (first.status, second.status, crossed.status) == (200, 200, 401)
    assert (await second.json())["subject"] == "shipping:42"


@pytest.mark.parametrize(
    ("changes", "options", "scopes"),
    [
        ({"scope": None, "scp": ["posts:read", "a"]}, {"scope_claims": ("scp",)}, ["a", "posts:read"]),
        ({"scope": None, "scp": "posts:read a"}, {"scope_claims": ("scp",)}, ["a", "posts:read"]),
        ({"scope": "a", "roles": ["posts:read"]}, {"scope_claims": ("scope", "roles")}, ["a", "posts:read"]),
    ],
    ids=["a list", "a text", "two claims"],
)
async def test_scopes_may_stand_in(
    serve: Serve,
    client: aiohttp.ClientSession,
    changes: dict[str, Any],
    options: dict[str, Any],
    scopes: list[str],
) -> None:
    response = await answer(serve, client, signed(**changes), issuer(**options))

    assert (await response.json())["scopes"] == scopes


async def test_the_subject_may_stand_in_another_claim(serve: Serve, client: aiohttp.ClientSession) -> None:
    trusted = issuer(subject_claim="oid", subject_prefix="")

    good = await answer(serve, client, signed(sub=None, oid="ada"), trusted)
    without = await answer(serve, client, signed(), trusted)

    assert ((await good.json())["subject"], without.status) == ("ada", 401)


@pytest.mark.parametrize("typ", ["at+jwt", None], ids=["of access tokens", "none"])
async def test_the_type_is_what_the_settings_say(
    serve: Serve, client: aiohttp.ClientSession, typ: str | None
) -> None:
    trusted = issuer(types=(typ or "",))

    good = await answer(serve, client, signed(typ=typ), trusted)
    other = await answer(serve, client, signed(), trusted)

    assert (good.status, other.status) == (200, 401)


@pytest.mark.parametrize("name", ["iss", "aud", "exp", "iat"])
async def test_a_claim_can_only_be_missing_where_the_settings_let_it(
    serve: Serve, client: aiohttp.ClientSession, name: str
) -> None:
    required = tuple(each for each in ("iss", "aud", "exp", "iat") if each != name)
    wrong: dict[str, Any] = {"iss": "x", "aud": "x", "exp": NOW - 60, "iat": NOW + 600}
    absent: dict[str, Any] = {name: None}
    text, other = signed(**absent), signed(**{name: wrong[name]})

    strict = await answer(serve, client, text, issuer())
    lenient = await answer(serve, client, text, issuer(required=required))
    again = await answer(serve, client, other, issuer(required=required))

    assert (strict.status, lenient.status, again.status) == (401, 200, 401)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(signed("another-secret-of-somebody-else-0123456789"), id="another secret"),
        pytest.param(signed(aud="shop"), id="another audience"),
        pytest.param(signed(iss="unknown"), id="an issuer that nobody trusts"),
        pytest.param(signed(iss="service"), id="our own name"),
        pytest.param(signed(algorithm="HS512"), id="another algorithm"),
        pytest.param(signed(exp=NOW - 60), id="an end in the past"),
        pytest.param(signed(sub=None), id="no subject"),
        pytest.param(jwt.encode(CLAIMS, SHARED, "HS256", headers={"jku": "https://evil.example"}), id="jku"),
    ],
)
async def test_a_foreign_token_is_refused_with(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    url = await serve(app(issuer()))
    caplog.clear()

    response = await client.get(url / "known", headers={"Authorization": f"Bearer {text}"})

    assert response.status == 401
    assert response.headers["WWW-Authenticate"].startswith('Bearer error="invalid_token"')
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_public_key_is_no_secret_of_the_issuer_s(serve: Serve, client: aiohttp.ClientSession) -> None:
    trusted = issuer(keys=(Secret(pem(rsa_key("one"))),), algorithm="RS256")
    material = pem(rsa_key("one")).encode()
    forged = []
    for algorithm in ("HS256", "RS256"):
        head = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "typ": "JWT"}).encode()).rstrip(b"=")
        body = base64.urlsafe_b64encode(json.dumps(CLAIMS).encode()).rstrip(b"=")
        seal = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
            head + b"." + body, material
        )
        forged.append(b".".join((head, body, base64.urlsafe_b64encode(seal).rstrip(b"="))).decode())

    statuses = [(await answer(serve, client, text, trusted)).status for text in forged]

    assert statuses == [401, 401]


# The tokens that somebody has tampered with, as if they were another issuer's.

FOREIGN = TrustedIssuer(
    issuer=HOSTILE_CLAIMS["iss"],
    audience=HOSTILE_CLAIMS["aud"],
    keys=(Secret(SHARED),),
    algorithm="HS256",
    types=("at+jwt",),
    required=("iss", "aud", "exp", "iat", "jti"),
)
# Its one key is known by its issuer; whatever text a token calls it by does not matter.
_KEY_NAMES = ("no kid", "kid empty", "kid unknown", "kid with a", "kid an SQL", "kid a URL", "kid of the")


def resigned(text: str) -> str:
    """Sign a token with the foreign key if it was signed well with the other one."""
    message, _, seal = text.rpartition(".")
    try:
        data = base64url.decode(seal)
    except ValueError:
        return text
    is_spelt_well = base64.urlsafe_b64encode(data).rstrip(b"=").decode() == seal
    if not is_spelt_well or not message.isascii() or not KEY.verifies(message.encode(), data):
        return text
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    again = algorithm.sign(message.encode(), SHARED.encode())
    return f"{message}.{base64.urlsafe_b64encode(again).rstrip(b'=').decode()}"


async def test_the_untouched_foreign_token_opens_the_door(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    response = await answer(serve, client, resigned(own_token()), FOREIGN)

    assert response.status == 200


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(resigned(text), id=name)
        for name, text in HOSTILE.items()
        if not name.startswith(_KEY_NAMES)
    ],
)
async def test_the_door_stays_shut_for_the_foreign(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    url = await serve(app(FOREIGN))
    caplog.clear()

    response = await client.get(url / "known", headers={"Authorization": f"Bearer {text}"})

    assert response.status == 401
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


# Start-up.


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"keys": ()}, "either a jwks_url or keys", id="no keys"),
        pytest.param({"jwks_url": "https://a.example"}, "either a jwks_url or keys", id="keys in two places"),
        pytest.param({"keys": (Secret("x" * 31),)}, "at least 32 bytes", id="a short secret"),
        pytest.param(
            {"algorithm": "HS512", "keys": (Secret("0123456789" * 6),)},
            "at least 64 bytes",
            id="short for HS512",
        ),
        pytest.param(
            {"keys": (Secret(pem(rsa_key("one"))),)}, "no shared secret", id="a public key as a secret"
        ),
        pytest.param({"algorithm": "RS256"}, "PEM", id="a secret as a public key"),
        pytest.param({"algorithm": "RS256", "keys": (Secret("{}"),)}, "RS256", id="an empty JSON Web Key"),
        pytest.param(
            {"algorithm": "RS256", "keys": (Secret(jwk(rsa_key("one"), d="AQAB")),)},
            "only its owner",
            id="a private JSON Web Key",
        ),
        pytest.param(
            {"algorithm": "ES256", "keys": (Secret(pem(rsa_key("one"))),)},
            "ES256",
            id="a key of another family",
        ),
        pytest.param(
            {"jwks_url": "https://a.example", "keys": (), "algorithm": "HS256"},
            "never published",
            id="HS256 by URL",
        ),
        pytest.param({"audience": ""}, "cannot be empty", id="no audience"),
        pytest.param({"subject_claim": ""}, "cannot be empty", id="no claim for the subject"),
    ],
)
def test_an_issuer_is_refused_with(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        issuer(**changes)


def test_a_private_key_of_another_issuer_is_refused() -> None:
    private = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

    with pytest.raises(ConfigurationError, match="public one"):
        issuer(keys=(Secret(private.decode()),), algorithm="ES256")


@pytest.mark.parametrize(
    ("issuers", "message"),
    [
        ((issuer(), issuer(subject_prefix="b:")), "there twice"),
        ((issuer(issuer="service"),), "the service itself"),
        ((issuer(), issuer(issuer="shipping")), "subject_prefix"),
    ],
    ids=["of one name", "of our name", "of one prefix"],
)
def test_issuers_are_refused_that_are(issuers: tuple[TrustedIssuer, ...], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        app(*issuers)


def test_the_environment_may_name_an_issuer_with_a_shared_secret() -> None:
    environ = {
        "AUTH_PROVIDER_ISSUER": "billing",
        "AUTH_PROVIDER_AUDIENCE": "board",
        "AUTH_PROVIDER_KEYS": SHARED,
        "AUTH_PROVIDER_ALGORITHM": "HS256",
        "AUTH_PROVIDER_TYPES": "JWT",
        "AUTH_PROVIDER_SUBJECT_PREFIX": "billing:",
    }

    assert load(AuthSettings, environ, env_file=None, prefix="AUTH_").provider == issuer()
