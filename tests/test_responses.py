"""Results, redirects, file names, files and streams."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from framework.responses import (
    Result,
    accepted,
    content_disposition,
    created,
    ensure_local,
    file,
    no_content,
    redirect,
    safe_filename,
    stream,
)
from framework.routing import RouteTableDef
from framework.testing import Serve
from tests.kernel import kernel_app

ELSEWHERE = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https://evil.example/",
    "javascript:alert(1)",
    "data:text/html,x",
    "/\t/evil.example",
    "/ok\r\nSet-Cookie: a=b",
    "/\x00",
    "evil",
    "",
    " /x",
    "/\u2028",
]


@pytest.mark.parametrize("location", ELSEWHERE)
def test_a_redirect_never_leaves_the_origin_unasked(location: str) -> None:
    with pytest.raises(ValueError, match="no path on this origin"):
        redirect(location)


@pytest.mark.parametrize("location", [each for each in ELSEWHERE if not each.startswith("https:")])
def test_what_was_created_has_an_address_that_can_be_asked_for(location: str) -> None:
    with pytest.raises(ValueError, match="no path on this origin"):
        created(None, location=location)


@pytest.mark.parametrize(
    ("location", "sent"),
    [
        pytest.param("/größe", "/gr%C3%B6%C3%9Fe", id="letters of another script"),
        pytest.param("/a b?q=ü&r=a b#ü", "/a%20b?q=%C3%BC&r=a%20b#%C3%BC", id="a query and a fragment"),
        pytest.param("/%C3%BC/a%2Fb", "/%C3%BC/a%2Fb", id="what is encoded already"),
        pytest.param("/100%/ü", "/100%25/%C3%BC", id="a percent sign"),
        pytest.param("/a\\b", "/a%5Cb", id="a backslash"),
        pytest.param("/😀", "/%F0%9F%98%80", id="beyond the basic plane"),
        pytest.param(URL("/größe"), "/gr%C3%B6%C3%9Fe", id="a URL object"),
    ],
)
def test_a_location_is_sent_in_ascii(location: str | URL, sent: str) -> None:
    assert redirect(location).headers["Location"] == sent
    assert created(1, location=location).headers["Location"] == sent


@pytest.mark.parametrize(
    ("location", "sent"),
    [
        ("https://größe.example/ü b", "https://xn--gre-6ka8i.example/%C3%BC%20b"),
        ("https://api.example/users/1", "https://api.example/users/1"),
    ],
)
def test_what_was_created_may_have_a_whole_url(location: str, sent: str) -> None:
    assert created(1, location=location).headers["Location"] == sent
    assert redirect(location, allow_external=True).headers["Location"] == sent


@pytest.mark.parametrize("location", ["https://me:secret@api.example/", "ftp://api.example/", "https:///x"])
def test_what_was_created_is_at_no_other_kind_of_url(location: str) -> None:
    with pytest.raises(ValueError, match="no path on this origin"):
        created(1, location=location)


@pytest.mark.parametrize("location", ["/", "/a/b?c=d#e", "/a//b", "/%0d%0a", "/ü"])
def test_a_path_on_this_origin_is_a_fine_target(location: str) -> None:
    assert ensure_local(location) == location


def test_a_redirect_asks_for_get_unless_told_otherwise() -> None:
    assert redirect("/x").status == 303
    assert redirect("/x", status=308).status == 308
    assert (
        redirect("https://other.example/", allow_external=True).headers["Location"]
        == "https://other.example/"
    )


def test_results_say_their_status() -> None:
    assert accepted(1) == Result(1, 202)
    assert created(1, location="/1") == Result(1, 201, {"Location": "/1"})
    assert no_content().status == 204


@pytest.mark.parametrize(
    ("sent", "safe"),
    [
        pytest.param("report.pdf", "report.pdf", id="a plain name"),
        pytest.param("../../etc/passwd", "passwd", id="a path upwards"),
        pytest.param("..\\..\\boot.ini", "boot.ini", id="a Windows path"),
        pytest.param("/", "file", id="a slash alone"),
        pytest.param("..", "file", id="two dots"),
        pytest.param("", "file", id="nothing"),
        pytest.param("a\x00b\r\n.txt", "ab.txt", id="control characters"),
        pytest.param("photo\u202egpj.exe", "photogpj.exe", id="a character that turns the text around"),
        pytest.param('a"b<c>.txt', "a_b_c_.txt", id="characters that mean something elsewhere"),
        pytest.param("Müller 請求.pdf", "Müller 請求.pdf", id="letters of other scripts"),
        pytest.param(".htaccess", "htaccess", id="a hidden file"),
        pytest.param("\ud800.txt", "txt", id="half a character"),
    ],
)
def test_a_client_s_file_name_is_made_safe(sent: str, safe: str) -> None:
    assert safe_filename(sent) == safe


def test_a_long_name_is_cut_and_keeps_its_suffix() -> None:
    name = safe_filename("請" * 500 + ".jpeg")

    assert len(name.encode()) <= 200
    assert name.endswith("請.jpeg")


@pytest.mark.parametrize(
    ("filename", "header"),
    [
        pytest.param("a b.txt", 'attachment; filename="a b.txt"', id="ASCII"),
        pytest.param(
            "a%b.txt", "attachment; filename=\"a_b.txt\"; filename*=UTF-8''a%25b.txt", id="a percent sign"
        ),
        pytest.param("ü.txt", "attachment; filename=\"u.txt\"; filename*=UTF-8''%C3%BC.txt", id="an umlaut"),
        pytest.param(
            "請", "attachment; filename=\"file\"; filename*=UTF-8''%E8%AB%8B", id="nothing that is ASCII"
        ),
    ],
)
def test_a_download_s_name_is_said_so_that_every_client_understands(filename: str, header: str) -> None:
    assert content_disposition(filename) == header


async def test_a_file_is_sent_with_ranges_and_an_etag(
    serve: Serve, client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    path = tmp_path / "data"
    path.write_bytes(bytes(range(100)))
    routes = RouteTableDef()

    @routes.get("/")
    async def download(request: web.Request) -> web.FileResponse:
        return file(path, filename="numbers.bin", content_type="image/png")

    url = await serve(kernel_app(routes))
    async with client.get(url, headers={"Range": "bytes=10-19"}) as part:
        content = await part.read()
    async with client.get(url, headers={"If-None-Match": part.headers["ETag"]}) as unchanged:
        await unchanged.read()

    assert (part.status, content) == (206, bytes(range(10, 20)))
    assert part.headers["Content-Type"] == "image/png"
    assert part.headers["Content-Disposition"] == 'attachment; filename="numbers.bin"'
    assert unchanged.status == 304


async def test_a_stream_is_sent_chunk_by_chunk(serve: Serve, client: aiohttp.ClientSession) -> None:
    routes = RouteTableDef()

    async def lines() -> AsyncIterator[bytes]:
        for number in range(3):
            yield f"{number}\n".encode()

    @routes.get("/")
    async def export() -> web.Response:
        return stream(lines(), content_type="text/csv", filename="lines.csv")

    url = await serve(kernel_app(routes))
    async with client.get(url) as response:
        content = await response.read()

    assert content == b"0\n1\n2\n"
    assert response.headers["Content-Disposition"] == 'attachment; filename="lines.csv"'
    assert response.headers["Transfer-Encoding"] == "chunked"
