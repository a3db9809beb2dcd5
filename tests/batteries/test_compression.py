"""Answers are compressed as each client can take them, and only where nobody learns a secret from their size."""

from __future__ import annotations

import gzip
import sys
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from typing import Any

import aiohttp
import brotli
import pytest
from aiohttp import web
from multidict import CIMultiDict

from framework import RouteTableDef, ServiceSettings, create_app, file, public, standard, stream
from framework.batteries import compression
from framework.batteries.compression import CompressionSettings, compressed
from framework.conditional import ensure_match, not_modified, tagged
from framework.errors import ConfigurationError, NotFound
from framework.testing import Serve

LONG = "long " * 1000
HTML = f"<p>{LONG}</p>"
NEWER = sys.version_info >= (3, 14)
zstd: Any = import_module("compression.zstd" if NEWER else "zstandard")
DECODE = {"gzip": gzip.decompress, "br": brotli.decompress, "zstd": zstd.decompress}

routes = RouteTableDef()


@routes.get("/json")
@public
async def long_json() -> dict[str, str]:
    return {"text": LONG}


@routes.get("/huge")
@public
async def huge() -> list[str]:
    return [LONG] * 100


@routes.get("/short")
@public
async def short() -> str:
    return "short"


@routes.get("/open")
@compressed
@public
async def open_page() -> dict[str, str]:
    return {"text": LONG}


@routes.get("/as/{name}")
@public
async def as_asked(request: web.Request, name: str) -> web.StreamResponse:
    kinds = {
        "html": web.Response(text=HTML, content_type="text/html"),
        "svg": web.Response(text=HTML, content_type="image/svg+xml"),
        "problem": web.Response(text=HTML, content_type="application/problem+json"),
        "png": web.Response(body=LONG.encode(), content_type="image/png"),
        "coded": web.Response(body=LONG.encode(), headers={"Content-Encoding": "x"}),
        "fixed": web.Response(text=HTML, headers={"Cache-Control": "private, no-transform"}),
        "part": web.Response(text=HTML, status=206, headers={"Content-Range": "bytes 0-5003/9000"}),
        "cookie": web.Response(text=HTML),
        "vary": web.Response(text=HTML, headers={"Vary": "Accept"}),
        "digest": web.Response(text=HTML, headers={"Content-Digest": "sha-256=:AA==:"}),
        "length": web.Response(
            body=HTML.encode(), content_type="text/html", headers={"Content-Length": str(len(HTML))}
        ),
    }
    kinds["cookie"].set_cookie("a", "b")
    return kinds[name]


@routes.get("/enabled")
@public
async def enabled() -> web.Response:
    response = web.Response(text=LONG)
    response.enable_compression(web.ContentCoding.deflate)
    return response


@routes.get("/version")
@public
async def version(request: web.Request) -> Any:
    return not_modified(request, "v1") or tagged({"text": LONG}, "v1")


@routes.put("/version")
@public
async def change(request: web.Request) -> None:
    ensure_match(request, "v1")


@routes.get("/missing")
@public
async def missing() -> str:
    raise NotFound("thing", "x" * 3000)


@routes.get("/lines")
@public
async def lines() -> web.StreamResponse:
    async def each() -> AsyncIterator[bytes]:
        yield LONG.encode()

    return stream(each(), content_type="application/x-ndjson")


def service(settings: CompressionSettings | None = None) -> web.Application:
    known = ServiceSettings()
    return create_app(known, routes=[routes], batteries=[*standard(known), compression.battery(settings)])


async def fetch(url: Any, accept: str | None = "gzip", method: str = "GET", **headers: str) -> Any:
    sent = headers if accept is None else {"Accept-Encoding": accept, **headers}
    skipped = () if accept is not None else ("Accept-Encoding",)
    async with (
        aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=skipped) as client,
        client.request(method, url, headers=sent) as response,
    ):
        return response, await response.read()


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        pytest.param("gzip", "gzip", id="gzip"),
        pytest.param("br", "br", id="br"),
        pytest.param("zstd", "zstd", id="zstd"),
        pytest.param("gzip, deflate, br, zstd", "zstd", id="a browser's"),
        pytest.param("gzip, deflate, br", "br", id="an older browser's"),
        pytest.param("gzip;q=1, br;q=0.5", "gzip", id="ranked"),
        pytest.param("*", "zstd", id="any"),
        pytest.param("br;q=0, *", "zstd", id="any but one"),
        pytest.param("GZIP", "gzip", id="upper case"),
        pytest.param(None, None, id="not sent"),
        pytest.param("", None, id="empty"),
        pytest.param("identity", None, id="identity"),
        pytest.param("deflate", None, id="another"),
        pytest.param("gzip;q=0", None, id="refused"),
        pytest.param("identity, gzip;q=0.5", None, id="rather as it is"),
        pytest.param("gzip;q=rubbish;;,,", None, id="rubbish"),
    ],
)
async def test_the_coding_is_what_the_client_ranks_highest(
    serve: Serve, accept: str | None, coding: str | None
) -> None:
    url = await serve(service())

    response, body = await fetch(url / "json", accept)

    assert response.headers.get("Content-Encoding") == coding
    assert response.headers["Vary"].split(", ").count("Accept-Encoding") == 1
    assert int(response.headers["Content-Length"]) == len(body)
    text = body if coding is None else DECODE[coding](body)
    assert text == b'{"text":"' + LONG.encode() + b'"}'
    assert (len(body) < 500) is (coding is not None)


@pytest.mark.parametrize(
    ("path", "is_compressed"),
    [
        ("huge", True),
        ("as/html", True),
        ("as/svg", True),
        ("as/problem", True),
        ("as/vary", True),
        ("as/length", True),
        ("as/digest", False),
        ("openapi.json", True),
        ("short", False),
        ("as/png", False),
        ("as/coded", False),
        ("as/fixed", False),
        ("as/part", False),
        ("as/cookie", False),
        ("lines", False),
        ("missing", False),
    ],
)
async def test_what_is_worth_it_is_compressed(serve: Serve, path: str, is_compressed: bool) -> None:
    url = await serve(service())

    response, body = await fetch(url / path)

    assert (response.headers.get("Content-Encoding") == "gzip") is is_compressed
    if is_compressed:
        assert len(gzip.decompress(body)) > len(body)


async def test_a_handler_s_own_compression_stays(serve: Serve) -> None:
    url = await serve(service())

    response, _ = await fetch(url / "enabled", "gzip, deflate")

    assert response.headers["Content-Encoding"] == "deflate"


@pytest.mark.parametrize(("path", "is_compressed"), [("json", False), ("open", True)])
async def test_requests_with_cookies_are_answered_as_it_is_unless_no_secret_is_told(
    serve: Serve, path: str, is_compressed: bool
) -> None:
    url = await serve(service())

    response, _ = await fetch(url / path, Cookie="session=x")

    assert ("Content-Encoding" in response.headers) is is_compressed


async def test_head_tells_of_the_answer_to_get(serve: Serve) -> None:
    url = await serve(service())

    got, body = await fetch(url / "json")
    told, nothing = await fetch(url / "json", method="HEAD")

    names = ("Content-Encoding", "Content-Length", "Content-Type", "Vary")
    assert [told.headers[name] for name in names] == [got.headers[name] for name in names]
    assert (bool(body), nothing) == (True, b"")


async def test_each_coding_is_a_version_of_its_own_and_a_handler_needs_not_know(serve: Serve) -> None:
    url = await serve(service()) / "version"
    tags = {}
    for accept in ("identity", "gzip", "br", "zstd"):
        response, _ = await fetch(url, accept)
        tags[accept] = response.headers["ETag"]

    again = {accept: (await fetch(url, accept, **{"If-None-Match": tag}))[0] for accept, tag in tags.items()}
    changed = [(await fetch(url, method="PUT", **{"If-Match": tag}))[0].status for tag in tags.values()]
    other = (await fetch(url, method="PUT", **{"If-Match": '"v2--gzip"'}))[0].status

    assert len({*tags.values()}) == 4
    assert {accept: (each.status, each.headers["ETag"]) for accept, each in again.items()} == {
        accept: (304, tag) for accept, tag in tags.items()
    }
    assert all("Accept-Encoding" in each.headers["Vary"] for each in again.values())
    assert changed == [204] * 4
    assert other == 412


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_length_that_a_handler_named_is_that_of_what_is_sent(serve: Serve, method: str) -> None:
    url = await serve(service())
    async with aiohttp.ClientSession(auto_decompress=False) as client:  # on one connection
        lengths = []
        for _ in range(2):
            async with client.request(
                method, url / "as/length", headers={"Accept-Encoding": "gzip"}
            ) as response:
                lengths.append((int(response.headers["Content-Length"]), len(await response.read())))

    assert lengths[0] == lengths[1]
    assert lengths[0][0] < 500
    assert lengths[0][1] == (lengths[0][0] if method == "GET" else 0)


async def test_several_lines_of_what_is_accepted_are_one(serve: Serve) -> None:
    url = await serve(service())
    headers = CIMultiDict([("Accept-Encoding", "identity;q=0.1"), ("Accept-Encoding", "x-gzip")])
    async with (
        aiohttp.ClientSession(auto_decompress=False) as client,
        client.get(url / "json", headers=headers) as response,
    ):
        assert response.headers["Content-Encoding"] == "gzip"


async def test_a_long_wish_is_not_cut_within_a_word(serve: Serve) -> None:
    url = await serve(service())
    padding = ",".join(["a"] * 497)  # so that the limit falls into the last quality

    response, _ = await fetch(url / "json", f"{padding},gzip;q=0")

    assert "Content-Encoding" not in response.headers


async def test_files_are_sent_as_they_are(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text(LONG)
    more = RouteTableDef()

    @more.get("/file")
    @public
    async def send() -> web.StreamResponse:
        return file(tmp_path / "long.txt")

    known = ServiceSettings()
    app = create_app(known, routes=[more], batteries=[*standard(known), compression.battery()])

    response, body = await fetch(await serve(app) / "file")

    assert "Content-Encoding" not in response.headers
    assert body == LONG.encode()


async def test_settings_say_what_is_short(serve: Serve) -> None:
    url = await serve(service(CompressionSettings(min_bytes=100_000)))

    assert "Content-Encoding" not in (await fetch(url / "json"))[0].headers
    assert "Content-Encoding" in (await fetch(url / "huge"))[0].headers


@pytest.mark.parametrize(
    "wrong", [{"min_bytes": 0}, {"gzip_level": 0}, {"brotli_level": 12}, {"zstd_level": -1}]
)
def test_settings_refuse(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        CompressionSettings(**wrong)


def test_the_mark_needs_the_battery() -> None:
    with pytest.raises(ConfigurationError, match="needs the battery 'compression'"):
        create_app(routes=[routes])
