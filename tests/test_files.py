"""Files that are sent: ranges, conditions, types, and what becomes of those that are gone."""

from __future__ import annotations

from email import message_from_bytes
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from framework.responses import file
from framework.routing import RouteTableDef
from framework.testing import Serve
from tests.kernel import kernel_app

NAMES = ("ten.txt", "data.csv.gz", "all.tgz", "logo.svgz", "data.json.bz2", "data.tar.xz", "page.html")


@pytest.fixture
async def url(serve: Serve, tmp_path: Path) -> URL:
    for name in NAMES:
        (tmp_path / name).write_bytes(b"0123456789")
    routes = RouteTableDef()
    routes.static("/static", tmp_path)

    @routes.get("/file/{name}")
    async def send(name: str) -> web.StreamResponse:
        return file(tmp_path / name)

    return await serve(kernel_app(routes))


@pytest.mark.parametrize("path", ["static/ten.txt?v=1", "file/ten.txt", "file/nowhere", "file/."])
async def test_a_file_that_is_gone_is_an_uncached_problem(
    path: str, url: URL, client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    (tmp_path / "ten.txt").unlink()

    async with client.get(url.join(URL(path, encoded=True))) as response:
        problem = await response.json(content_type="application/problem+json")

    assert (response.status, problem["status"]) == (404, 404)
    assert response.headers["Cache-Control"] == "no-store"
    assert "Content-Disposition" not in response.headers
    assert str(tmp_path) not in str(problem)


@pytest.mark.parametrize("path", ["static/ten.txt", "file/ten.txt"])
@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=100-200", "bytes=-0"])
async def test_a_range_that_is_not_there_is_an_uncached_problem(
    asked: str, path: str, url: URL, client: aiohttp.ClientSession
) -> None:
    async with client.get(url / path, headers={"Range": asked}) as response:
        problem = await response.json(content_type="application/problem+json")

    assert (response.status, problem["detail"]) == (416, "There are 10 bytes.")
    assert response.headers["Content-Range"] == "bytes */10"
    assert response.headers["Cache-Control"] == "no-store"
    assert "Content-Disposition" not in response.headers


@pytest.mark.parametrize("path", ["static/ten.txt", "file/ten.txt"])
@pytest.mark.parametrize(
    ("headers", "status", "text"),
    [
        pytest.param({"Range": "bytes=2-4"}, 206, "234", id="a range"),
        pytest.param({"Range": "BYTES=8-"}, 206, "89", id="from somewhere"),
        pytest.param({"Range": "bytes=-3"}, 206, "789", id="the last three"),
        pytest.param({"Range": "bytes=5-100"}, 206, "56789", id="beyond the end"),
        pytest.param({"Range": "lines=0-1"}, 200, "0123456789", id="another unit"),
        pytest.param({"Range": "bytes=4-2"}, 200, "0123456789", id="backwards"),
        pytest.param({"Range": "bytes=a-b"}, 200, "0123456789", id="no numbers"),
        pytest.param({"Range": "bytes=-"}, 200, "0123456789", id="nothing"),
        pytest.param({"Range": "bytes=\u0661-\u0662"}, 200, "0123456789", id="digits of another script"),
        pytest.param({"Range": "bytes=0-1", "If-Range": '"other"'}, 200, "0123456789", id="another tag"),
        pytest.param({"Range": "bytes=0-1", "If-Range": "rubbish"}, 200, "0123456789", id="no tag"),
        pytest.param(
            {"Range": "bytes=0-1", "If-Range": "Mon, 01 Jan 1990 00:00:00 GMT"},
            200,
            "0123456789",
            id="another date",
        ),
        pytest.param(
            {"Range": "bytes=99-", "If-Range": '"other"'}, 200, "0123456789", id="of another version"
        ),
    ],
)
async def test_a_range_counts_if_it_is_one_and_of_this_version(
    headers: dict[str, str], status: int, text: str, path: str, url: URL, client: aiohttp.ClientSession
) -> None:
    async with client.get(url / path, headers=headers) as response:
        body = await response.text()

    assert (response.status, body) == (status, text)


@pytest.mark.parametrize("weak", ["", "W/"])
@pytest.mark.parametrize("header", ["ETag", "Last-Modified"])
async def test_the_version_that_was_sent_is_this_one(
    header: str, weak: str, url: URL, client: aiohttp.ClientSession
) -> None:
    async with client.get(url / "static/ten.txt") as response:
        version = response.headers[header]

    condition = {"Range": "bytes=0-1", "If-Range": weak + version if header == "ETag" else version}
    async with client.get(url / "static/ten.txt", headers=condition) as response:
        body = await response.text()

    is_weak = weak != "" and header == "ETag"
    assert (response.status, body) == ((200, "0123456789") if is_weak else (206, "01"))


async def test_what_a_client_knows_counts_before_its_range(url: URL, client: aiohttp.ClientSession) -> None:
    async with client.get(url / "static/ten.txt") as response:
        tag = response.headers["ETag"]

    async with client.get(
        url / "static/ten.txt", headers={"Range": "bytes=99-", "If-None-Match": tag}
    ) as response:
        await response.read()

    assert response.status == 304


async def test_a_head_has_no_range(url: URL, client: aiohttp.ClientSession) -> None:
    async with client.head(url / "static/ten.txt", headers={"Range": "bytes=0-1"}) as response:
        length = response.headers["Content-Length"]

    assert (response.status, length) == (200, "10")


@pytest.mark.parametrize(
    ("name", "kind", "encoding"),
    [
        ("data.csv.gz", "application/gzip", None),
        ("all.tgz", "application/gzip", None),
        ("data.json.bz2", "application/x-bzip2", None),
        ("data.tar.xz", "application/x-xz", None),
        ("logo.svgz", "image/svg+xml", "gzip"),
        ("page.html", "text/html", None),
    ],
)
async def test_a_compressed_file_is_no_text(
    name: str, kind: str, encoding: str | None, serve: Serve, url: URL
) -> None:
    options: dict[str, Any] = {"auto_decompress": False}
    async with aiohttp.ClientSession(**options) as client, client.get(url / "static" / name) as response:
        await response.read()

    assert (response.content_type, response.headers.get("Content-Encoding")) == (kind, encoding)


@pytest.mark.parametrize("path", ["static/ten.txt", "file/ten.txt"])
@pytest.mark.parametrize(
    ("asked", "parts"),
    [
        ("bytes=0-1,4-5", [("0-1", "01"), ("4-5", "45")]),
        ("bytes=8-, 0-0 ,-1", [("0-0", "0"), ("8-9", "89")]),
        ("bytes=0-0,3-3,100-", [("0-0", "0"), ("3-3", "3")]),
        ("bytes=,0-0,,9-9,", [("0-0", "0"), ("9-9", "9")]),
    ],
)
async def test_several_ranges_are_parts_of_one_body(
    asked: str, parts: list[tuple[str, str]], path: str, url: URL, client: aiohttp.ClientSession
) -> None:
    async with client.get(url / path, headers={"Range": asked}) as response:
        body = await response.read()
    head = f"Content-Type: {response.headers['Content-Type']}\r\n\r\n".encode()
    found = [
        (part["Content-Range"], str(part.get_payload()))
        for part in message_from_bytes(head + body).walk()
        if not part.is_multipart()
    ]

    assert (response.status, response.content_type) == (206, "multipart/byteranges")
    assert found == [(f"bytes {span}/10", text) for span, text in parts]
    assert response.content_length == len(body)
    assert "Content-Range" not in response.headers
    assert "ETag" in response.headers


@pytest.mark.parametrize("asked", ["bytes=0-3,2-5", "bytes=0-2,3-5", "bytes=0-5,1-2", "bytes=0-5,20-30"])
async def test_ranges_that_overlap_or_touch_are_one(
    asked: str, url: URL, client: aiohttp.ClientSession
) -> None:
    async with client.get(url / "file/ten.txt", headers={"Range": asked}) as response:
        body = await response.text()

    assert (response.status, body, response.headers["Content-Range"]) == (206, "012345", "bytes 0-5/10")


@pytest.mark.parametrize(
    "headers",
    [
        {"Range": "bytes=" + ",".join(f"{n}-{n}" for n in (0, 2, 4, 6, 8)) + ",1-1,3-3,5-5,7-7"},
        {"Range": "bytes=0-1,x"},
        {"Range": "bytes=0-1,5-4"},
        {"Range": "bytes=0-1,4-5", "If-Range": '"other"'},
        {"Range": "bytes=0-1,4-5", "If-None-Match": '"other"'},
        {"Range": "bytes=" + "0-," * 2_000},
    ],
    ids=["too many", "malformed", "reversed", "another version", "a condition", "a bomb"],
)
async def test_ranges_that_do_not_count_are_the_whole(
    headers: dict[str, str], url: URL, client: aiohttp.ClientSession
) -> None:
    async with client.get(url / "file/ten.txt", headers=headers) as response:
        assert (response.status, await response.text()) == (200, "0123456789")


async def test_several_ranges_of_which_none_is_there_are_a_problem(
    url: URL, client: aiohttp.ClientSession
) -> None:
    async with client.get(url / "file/ten.txt", headers={"Range": "bytes=10-,20-30"}) as response:
        assert (response.status, response.headers["Content-Range"]) == (416, "bytes */10")


async def test_a_sibling_of_a_file_that_a_handler_sends_is_not_taken(
    url: URL, client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    (tmp_path / "ten.txt.gz").write_bytes(b"private")

    async with client.get(url / "file/ten.txt", headers={"Accept-Encoding": "gzip"}) as response:
        assert (await response.text(), response.headers.get("Content-Encoding")) == ("0123456789", None)
