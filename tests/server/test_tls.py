"""The same server behind TLS."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from framework.server import ServerSettings, serve
from tests.server.processes import command
from tests.server.raw import Peer, peer, request
from tests.server.service import service


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Make a certificate that nobody trusts, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "certificate.pem", folder / "key.pem"


def trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def statuses(port: int, data: bytes) -> list[int]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting())
    client = Peer(reader, writer)
    await client.send(data)
    answers = await client.answers()
    writer.close()
    return [answer.status for answer in answers]


@pytest.mark.guarantee("malformed requests")
async def test_requests_and_refusals_go_through_tls(certificate: tuple[Path, Path]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    settings = ServerSettings(port=0, linger_seconds=0.3, header_read_seconds=0.5)
    async with serve(service(), settings, ssl_context=context) as running:
        good = await statuses(running.port, request("GET / HTTP/1.1", "Connection: close"))
        malformed = await statuses(running.port, b"garbage\r\n\r\n")
        late = await statuses(running.port, b"GET / HT")

    assert running.url == f"https://127.0.0.1:{running.port}"
    assert (good, malformed, late) == ([200], [400], [408])


@pytest.mark.guarantee("handshakes")
async def test_a_handshake_that_never_ends_is_cut(certificate: tuple[Path, Path]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    settings = ServerSettings(port=0, handshake_seconds=0.3)
    async with serve(service(), settings, ssl_context=context) as running, peer(running.port) as client:
        started = asyncio.get_running_loop().time()
        await client.send(b"\x16\x03\x01")  # the first bytes of a ClientHello
        left = await client.until_closed()
        waited = asyncio.get_running_loop().time() - started

    assert left == b""
    assert 0.2 < waited < 5


@pytest.mark.process
async def test_gunicorn_serves_tls_with_its_own_options(
    certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    options = [f"--certfile={certificate[0]}", f"--keyfile={certificate[1]}", "--no-control-socket"]
    worker = "--worker-class=framework.server.worker.Worker"

    async with command(
        tmp_path, "gunicorn", "--bind=127.0.0.1:{port}", worker, *options, "services:build"
    ) as running:
        await running.says("opened")
        found = await statuses(running.port, request("GET /pid HTTP/1.1", "Connection: close"))

    assert found == [200]
