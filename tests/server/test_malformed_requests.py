"""Requests that two parsers could read in two ways get one answer, and nothing behind them is read."""

from __future__ import annotations

import logging

import pytest
from aiohttp import web

from tests.server.raw import exchange, peer
from tests.server.service import CALLS, errors, service, serving, until

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

GET = b"GET / HTTP/1.1\r\nHost: a\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n"

# A name, and then what is sent and the status that is expected; a smuggled request follows behind each.
MALFORMED: dict[str, tuple[bytes, int]] = {
    # framing
    "content-length-and-chunked": (CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n", 400),
    "chunked-and-content-length": (
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "two-content-lengths": (POST + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\n", 400),
    "two-equal-content-lengths": (POST + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n", 400),
    "content-length-list": (POST + b"Content-Length: 0, 0\r\n\r\n", 400),
    "content-length-negative": (POST + b"Content-Length: -1\r\n\r\n", 400),
    "content-length-plus": (POST + b"Content-Length: +0\r\n\r\n", 400),
    "content-length-hex": (POST + b"Content-Length: 0x0\r\n\r\n", 400),
    "content-length-float": (POST + b"Content-Length: 0.0\r\n\r\n", 400),
    "content-length-empty": (POST + b"Content-Length:\r\n\r\n", 400),
    "content-length-underscore": (POST + b"Content-Length: 1_0\r\n\r\n", 400),
    "content-length-arabic": (POST + "Content-Length: \u0660\r\n\r\n".encode(), 400),
    "content-length-overflow": (POST + b"Content-Length: 18446744073709551616\r\n\r\n", 400),
    "transfer-encoding-empty": (POST + b"Transfer-Encoding:\r\n\r\n0\r\n\r\n", 400),
    "transfer-encoding-gzip-chunked": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    "transfer-encoding-chunked-twice": (POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400),
    "transfer-encoding-twice": (CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "transfer-encoding-identity-behind": (CHUNKED + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400),
    "transfer-encoding-identity": (POST + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400),
    "transfer-encoding-gzip": (POST + b"Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n", 400),
    "transfer-encoding-xchunked": (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    "transfer-encoding-chunkedx": (POST + b"Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n", 400),
    "transfer-encoding-quoted": (POST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n', 400),
    "transfer-encoding-parameter": (POST + b"Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", 400),
    "transfer-encoding-vertical-tab": (POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
    "transfer-encoding-nul": (POST + b"Transfer-Encoding: chunked\x00\r\n\r\n0\r\n\r\n", 400),
    "transfer-encoding-kelvin": (POST + "Transfer-Encoding: chun\u212aed\r\n\r\n0\r\n\r\n".encode(), 400),
    "transfer-encoding-http-1.0": (
        b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    # chunks
    "chunk-size-empty": (CHUNKED + b"\r\n\r\n\r\n", 400),
    "chunk-size-negative": (CHUNKED + b"\r\n-1\r\n\r\n", 400),
    "chunk-size-0x": (CHUNKED + b"\r\n0x1\r\na\r\n0\r\n\r\n", 400),
    "chunk-size-underscore": (CHUNKED + b"\r\n1_0\r\na\r\n0\r\n\r\n", 400),
    "chunk-size-space-before": (CHUNKED + b"\r\n 1\r\na\r\n0\r\n\r\n", 400),
    "chunk-size-space-behind": (CHUNKED + b"\r\n1 \r\na\r\n0\r\n\r\n", 400),
    "chunk-size-overflow": (CHUNKED + b"\r\n10000000000000001\r\na\r\n0\r\n\r\n", 400),
    "chunk-size-bare-lf": (CHUNKED + b"\r\n1\na\r\n0\r\n\r\n", 400),
    "chunk-data-too-long": (CHUNKED + b"\r\n1\r\nabc\r\n0\r\n\r\n", 400),
    "chunk-data-bare-lf": (CHUNKED + b"\r\n1\r\na\n0\r\n\r\n", 400),
    "chunk-extension-bare-lf": (CHUNKED + b"\r\n1;x=\ny\r\na\r\n0\r\n\r\n", 400),
    "chunk-extension-nul": (CHUNKED + b"\r\n1;\x00\r\na\r\n0\r\n\r\n", 400),
    "chunk-trailer-without-name": (CHUNKED + b"\r\n0\r\n: x\r\n\r\n", 400),
    # header lines
    "space-before-colon": (GET + b"X-A : b\r\n\r\n", 400),
    "tab-before-colon": (GET + b"X-A\t: b\r\n\r\n", 400),
    "space-before-content-length-colon": (POST + b"Content-Length : 5\r\n\r\n", 400),
    "space-before-name": (b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    "obs-fold": (GET + b"X-A: b\r\n c\r\n\r\n", 400),
    "obs-fold-tab": (GET + b"X-A: b\r\n\tc\r\n\r\n", 400),
    "bare-cr-in-value": (GET + b"X-A: b\rX-B: c\r\n\r\n", 400),
    "bare-cr-in-name": (GET + b"X-A\rX-B: c\r\n\r\n", 400),
    "bare-lf-behind-header": (GET + b"X-A: b\nX-B: c\r\n\r\n", 400),
    "bare-lf-behind-request-line": (b"GET / HTTP/1.1\nHost: a\r\n\r\n", 400),
    "bare-lf-everywhere": (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    "nul-in-value": (GET + b"X-A: b\x00c\r\n\r\n", 400),
    "nul-in-name": (GET + b"X\x00A: b\r\n\r\n", 400),
    "control-in-value": (GET + b"X-A: b\x01c\r\n\r\n", 400),
    "empty-name": (GET + b": b\r\n\r\n", 400),
    "no-colon": (GET + b"X-A\r\n\r\n", 400),
    "unicode-name": (GET + "X-\u00c4: b\r\n\r\n".encode(), 400),
    "parenthesis-in-name": (GET + b"X-(A): b\r\n\r\n", 400),
    # request lines
    "no-version": (b"GET /\r\nHost: a\r\n\r\n", 400),
    "version-0.9": (b"GET / HTTP/0.9\r\nHost: a\r\n\r\n", 400),  # 505 with nothing behind it
    "version-1.2": (b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505),
    "version-2.0": (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 400),
    "version-lower-case": (b"GET / http/1.1\r\nHost: a\r\n\r\n", 400),
    "version-spaced": (b"GET / HTTP/ 1.1\r\nHost: a\r\n\r\n", 400),
    "version-long": (b"GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400),
    "http-2-preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "no-target": (b"GET HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "space-in-target": (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "tab-for-space": (b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "nul-in-target": (b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "non-ascii-target": ("GET /\u00e4 HTTP/1.1\r\nHost: a\r\n\r\n".encode(), 400),
    "latin-1-target": (b"GET /\xe4 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "fragment-in-target": (b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "unknown-method": (b"FETCH / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "lower-case-method": (b"get / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "connect": (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 405),
    "connect-path": (b"CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    "trace": (b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    "asterisk-for-get": (b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "tls-hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40, 400),
    "garbage": (b"\xff\xfe\xfd\r\n\r\n", 400),
    # dot segments
    "dot-dot-segment": (b"GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "dot-segment": (b"GET /a/./b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "dot-dot-last": (b"GET /a/.. HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "dot-dot-before-query": (b"GET /a/..?b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "dot-dot-escaped": (b"GET /a/%2e%2E/b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "dot-dot-half-escaped": (b"GET /a/.%2e/b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "dot-dot-absolute": (b"GET http://a/../b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    # hosts
    "no-host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two-hosts": (GET + b"Host: b\r\n\r\n", 400),
    "two-equal-hosts": (GET + b"Host: a\r\n\r\n", 400),
    "host-empty": (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
    "host-port-too-large": (b"GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", 400),
    "host-port-no-number": (b"GET / HTTP/1.1\r\nHost: a:abc\r\n\r\n", 400),
    "host-two-ports": (b"GET / HTTP/1.1\r\nHost: a:80:80\r\n\r\n", 400),
    "host-port-only": (b"GET / HTTP/1.1\r\nHost: :80\r\n\r\n", 400),
    "host-arabic-port": ("GET / HTTP/1.1\r\nHost: a:\u0661\r\n\r\n".encode(), 400),
    "host-with-user": (b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
    "host-with-path": (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    "host-with-scheme": (b"GET / HTTP/1.1\r\nHost: http://a\r\n\r\n", 400),
    "host-list": (b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
    "host-with-space": (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    "host-unicode": ("GET / HTTP/1.1\r\nHost: \u00e4.example\r\n\r\n".encode(), 400),
    "host-bad-ipv6": (b"GET / HTTP/1.1\r\nHost: [::1::]\r\n\r\n", 400),
    "host-open-ipv6": (b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400),
    "host-bare-ipv6": (b"GET / HTTP/1.1\r\nHost: ::1\r\n\r\n", 400),
    "host-no-ipv6": (b"GET / HTTP/1.1\r\nHost: [zz]\r\n\r\n", 400),
    "host-too-long": (b"GET / HTTP/1.1\r\nHost: " + b"a" * 256 + b"\r\n\r\n", 400),
    "host-and-target-differ": (b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "host-and-target-port-differ": (b"GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "absolute-with-user": (b"GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "absolute-other-scheme": (b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "absolute-without-host": (b"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "absolute-bad-port": (b"GET http://a:99999/ HTTP/1.1\r\nHost: a:99999\r\n\r\n", 400),
    # expectations and encodings
    "expectation-unknown": (POST + b"Expect: 200-ok\r\nContent-Length: 0\r\n\r\n", 417),
    "expectation-twice": (POST + b"Expect: 100-continue\r\nExpect: x\r\nContent-Length: 1\r\n\r\nx", 417),
    "body-gzip": (POST + b"Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx", 415),
    "body-made-up-encoding": (POST + b"Content-Encoding: x-own\r\nContent-Length: 1\r\n\r\nx", 415),
    "body-identity-and-gzip": (
        POST + b"Content-Encoding: identity\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
        415,
    ),
}


@pytest.mark.guarantee("malformed requests")
@pytest.mark.parametrize(("data", "status"), MALFORMED.values(), ids=MALFORMED.keys())
async def test_a_malformed_request_is_answered_once_and_nothing_behind_it_is_read(
    data: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    app = service()

    async with serving(app) as running:
        answers = await exchange(running.port, data + SMUGGLED)

    assert [answer.status for answer in answers] == [status]
    assert answers[0].problem["detail"]
    assert app[CALLS] == []
    assert errors(caplog.records) == []


@pytest.mark.guarantee("malformed requests")
@pytest.mark.parametrize(("data", "status"), MALFORMED.values(), ids=MALFORMED.keys())
async def test_a_malformed_request_is_refused_on_a_connection_that_has_been_good(
    data: bytes, status: int
) -> None:
    app = service()

    async with serving(app) as running, peer(running.port) as client:
        await client.send(GET + b"\r\n")
        good = await client.answer()
        await client.send(data + SMUGGLED)
        answers = await client.answers()

    assert good.status == 200
    assert [answer.status for answer in answers] == [status]
    assert app[CALLS] == ["GET /"]


@pytest.mark.guarantee("malformed requests")
@pytest.mark.parametrize("target", ["TRACE /", "CONNECT a:443", "CONNECT /"])
async def test_a_method_that_is_never_served_is_told_those_that_are(target: str) -> None:
    async with serving(service()) as running:
        [answer] = await exchange(running.port, f"{target} HTTP/1.1\r\nHost: a:443\r\n\r\n".encode())

    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"


@pytest.mark.guarantee("malformed requests")
async def test_a_body_that_turns_out_malformed_fails_the_read_of_its_handler() -> None:
    app = service()

    async with serving(app) as running, peer(running.port) as client:
        await client.send(CHUNKED + b"\r\n5\r\nhello\r\n")
        await until(lambda: app[CALLS])
        await client.send(b"zz\r\nworld\r\n0\r\n\r\n" + SMUGGLED)
        answers = await client.answers()

    assert [answer.status for answer in answers] == [400]
    assert "chunk" in answers[0].problem["detail"]
    assert app[CALLS] == ["POST /"]


async def test_a_body_that_turns_out_malformed_while_it_is_read_away_is_no_error_of_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=401)

    async with serving(service(web.post("/", refuse))) as running, peer(running.port) as client:
        await client.send(CHUNKED + b"\r\n5\r\nhello\r\n")
        answer = await client.answer()
        await client.send(b"zz\r\n" + SMUGGLED)
        rest = await client.until_closed()

    assert answer.status == 401
    assert rest == b""
    assert errors(caplog.records) == []


async def test_what_follows_garbage_is_not_read() -> None:
    app = service()

    async with serving(app) as running, peer(running.port) as client:
        await client.send(b"garbage\r\n\r\n")
        answer = await client.answer()
        await client.send(SMUGGLED)
        rest = await client.until_closed()

    assert answer.status == 400
    assert rest == b""
    assert app[CALLS] == []


@pytest.mark.guarantee("malformed requests")
async def test_a_refusal_is_one_bounded_log_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async with serving(service()) as running:
        await exchange(running.port, GET + b"X-A: \x01" + b"secret" * 500 + b"\r\n\r\n")

    [record] = [record for record in caplog.records if record.getMessage() == "Refused a request"]
    facts = record.__dict__
    assert facts["status"] == 400
    assert facts["client"] == "127.0.0.1"
    assert "secret" not in facts["reason"]
    assert len(facts["reason"]) < 200
