"""The headers that make a browser careful stand on every answer, and a handler's own come first."""

from __future__ import annotations

import asyncio
import re
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from framework.app import ServiceSettings, create_app
from framework.batteries import problems, security
from framework.batteries.security import SecuritySettings
from framework.battery import Battery
from framework.context import PRINCIPAL, nonce
from framework.errors import ConfigurationError, NotFound
from framework.principal import Principal
from framework.routing import RouteTableDef
from framework.testing import Serve

COMMON = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PAGE = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
API_POLICY = "default-src 'none'; frame-ancestors 'none'"


def service(
    *handlers: Any, settings: SecuritySettings | None = None, inner: tuple[Battery, ...] = ()
) -> web.Application:
    routes = RouteTableDef()
    for handler in handlers:
        routes.get(f"/{handler.__name__}")(handler)
    batteries = [problems.battery(), security.battery(settings), *inner]
    return create_app(ServiceSettings(), routes=[routes], batteries=batteries)


async def data(request: web.Request) -> dict[str, int]:
    return {"a": 1}


async def page(request: web.Request) -> web.Response:
    return web.Response(text="<p>", content_type="text/html")


async def page_with_script(request: web.Request) -> web.Response:
    text = f"<script nonce={nonce(request)}></script><style nonce={nonce(request)}></style>"
    return web.Response(text=text, content_type="text/html")


async def streaming(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    return response


async def failing(request: web.Request) -> web.Response:
    raise RuntimeError


async def missing(request: web.Request) -> web.Response:
    raise NotFound


async def moved(request: web.Request) -> web.Response:
    raise web.HTTPFound("/data")


@pytest.mark.parametrize(
    ("path", "status"),
    [("data", 200), ("streaming", 200), ("failing", 500), ("missing", 404), ("moved", 302), ("nowhere", 404)],
)
async def test_every_answer_has_the_common_headers(
    serve: Serve, client: aiohttp.ClientSession, path: str, status: int
) -> None:
    url = await serve(service(data, streaming, failing, missing, moved))

    async with client.get(url / path, allow_redirects=False) as response:
        await response.read()

    assert response.status == status
    assert COMMON.items() <= response.headers.items()
    assert response.headers["Content-Security-Policy"] == API_POLICY
    assert not PAGE.keys() & response.headers.keys()
    assert "Server" not in response.headers
    assert "Strict-Transport-Security" not in response.headers


@pytest.mark.guarantee("malformed requests")
async def test_a1_so_has_the_answer_to_what_is_no_request(serve: Serve) -> None:
    url = await serve(service(data))
    reader, writer = await asyncio.open_connection(url.host, url.port)

    writer.write(b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = (await asyncio.wait_for(reader.read(), 10)).decode()
    writer.close()
    await writer.wait_closed()

    assert answer.startswith("HTTP/1.1 400 ")
    assert all(f"\r\n{name}: {value}\r\n" in answer for name, value in COMMON.items())
    assert "application/problem+json" in answer


async def test_a_page_has_those_of_pages_too(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve(service(page))

    async with client.get(url / "page") as response:
        await response.read()

    policy = response.headers["Content-Security-Policy"]
    assert (COMMON | PAGE).items() <= response.headers.items()
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self';" in policy
    assert "nonce" not in policy


async def test_a_pages_nonce_stands_in_its_policy_and_is_new_each_time(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(service(page_with_script))
    seen = []
    for _ in range(2):
        async with client.get(url / "page_with_script") as response:
            nonces = set(re.findall("nonce=([^>]+)>", await response.text()))
        (value,) = nonces
        policy = response.headers["Content-Security-Policy"]
        assert f"script-src 'self' 'nonce-{value}';" in policy
        assert f"style-src 'self' 'nonce-{value}';" in policy
        seen.append(value)

    assert len(set(seen)) == 2
    assert all(len(value) >= 22 for value in seen)


async def test_a_handlers_own_header_stays(serve: Serve, client: aiohttp.ClientSession) -> None:
    own = {
        "Content-Security-Policy": "sandbox",
        "Referrer-Policy": "origin",
        "Cache-Control": "max-age=60",
        "Strict-Transport-Security": "max-age=1",
    }

    async def special(request: web.Request) -> web.Response:
        return web.Response(headers=own)

    settings = SecuritySettings(behind_tls=True)
    url = await serve(service(special, settings=settings, inner=(SIGNED_IN,)))

    async with client.get(url / "special") as response:
        await response.read()

    assert own.items() <= response.headers.items()
    assert all(len(response.headers.getall(name)) == 1 for name in own)


async def _sign_in(request: web.Request, handler: Any) -> web.StreamResponse:
    request[PRINCIPAL] = Principal(subject="7")
    response: web.StreamResponse = await handler(request)
    return response


SIGNED_IN = Battery(name="auth", middleware=_sign_in)


async def test_an_authenticated_answer_is_not_stored(serve: Serve, client: aiohttp.ClientSession) -> None:
    url, anonymous = await serve(service(data, inner=(SIGNED_IN,))), await serve(service(data))
    seen = []
    for each in (url, anonymous):
        async with client.get(each / "data") as response:
            seen.append(response.headers.get("Cache-Control"))

    assert seen == ["no-store", None]


async def test_an_error_is_not_stored(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve(service(missing))

    async with client.get(url / "missing") as response:
        await response.read()

    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("settings", "value"),
    [
        pytest.param(SecuritySettings(behind_tls=True), "max-age=31536000", id="behind TLS"),
        pytest.param(
            SecuritySettings(behind_tls=True, hsts_age=timedelta(hours=1), hsts_subdomains=True),
            "max-age=3600; includeSubDomains",
            id="with subdomains",
        ),
        pytest.param(SecuritySettings(behind_tls=True, hsts_age=timedelta()), None, id="switched off"),
        pytest.param(SecuritySettings(), None, id="over plain HTTP"),
    ],
)
async def test_hsts_goes_out_over_tls_alone(
    serve: Serve, client: aiohttp.ClientSession, settings: SecuritySettings, value: str | None
) -> None:
    url = await serve(service(data, settings=settings))

    async with client.get(url / "data") as response:
        await response.read()

    assert response.headers.get("Strict-Transport-Security") == value


async def test_hsts_goes_out_on_a_connection_with_tls(
    client: aiohttp.ClientSession, certificate: Path
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    runner = web.AppRunner(service(data))
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        async with client.get(f"https://127.0.0.1:{runner.addresses[0][1]}/data", ssl=False) as response:
            await response.read()
    finally:
        await runner.cleanup()

    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Return a file with a new key and a certificate that is signed with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    unencrypted = serialization.NoEncryption()
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, unencrypted)
    path = tmp_path / "certificate.pem"
    path.write_bytes(private + signed.public_bytes(encoding))
    return path


async def test_an_empty_setting_leaves_its_header_out(serve: Serve, client: aiohttp.ClientSession) -> None:
    settings = SecuritySettings(
        page_policy="", referrer_policy="", opener_policy="", resource_policy="", permissions_policy=""
    )
    url = await serve(service(page, settings=settings))

    async with client.get(url / "page") as response:
        await response.read()

    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert not {*PAGE, "Referrer-Policy", "Content-Security-Policy"} & response.headers.keys()


@pytest.mark.parametrize("value", ["a\r\nb", "a\nb", "a\x00", "ä"])
def test_a28_a_header_that_cannot_be_sent_is_refused_at_start(value: str) -> None:
    with pytest.raises(ConfigurationError, match="referrer_policy"):
        replace(SecuritySettings(), referrer_policy=value)


def test_a_negative_age_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="negative"):
        SecuritySettings(hsts_age=timedelta(seconds=-1))
