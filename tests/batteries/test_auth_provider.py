"""Tokens of an identity provider, with a real one on this machine that speaks TLS."""

from __future__ import annotations

import datetime
import functools
import ipaddress
import json
import logging
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
import pytest_asyncio
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from framework.batteries import auth
from framework.batteries.auth import AuthSettings, InvalidToken, Tokens, TrustedIssuer
from framework.batteries.auth.provider import ProviderKeys, fetch, keys_from_document
from framework.errors import ConfigurationError, ServiceUnavailable
from framework.marks import public, requires
from framework.principal import Principal
from framework.routing import RouteTableDef
from framework.secrets import Profile, Secret
from framework.settings import load
from framework.testing import Serve
from tests.kernel import kernel_app

NOW = int(time.time())
CLAIMS: dict[str, Any] = {
    "iss": "https://login.example",
    "aud": "board",
    "sub": "42",
    "iat": NOW,
    "exp": NOW + 600,
    "scope": "posts:read",
}


@functools.cache
def private_key(name: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, 2_048)


def jwk(name: str, **changes: Any) -> dict[str, Any]:
    public_key = private_key(name).public_key()
    entry = jwt.algorithms.RSAAlgorithm.to_jwk(public_key, as_dict=True)
    return {**entry, "kid": name, "use": "sig", "alg": "RS256", **changes}


def token(name: str = "one", *, typ: str = "at+jwt", kid: str | None = None, **changes: Any) -> str:
    headers = {"kid": kid or name, "typ": typ}
    return jwt.encode({**CLAIMS, **changes}, private_key(name), "RS256", headers=headers)


class Provider:
    """Publish keys over TLS, count who asks, and misbehave when told to."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = [jwk("one")]
        self.response: web.Response | None = None
        self.asked = 0
        self.url = ""
        self.tls: ssl.SSLContext | None = None

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        return self.response or web.json_response({"keys": self.keys})

    async def answer_elsewhere(self, request: web.Request) -> web.Response:
        return web.json_response({"keys": [jwk("two")]})

    async def fetch(self, url: str) -> bytes:
        return await fetch(url, tls=self.tls)

    @property
    def settings(self) -> TrustedIssuer:
        return TrustedIssuer(issuer="https://login.example", audience="board", jwks_url=self.url)


def certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    formats = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, *formats))
    return paths


@pytest_asyncio.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    made = Provider()
    cert, key = certificate(tmp_path)
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_tls.load_cert_chain(cert, key)
    made.tls = ssl.create_default_context(cafile=str(cert))
    app = web.Application()
    app.router.add_get("/keys", made.answer)
    app.router.add_get("/moved", made.answer_elsewhere)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server_tls).start()
    made.url = f"https://127.0.0.1:{runner.addresses[0][1]}/keys"
    yield made
    await runner.cleanup()


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


routes = RouteTableDef()


@routes.get("/known")
@requires("posts:read")
async def show(principal: Principal) -> dict[str, str]:
    return {"subject": principal.subject}


@routes.get("/open")
@public
async def show_to_anybody(principal: Principal | None) -> dict[str, bool]:
    return {"known": principal is not None}


OWN = AuthSettings(keys=(Secret("correct-horse-battery-staple-0123456789"),))


def app(provider: Provider) -> web.Application:
    settings = AuthSettings(keys=OWN.keys, provider=provider.settings)
    battery = auth.battery(settings, profile=Profile.development, fetch_keys=provider.fetch)
    return kernel_app(routes, batteries=(battery,))


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


async def test_a_provider_s_token_opens_the_door_under_a_name_of_its_own(
    serve: Serve, client: aiohttp.ClientSession, provider: Provider
) -> None:
    url = await serve(app(provider))

    theirs = await client.get(url / "known", headers=bearer(token()))
    ours = await client.get(
        url / "known", headers=bearer(Tokens(OWN).issue("42", ["posts:read"]).access_token)
    )

    assert await theirs.json() == {"subject": "provider:42"}
    assert await ours.json() == {"subject": "42"}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(token(iss="service"), id="our own issuer's name"),
        pytest.param(token(aud="service"), id="our own audience"),
        pytest.param(token(aud="shop"), id="another audience"),
        pytest.param(token(exp=NOW - 60), id="one that has expired"),
        pytest.param(token(typ="JWT"), id="the type of an identity token"),
        pytest.param(token(typ="rt+jwt"), id="the type of a refresh token"),
        pytest.param(token("two", kid="one"), id="another key under a known id"),
        pytest.param(token("two"), id="a key that is not published"),
        pytest.param(token(sub=None), id="no subject"),
        pytest.param(token(scope=["posts:read"]), id="scopes that are no text"),
        pytest.param(
            jwt.encode(CLAIMS, "x" * 64, "HS256", headers={"kid": "one", "typ": "at+jwt"}), id="HMAC"
        ),
    ],
)
async def test_a_provider_s_token_is_refused_with(
    serve: Serve, client: aiohttp.ClientSession, provider: Provider, text: str
) -> None:
    url = await serve(app(provider))

    answer = await client.get(url / "known", headers=bearer(text))

    assert answer.status == 401


async def test_a_service_starts_without_its_provider_and_says_so(
    serve: Serve, client: aiohttp.ClientSession, provider: Provider
) -> None:
    provider.response = web.Response(status=500)
    url = await serve(app(provider))

    known = await client.get(url / "known", headers=bearer(token()))
    anybody = await client.get(url / "open", headers=bearer(token()))
    ours = await client.get(
        url / "known", headers=bearer(Tokens(OWN).issue("42", ["posts:read"]).access_token)
    )

    assert (known.status, known.headers["Retry-After"]) == (503, "30")
    assert await anybody.json() == {"known": False}
    assert ours.status == 200


async def test_readiness_waits_for_the_provider_s_keys(provider: Provider) -> None:
    settings = AuthSettings(keys=OWN.keys, provider=provider.settings)
    battery = auth.battery(settings, profile=Profile.development, fetch_keys=provider.fetch)
    plain = web.Application()
    assert battery.check is not None
    assert battery.lifespan is not None

    with pytest.raises(ServiceUnavailable):
        await battery.check(plain)
    async with battery.lifespan(plain):
        await battery.check(plain)

    assert provider.asked == 1


async def test_a_new_key_is_fetched_when_a_token_names_it(provider: Provider) -> None:
    clock = Clock()
    keys = ProviderKeys(provider.settings, provider.fetch, clock)
    await keys.refresh()
    provider.keys.append(jwk("two"))
    clock.now += 31

    found = await keys.find("two")

    assert found is not None
    assert found.id == "two"


async def test_made_up_keys_cause_no_flood_of_fetches(provider: Provider) -> None:
    clock = Clock()
    keys = ProviderKeys(provider.settings, provider.fetch, clock)

    found = [await keys.find(f"made-up-{number}") for number in range(50)]
    clock.now += 31
    found += [await keys.find(f"made-up-{number}") for number in range(50)]

    assert found == [None] * 100
    assert provider.asked == 2


@pytest.mark.slow  # it waits for a provider that is away
async def test_old_keys_serve_for_a_day_while_the_provider_is_away(
    provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    keys = ProviderKeys(provider.settings, provider.fetch, clock)
    await keys.refresh()
    provider.response = web.Response(status=503)

    clock.now += 23 * 3_600
    await keys.refresh()
    still = await keys.find("one")
    clock.now += 3_600

    assert still is not None
    with pytest.raises(ServiceUnavailable):
        await keys.find("one")
    assert [r.message for r in caplog.records if r.name == "framework.auth"] == [
        "provider_keys_not_fetched"
    ] * 2
    assert [r for r in caplog.records if r.levelno >= logging.ERROR] == []


async def test_a_token_seen_before_is_refused_once_its_key_is_withdrawn(provider: Provider) -> None:
    clock = Clock()
    keys = ProviderKeys(provider.settings, provider.fetch, clock)
    tokens = Tokens(OWN, issuers=[keys])
    text = token()
    await tokens.verify(text)

    provider.keys = [jwk("two")]
    clock.now += 31
    await keys.refresh()

    with pytest.raises(InvalidToken, match="not known"):
        await tokens.verify(text)


async def test_a_token_seen_before_is_read_again_once_its_key_is_another(provider: Provider) -> None:
    clock = Clock()
    keys = ProviderKeys(provider.settings, provider.fetch, clock)
    tokens = Tokens(OWN, issuers=[keys])
    text = token()
    await tokens.verify(text)

    provider.keys = [jwk("two", kid="one")]
    clock.now += 31
    await keys.refresh()

    with pytest.raises(InvalidToken, match="signature"):
        await tokens.verify(text)


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(lambda: web.Response(status=404), id="nothing"),
        pytest.param(
            lambda: web.Response(status=302, headers={"Location": "/moved"}),
            id="a redirect, which is not followed",
        ),
        pytest.param(lambda: web.Response(text="<p>keys</p>"), id="a page"),
        pytest.param(lambda: web.Response(text='{"keys": {}}'), id="no list"),
        pytest.param(lambda: web.Response(text='{"keys": []}'), id="no keys"),
        pytest.param(
            lambda: web.Response(text=json.dumps({"keys": [jwk("two")]}) + " " * 300_000), id="too much"
        ),
        pytest.param(lambda: web.json_response({"keys": [jwk("one")] * 101}), id="too many keys"),
    ],
)
async def test_a_provider_that_answers_badly_takes_no_key_away(provider: Provider, response: Any) -> None:
    clock = Clock()
    keys = ProviderKeys(provider.settings, provider.fetch, clock)
    await keys.refresh()
    provider.response = response()

    clock.now += 31
    await keys.refresh()

    assert provider.asked == 2
    assert await keys.find("one") is not None
    assert await keys.find("two") is None


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(provider: Provider) -> None:
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await fetch(provider.url)


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param({"kty": "oct", "kid": "k", "k": "c2VjcmV0"}, id="a shared secret"),
        pytest.param(jwk("one", use="enc"), id="a key for encryption"),
        pytest.param(jwk("one", alg="RS512"), id="a key for another algorithm"),
        pytest.param(jwk("one", kid=1), id="an id that is no text"),
        pytest.param({"kty": "RSA", "kid": "k", "n": "AQAB", "e": "AQAB"}, id="a tiny key"),
        pytest.param({"kty": "RSA", "kid": "k"}, id="a key without numbers"),
        pytest.param({"kid": "k"}, id="a key of no kind"),
        pytest.param(["kid"], id="a list"),
        pytest.param(None, id="null"),
    ],
)
def test_an_entry_is_left_out_that_is(entry: object) -> None:
    document = json.dumps({"keys": [entry, jwk("two")]}).encode()

    keys = keys_from_document(document, "RS256")

    assert [key.id for key in keys.keys] == ["two"]


def test_a_private_key_in_public_is_left_out() -> None:
    published = jwt.algorithms.RSAAlgorithm.to_jwk(private_key("one"), as_dict=True)
    document = json.dumps({"keys": [{**published, "kid": "one"}]}).encode()

    with pytest.raises(ValueError, match="no key for RS256"):
        keys_from_document(document, "RS256")


def test_the_environment_names_the_provider() -> None:
    environ = {
        "AUTH_ALGORITHM": "ES256",
        "AUTH_PROVIDER_ISSUER": "https://login.example",
        "AUTH_PROVIDER_AUDIENCE": "board",
        "AUTH_PROVIDER_JWKS_URL": "https://login.example/keys",
        "AUTH_PROVIDER_TYPES": "JWT,at+jwt",
        "AUTH_PROVIDER_SUBJECT_PREFIX": "",
    }

    settings = load(AuthSettings, environ, env_file=None, prefix="AUTH_")

    assert settings.algorithm == "ES256"
    assert settings.provider == TrustedIssuer(
        issuer="https://login.example",
        audience="board",
        jwks_url="https://login.example/keys",
        types=("JWT", "at+jwt"),
        subject_prefix="",
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"jwks_url": "http://login.example/keys"},
        {"jwks_url": "file:///etc/passwd"},
        {"jwks_url": "https://user:password@login.example/keys"},
        {"jwks_url": "https://"},
        {"issuer": ""},
        {"audience": ""},
        {"types": ()},
    ],
    ids=str,
)
def test_settings_refuse(changes: dict[str, Any]) -> None:
    fields = {"issuer": "i", "audience": "a", "jwks_url": "https://login.example/keys", **changes}

    with pytest.raises(ConfigurationError):
        TrustedIssuer(**fields)
