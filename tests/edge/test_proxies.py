"""Behind nginx and haproxy, which use connections again, no request changes what another client is answered."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from framework.server import serve
from tests.edge.catalogue import BAD_CHUNKS, BAD_CODINGS, BAD_HEADERS, BAD_LENGTHS
from tests.edge.service import build
from tests.ports import free_port
from tests.server.raw import exchange, request
from tests.servers import missing, running

NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log /dev/null;
events {{ worker_connections 512; }}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    upstream service {{ server 127.0.0.1:{upstream}; keepalive 1; }}
    server {{
        listen 127.0.0.1:{port}; proxy_request_buffering off; ignore_invalid_headers off;
        location / {{ proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection ""; }}
    }}
}}
"""
HAPROXY = """
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
    option http-buffer-request
frontend front
    bind 127.0.0.1:{port}
    default_backend service
backend service
    http-reuse always
    server one 127.0.0.1:{upstream} maxconn 1
"""
PROXIES = {
    "nginx": (NGINX, ["-p", "{folder}", "-c", "{file}"]),
    "haproxy": (HAPROXY, ["-f", "{file}", "-db"]),
}
SMUGGLED = b"GET /numbers/666 HTTP/1.1\r\nHost: a\r\n\r\n"


def attacks() -> Iterator[bytes]:
    """Yield requests that two readers may take for different ones, each with another one in what follows."""
    line = "POST /plain/read HTTP/1.1"
    for length in BAD_LENGTHS:
        yield request(line, f"Content-Length: {length}") + SMUGGLED
        yield request(line, f"Content-Length: {length}", f"Content-Length: {len(SMUGGLED)}") + SMUGGLED
        yield (
            request(line, f"Content-Length: {length}", "Transfer-Encoding: chunked") + b"0\r\n\r\n" + SMUGGLED
        )
    for coding in BAD_CODINGS:
        yield request(line, f"Transfer-Encoding: {coding}") + b"0\r\n\r\n" + SMUGGLED
        coded = request(line, f"Transfer-Encoding: {coding}", f"Content-Length: {len(SMUGGLED)}")
        yield coded + b"0\r\n\r\n" + SMUGGLED
    for chunk in BAD_CHUNKS:
        yield request(line, "Transfer-Encoding: chunked") + chunk + SMUGGLED
        yield request(line, "Transfer-Encoding: chunked") + b"0\r\nX: a\r\n" + chunk + b"\r\n" + SMUGGLED
    for header in BAD_HEADERS:
        yield (
            b"POST /plain/read HTTP/1.1\r\nHost: a\r\n"
            + header
            + b"\r\nContent-Length: 5\r\n\r\nhello"
            + SMUGGLED
        )


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.process
@pytest.mark.guarantee("malformed requests")
@pytest.mark.parametrize("name", PROXIES)
async def test_a_follow_up_of_another_client_is_answered_as_ever(name: str, tmp_path: Path) -> None:
    program = shutil.which(name) or missing(name, name)
    config, options = PROXIES[name]
    port, file = free_port(), tmp_path / "proxy.conf"
    found = []
    async with serve(build()) as upstream:
        file.write_text(config.format(folder=tmp_path, upstream=upstream.port, port=port))
        command = [program, *(option.format(folder=tmp_path, file=file) for option in options)]
        with running(command, lambda: listens(port)):
            for attack in attacks():
                sent = asyncio.create_task(exchange(port, attack))
                await asyncio.wait([sent], timeout=0.05)
                [answer] = await exchange(port, request("GET / HTTP/1.1", "Connection: close"))
                sent.cancel()
                await asyncio.gather(sent, return_exceptions=True)
                found.append((attack, answer.status, b"hello" in answer.body or answer.body))

    assert len(found) > 150
    assert [each for each in found if each[1:] != (200, True)] == []
