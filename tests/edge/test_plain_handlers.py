"""A plain aiohttp handler reads a request within the limits of a typed one."""

from __future__ import annotations

import json
import logging

import pytest
from aiohttp import ClientSession, web

from framework import RouteTableDef, create_app, public
from framework.testing import Serve
from tests.edge.catalogue import END, MULTIPART, named, part
from tests.edge.service import build

pytestmark = pytest.mark.guarantee("bounded forms")

FORM = dict([MULTIPART.split(": ", 1)])
PATHS = ["/forms", "/plain/post", "/plain/multipart"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("count", "is_taken"), [(50, True), (51, False)])
async def test_a_form_has_fifty_parts_at_most(
    serve: Serve, client: ClientSession, path: str, count: int, is_taken: bool
) -> None:
    fields = b"".join(named(b"f%d" % number) for number in range(count - 1))

    url = await serve(build())
    async with client.post(url / path[1:], data=named(b"title") + fields + END, headers=FORM) as answer:
        problem = await answer.json()

    # The typed form knows none of these fields, and says so.
    assert answer.status == ((422 if path == "/forms" else 200) if is_taken else 400)
    assert is_taken or "50" in problem["detail"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("size", "status"), [(8_000, 200), (8_300, 400)])
async def test_the_headers_of_a_part_have_eight_kibibytes_at_most(
    serve: Serve, client: ClientSession, path: str, size: int, status: int
) -> None:
    body = (
        named(b"title", *[b"X-A: ".ljust(1_000, b"b")] * (size // 1_002), b"X-B: ".ljust(size % 1_002)) + END
    )

    url = await serve(build())
    async with client.post(url / path[1:], data=body, headers=FORM) as answer:
        pass

    assert answer.status == status


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "part_of_it",
    [
        part(b"Content-Disposition: form-data" + b";" * 8_000),
        part(b"Content-Disposition: form-data" + b"; =" * 2_600),
        b"\n" * 100_000,
    ],
    ids=["semicolons", "malformed parameters", "preamble"],
)
async def test_a_malformed_part_is_one_bounded_line_in_the_log(
    serve: Serve, client: ClientSession, caplog: pytest.LogCaptureFixture, path: str, part_of_it: bytes
) -> None:
    caplog.set_level(logging.INFO)

    url = await serve(build())
    caplog.clear()
    async with client.post(url / path[1:], data=part_of_it * 10 + END, headers=FORM) as answer:
        problem = await answer.json()

    assert answer.status == problem["status"] == 400
    assert len(caplog.records) <= 1
    assert sum(len(record.getMessage()) for record in caplog.records) < 1_000


async def test_a_handler_that_waits_for_the_errors_of_aiohttp_gets_them(
    serve: Serve, client: ClientSession
) -> None:
    routes = RouteTableDef()

    @routes.post("/{way}")
    @public
    async def read(request: web.Request) -> web.Response:
        try:
            await (request.json() if request.match_info["way"] == "json" else request.post())
        except (json.JSONDecodeError, ValueError) as error:
            return web.Response(text=type(error).__name__, status=418)
        return web.Response()

    url = await serve(create_app(routes=[routes]))
    async with client.post(url / "json", data=b"{") as no_json:
        pass
    async with client.post(url / "post", data=b"x", headers=FORM) as no_form:
        pass

    assert (no_json.status, no_form.status) == (418, 418)


async def test_json_that_a_service_cannot_keep_apart_is_refused(serve: Serve, client: ClientSession) -> None:
    url = await serve(build())
    found = []
    for body in (b"NaN", b"[" * 65 + b"]" * 65, b"9" * 30, b'"\\ud800"', b"\xef\xbb\xbf[1]", b'"\\u00e4"'):
        async with client.post(url / "plain/json", data=body) as answer:
            found.append(answer.status)

    assert found == [400, 400, 400, 400, 200, 200]


async def test_text_in_another_encoding_is_read(serve: Serve, client: ClientSession) -> None:
    url = await serve(build())
    headers = {"Content-Type": "application/json; charset=windows-1252"}
    async with client.post(url / "plain/json", data='["é"]'.encode("cp1252"), headers=headers) as answer:
        kind = await answer.json()

    assert kind == {"kind": "list"}


async def test_of_two_cookies_the_first_counts_and_names_are_exact(
    serve: Serve, client: ClientSession
) -> None:
    routes = RouteTableDef()

    @routes.get("/")
    @public
    async def cookies(request: web.Request) -> web.Response:
        return web.json_response(dict(request.cookies))

    url = await serve(create_app(routes=[routes]))
    sent = 'a=1; a=2; \u2000b=3; c="x\\054 \\"y\\""; d; =e; f=g=h; i='
    async with client.get(url, headers=[("Cookie", sent), ("Cookie", "j=k")]) as answer:
        found = await answer.json()

    assert found == {"a": "1", "\u2000b": "3", "c": 'x, "y"', "f": "g=h", "i": "", "j": "k"}
