"""Static files come from an index made at start-up; nothing else can be reached."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from framework import ServiceSettings, create_app
from framework.errors import ConfigurationError
from framework.routing import RouteTableDef
from framework.testing import Serve
from tests.kernel import kernel_app


@pytest.fixture
async def url(serve: Serve, tmp_path: Path) -> URL:
    root = tmp_path / "static"
    (root / "css").mkdir(parents=True)
    (root / "css" / "site.css").write_text("body {}")
    (root / ".hidden").write_text("hidden")
    (tmp_path / "secret.txt").write_text("secret")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    (root / "folder").symlink_to(tmp_path)
    routes = RouteTableDef()
    routes.static("/static", root)
    return await serve(kernel_app(routes))


async def test_a_file_is_served_with_its_type(url: URL, client: aiohttp.ClientSession) -> None:
    async with client.get(url / "static/css/site.css") as response:
        text = await response.text()

    assert (response.status, text, response.content_type) == (200, "body {}", "text/css")
    assert "max-age" in response.headers["Cache-Control"]


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt",
        "..%2fsecret.txt",
        "%2e%2e/secret.txt",
        "css/../../secret.txt",
        "..\\secret.txt",
        "link.txt",
        "folder/secret.txt",
        ".hidden",
        "css",
        "css/",
        "",
        "%00",
        "css/site.css%00.txt",
        "//etc/passwd",
        "a" * 5_000,
        "%ff%fe",
    ],
)
async def test_nothing_outside_the_index_is_served(
    path: str, url: URL, client: aiohttp.ClientSession
) -> None:
    async with client.get(URL(f"{url}/static/{path}", encoded=True)) as response:
        text = await response.text()

    assert response.status in {400, 404}
    assert "secret" not in text.replace("secret.txt", "")


def test_a_missing_folder_is_a_start_up_error(tmp_path: Path) -> None:
    routes = RouteTableDef()
    routes.static("/static", tmp_path / "nowhere")

    with pytest.raises(ConfigurationError, match="is not there"):
        kernel_app(routes)


@pytest.mark.parametrize(
    "option", [{"show_index": True}, {"follow_symlinks": True}, {"chunk_size": 1}, {"nonsense": 1}], ids=str
)
@pytest.mark.parametrize("ours", [True, False], ids=["our table", "aiohttp's"])
def test_an_option_that_is_not_kept_is_refused(option: dict[str, Any], ours: bool, tmp_path: Path) -> None:
    said = rf"test_staticfiles\.py:\d+: .*{next(iter(option))}" if ours else next(iter(option))
    table = RouteTableDef() if ours else web.RouteTableDef()

    def build() -> None:
        table.static("/static", tmp_path, **option)
        kernel_app(table)

    with pytest.raises(ConfigurationError, match=said):
        build()


async def test_options_that_ask_for_nothing_else_than_there_is_are_taken(
    serve: Serve, client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("a")
    routes = RouteTableDef()
    routes.static("/static", tmp_path, name="static", show_index=False, follow_symlinks=False)

    async with client.get(await serve(kernel_app(routes)) / "static/a.txt") as response:
        assert await response.text() == "a"


@pytest.fixture
async def compressed(serve: Serve, tmp_path: Path) -> URL:
    for suffix, content in {"": b"plain", ".br": b"brotli", ".gz": b"gzipped", ".zst": b"zstandard"}.items():
        (tmp_path / f"site.css{suffix}").write_bytes(content)
    (tmp_path / "alone.css").write_bytes(b"alone")
    routes = RouteTableDef()
    routes.static("/static", tmp_path)
    return await serve(kernel_app(routes))


@pytest.mark.parametrize(
    ("accept", "body", "coding"),
    [
        ("gzip, deflate, br, zstd", b"brotli", "br"),
        ("gzip, deflate, zstd", b"zstandard", "zstd"),
        ("gzip", b"gzipped", "gzip"),
        ("GZIP", b"gzipped", "gzip"),
        ("br;q=0.1, gzip", b"gzipped", "gzip"),
        ("br;q=0, gzip;q=0, zstd;q=0", b"plain", None),
        ("*", b"brotli", "br"),
        ("*, br;q=0", b"zstandard", "zstd"),
        ("identity, gzip;q=0.5", b"plain", None),
        ("gzipped, brotli", b"plain", None),
        ("", b"plain", None),
    ],
)
async def test_a_compressed_sibling_is_sent_to_whom_takes_it(
    accept: str, body: bytes, coding: str | None, compressed: URL, tmp_path: Path
) -> None:
    async with (
        aiohttp.ClientSession(auto_decompress=False) as client,
        client.get(compressed / "static/site.css", headers={"Accept-Encoding": accept}) as response,
    ):
        sent = await response.read()

    assert (response.status, sent, response.headers.get("Content-Encoding")) == (200, body, coding)
    assert (response.content_type, response.headers["Vary"]) == ("text/css", "Accept-Encoding")


async def test_each_coding_has_a_tag_and_ranges_of_its_own(compressed: URL) -> None:
    address, tags = compressed / "static/site.css", {}
    async with aiohttp.ClientSession(auto_decompress=False) as client:
        for accept in ("br", "gzip", "zstd", "identity"):
            async with client.get(address, headers={"Accept-Encoding": accept}) as response:
                tags[accept] = response.headers["ETag"]
        known = {"Accept-Encoding": "br", "If-None-Match": tags["br"]}
        async with client.get(address, headers=known) as response:
            again = response.status, response.headers["Vary"]
        async with client.get(address, headers=known | {"If-None-Match": tags["gzip"]}) as response:
            other = response.status
        part = {"Accept-Encoding": "gzip", "Range": "bytes=0-1", "If-Range": tags["gzip"]}
        async with client.get(address, headers=part) as response:
            cut = response.status, await response.read(), response.headers["Content-Range"]

    assert len(set(tags.values())) == 4
    assert again == (304, "Accept-Encoding")
    assert other == 200
    assert cut == (206, b"gz", "bytes 0-1/7")


async def test_a_file_without_siblings_does_not_vary(compressed: URL, client: aiohttp.ClientSession) -> None:
    async with client.get(compressed / "static/alone.css") as response:
        assert "Accept-Encoding" not in response.headers.get("Vary", "")


@pytest.mark.parametrize(("is_right", "lasts"), [(True, "immutable"), (False, "max-age=3600")])
async def test_an_address_with_the_hash_of_the_content_is_kept_for_ever(
    is_right: bool, lasts: str, compressed: URL, client: aiohttp.ClientSession
) -> None:
    version = hashlib.sha256(b"alone").hexdigest()[:12] if is_right else "0" * 12
    async with client.get((compressed / "static/alone.css").with_query(v=version)) as response:
        assert lasts in response.headers["Cache-Control"]


@pytest.mark.parametrize("where", ["router", "sub-application", "behind a middleware"])
async def test_a_folder_that_other_hands_add_is_public_too(
    where: str, serve: Serve, client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    (tmp_path / "site.css").write_text("body {}")
    app = create_app(ServiceSettings(), routes=[])
    part = web.Application() if where == "sub-application" else app
    part.router.add_static("/static", tmp_path)
    if part is not app:
        app.add_subapp("/part", part)
    if where == "behind a middleware":
        app.middlewares.append(web.normalize_path_middleware())
    url = await serve(app)
    prefix = "part/static" if part is not app else "static"

    async with client.get(url / prefix / "site.css") as response:
        assert (response.status, await response.text()) == (200, "body {}")
    async with client.get(url / prefix / "none.css") as response:
        assert response.status == 404
