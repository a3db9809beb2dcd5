"""Files that belong to posts."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import FormData, web
from sqlalchemy import event, select

from app_example.files.models import StoredFile
from app_example.settings import AppSettings
from app_example.testing import Visitor
from framework.batteries.database import session_scope
from framework.batteries.database.sessions import ENGINE

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
TEXT = "naïve text\n".encode()


def form(
    content: bytes = TEXT,
    filename: str | None = "cat.txt",
    content_type: str = "text/plain",
    field: str = "file",
) -> FormData:
    """Return a multipart form with one field; a text field when there is no filename."""
    data = FormData(default_to_multipart=True)
    if filename is None:
        data.add_field(field, content.decode())
    else:
        data.add_field(field, BytesIO(content), filename=filename, content_type=content_type)
    return data


@pytest.fixture
async def post(ada: Visitor) -> str:
    """Return the path of a post that Ada wrote."""
    return f"/api/posts/{(await ada.post('/api/posts', {'title': 'Lost', 'text': 'A cat'}))['id']}"


async def attach(visitor: Visitor, post: str, data: FormData) -> Any:
    async with visitor.ask("POST", f"{post}/files", data=data) as response:
        assert response.status == 201, await response.text()
        return await response.json()


async def nothing_is_kept(app: web.Application, settings: AppSettings) -> bool:
    async with session_scope(app) as session:
        rows = list(await session.scalars(select(StoredFile)))
    return not rows and contents(settings) == []


def contents(settings: AppSettings) -> list[str]:
    folder = settings.files.folder
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


async def test_an_attached_file_is_there_for_everybody(ada: Visitor, anybody: Visitor, post: str) -> None:
    async with ada.ask("POST", f"{post}/files", data=form(PNG, "cat.png", "image/png")) as response:
        file = await response.json()
    async with anybody.ask("GET", file["url"]) as downloaded:
        content = await downloaded.read()

    assert (response.status, response.headers["Location"]) == (201, f"/api/files/{file['id']}")
    assert file == {
        "id": file["id"],
        "name": "cat.png",
        "content_type": "image/png",
        "size": len(PNG),
        "url": f"/api/files/{file['id']}",
    }
    assert (content, downloaded.headers["Content-Type"]) == (PNG, "image/png")
    assert (await anybody.get(post))["files"] == [file]


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        pytest.param(PNG, "image/png", id="PNG"),
        pytest.param(b"\xff\xd8\xff\xe0JFIF", "image/jpeg", id="JPEG"),
        pytest.param(b"GIF89a....", "image/gif", id="GIF"),
        pytest.param(b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp", id="WebP"),
        pytest.param(b"%PDF-1.7\n\x00\xff", "application/pdf", id="PDF"),
        pytest.param(TEXT, "text/plain", id="text"),
    ],
)
async def test_a_file_is_what_its_content_says(
    content: bytes, content_type: str, ada: Visitor, post: str
) -> None:
    declared = await attach(ada, post, form(content, "x", content_type))
    undeclared = await attach(ada, post, form(content, "x", "application/octet-stream"))

    assert (declared["content_type"], undeclared["content_type"]) == (content_type, content_type)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(form(b"MZ\x90\x00", "x.exe", "application/octet-stream"), 415, id="a program"),
        pytest.param(
            form(b"MZ\x90\x00", "cat.png", "image/png"), 415, id="a program that says it is an image"
        ),
        pytest.param(form(TEXT, "cat.png", "image/png"), 415, id="a text that says it is an image"),
        pytest.param(form(PNG, "cat.txt", "text/plain"), 415, id="an image that says it is a text"),
        pytest.param(form(b"<p>", "x.html", "text/html"), 415, id="a page"),
        pytest.param(form(b"a\x00b"), 415, id="a text with a null character"),
        pytest.param(form("ä".encode("latin-1")), 415, id="a text that is not UTF-8"),
        pytest.param(form("ä".encode()[:1]), 415, id="a text that ends in the middle of a letter"),
        pytest.param(form(b""), 422, id="an empty file"),
        pytest.param(form(TEXT, filename=None), 422, id="a field that is no file"),
        pytest.param(form(TEXT, field="document"), 422, id="another field"),
        pytest.param(FormData({"file": "x"}), 422, id="a form without files"),
    ],
)
async def test_a_wrong_file_is_refused(
    data: FormData, expected: int, app: web.Application, settings: AppSettings, ada: Visitor, post: str
) -> None:
    status, _ = await ada.refused("POST", f"{post}/files", data=data)

    assert status == expected
    assert await nothing_is_kept(app, settings)


@pytest.mark.parametrize(
    ("size", "what"),
    [
        pytest.param(300_001, "file", id="a file above its limit"),
        pytest.param(400_000, "body", id="a body above its own"),
    ],
)
async def test_too_large_a_file_is_refused(
    size: int, what: str, app: web.Application, settings: AppSettings, ada: Visitor, post: str
) -> None:
    status, problem = await ada.refused("POST", f"{post}/files", data=form(b"x" * size))

    assert (status, problem["detail"].partition(" is larger")[0]) == (413, f"The {what}")
    assert await nothing_is_kept(app, settings)


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        pytest.param(b"{}", "application/json", 415, id="JSON"),
        pytest.param(b"garbage", "multipart/form-data; boundary=x", 400, id="broken multipart"),
        pytest.param(b"garbage", "multipart/form-data", 400, id="no boundary"),
    ],
)
async def test_a_body_that_is_no_form_is_refused(
    body: bytes, content_type: str, expected: int, ada: Visitor, post: str
) -> None:
    headers = {"Content-Type": content_type}

    status, _ = await ada.refused("POST", f"{post}/files", data=body, headers=headers)

    assert status == expected


async def test_only_the_author_attaches_files(
    app: web.Application, settings: AppSettings, bob: Visitor, anybody: Visitor, post: str
) -> None:
    statuses = [
        (await visitor.refused("POST", f"{post}/files", data=form()))[0] for visitor in (bob, anybody)
    ]

    assert statuses == [403, 401]
    assert await nothing_is_kept(app, settings)


@pytest.mark.parametrize(
    ("post_id", "expected"),
    [pytest.param(str(uuid4()), 404, id="unknown"), pytest.param("..%2F..", 422, id="malformed")],
)
async def test_a_file_needs_a_post(
    post_id: str, expected: int, app: web.Application, settings: AppSettings, ada: Visitor
) -> None:
    status, _ = await ada.refused("POST", f"/api/posts/{post_id}/files", data=form())

    assert status == expected
    assert await nothing_is_kept(app, settings)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        pytest.param("../../etc/passwd", "passwd", id="a path"),
        pytest.param("..", "file", id="the folder above"),
        pytest.param("C:\\fakepath\\cat.png", "cat.png", id="a path of Windows"),
        pytest.param("/absolute.txt", "absolute.txt", id="an absolute path"),
        pytest.param("ねこ 🐈.txt", "ねこ 🐈.txt", id="unicode"),
        pytest.param("x" * 5_000 + ".txt", "x" * 196 + ".txt", id="a long name"),
        pytest.param("gpj.\u202etxt.exe", "gpj.txt.exe", id="a name that reads backwards"),
        pytest.param('a"b.txt', "a_b.txt", id="a quote"),
    ],
)
async def test_a_file_name_is_made_safe(
    sent: str, kept: str, settings: AppSettings, ada: Visitor, post: str
) -> None:
    boundary = "boundary"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{_quoted(sent)}"\r\n\r\n'
    body = head.encode() + TEXT + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}

    async with ada.ask("POST", f"{post}/files", data=body, headers=headers) as response:
        file = await response.json()
    async with ada.ask("GET", file["url"]) as downloaded:
        disposition = downloaded.content_disposition

    assert (response.status, file["name"]) == (201, kept)
    assert contents(settings) == [file["id"]]
    assert disposition is not None
    assert (disposition.type, disposition.filename) == ("attachment", kept)


def _quoted(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"')


async def test_a_download_can_go_on_where_it_stopped(ada: Visitor, post: str) -> None:
    file = await attach(ada, post, form(b"0123456789"))

    async with ada.ask("GET", file["url"], headers={"Range": "bytes=4-"}) as response:
        part = await response.read()

    assert (response.status, part) == (206, b"456789")
    assert response.headers["Content-Range"] == "bytes 4-9/10"


async def test_a_file_that_is_known_is_not_sent_again(ada: Visitor, post: str) -> None:
    file = await attach(ada, post, form())
    async with ada.ask("GET", file["url"]) as first:
        etag = first.headers["ETag"]

    async with ada.ask("GET", file["url"], headers={"If-None-Match": etag}) as second:
        assert (second.status, await second.read()) == (304, b"")


async def test_a_range_beyond_the_end_is_refused(ada: Visitor, post: str) -> None:
    file = await attach(ada, post, form(b"0123456789"))

    async with ada.ask("GET", file["url"], headers={"Range": "bytes=100-"}) as response:
        assert (response.status, response.headers["Content-Range"]) == (416, "bytes */10")


@pytest.mark.parametrize(
    ("file_id", "expected"),
    [pytest.param(str(uuid4()), 404, id="unknown"), pytest.param("..%2Fapp.sqlite3", 422, id="a path")],
)
async def test_an_id_that_stands_for_no_file_is_refused(
    file_id: str, expected: int, anybody: Visitor
) -> None:
    status, _ = await anybody.refused("GET", f"/api/files/{file_id}")

    assert status == expected


async def test_a_content_that_got_lost_is_not_found(settings: AppSettings, ada: Visitor, post: str) -> None:
    file = await attach(ada, post, form())
    (settings.files.folder / file["id"]).unlink()

    status, _ = await ada.refused("GET", file["url"])

    assert status == 404


async def test_files_go_with_their_post(settings: AppSettings, ada: Visitor, post: str) -> None:
    file = await attach(ada, post, form())

    async with ada.ask("DELETE", post) as response:
        assert response.status == 204

    assert contents(settings) == []
    assert (await ada.refused("GET", file["url"]))[0] == 404


async def test_files_go_with_their_author(settings: AppSettings, ada: Visitor, post: str) -> None:
    await attach(ada, post, form())

    async with ada.ask("DELETE", f"/api/users/{ada.id}") as response:
        assert response.status == 204

    assert contents(settings) == []


async def test_a_file_is_not_kept_when_its_row_cannot_be_committed(
    app: web.Application, settings: AppSettings, ada: Visitor, post: str
) -> None:
    def fail(connection: object) -> None:
        raise OSError("the disk is full")

    event.listen(app[ENGINE].sync_engine, "commit", fail)
    status, _ = await ada.refused("POST", f"{post}/files", data=form())
    event.remove(app[ENGINE].sync_engine, "commit", fail)

    assert status == 500
    assert await nothing_is_kept(app, settings)


async def test_a_file_is_kept_when_its_post_cannot_be_deleted(
    app: web.Application, settings: AppSettings, ada: Visitor, post: str
) -> None:
    file = await attach(ada, post, form())

    def fail(connection: object) -> None:
        raise OSError("the disk is full")

    event.listen(app[ENGINE].sync_engine, "commit", fail)
    status, _ = await ada.refused("DELETE", post)
    event.remove(app[ENGINE].sync_engine, "commit", fail)

    assert status == 500
    assert contents(settings) == [file["id"]]
    async with ada.ask("GET", file["url"]) as response:
        assert await response.read() == TEXT
