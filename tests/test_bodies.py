"""Bodies as clients really send them: encodings that encode nothing, and bodies that may be left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp_session import Session
from yarl import URL

from framework.app import ServiceSettings, create_app
from framework.batteries import csrf, problems, sessions
from framework.batteries.sessions import SessionSettings
from framework.forms import UploadedFile
from framework.routing import RouteTableDef
from framework.secrets import Secret
from framework.testing import Serve
from tests.kernel import kernel_app
from tests.server.raw import peer, request

routes = RouteTableDef()


@dataclass
class Upload:
    title: str = ""
    document: UploadedFile | None = None


@dataclass
class Note:
    text: str


@routes.post("/uploads")
async def upload(form: Upload) -> dict[str, Any]:
    document = None
    if form.document is not None:
        document = [form.document.filename, (await form.document.read()).decode("latin-1")]
    return {"title": form.title, "document": document}


@routes.post("/notes")
async def note(body: Note) -> dict[str, Any]:
    return {"text": body.text}


@routes.post("/optional")
async def optional(body: Note | None = None) -> dict[str, Any]:
    return {"text": body and body.text}


@routes.post("/optional-form")
async def optional_form(form: Upload | None = None) -> dict[str, Any]:
    return {"title": form and form.title}


@pytest.fixture
async def url(serve: Serve) -> URL:
    return await serve(kernel_app(routes))


def part(headers: str, content: bytes) -> dict[str, Any]:
    body = f"--b\r\nContent-Disposition: form-data; {headers}\r\n\r\n".encode() + content + b"\r\n--b--\r\n"
    return {"data": body, "headers": {"Content-Type": "multipart/form-data; boundary=b"}}


@pytest.mark.parametrize("field", ['name="title"', 'name="document"; filename="a.bin"'])
@pytest.mark.parametrize("encoding", ["7bit", "8bit", "binary", "BINARY", "8Bit ", ""])
async def test_a_part_that_says_that_nothing_is_encoded_is_read(
    encoding: str, field: str, url: URL, client: aiohttp.ClientSession
) -> None:
    options = part(f"{field}\r\nContent-Transfer-Encoding: {encoding}", b"text")

    async with client.post(url / "uploads", **options) as response:
        answer = await response.json()

    assert response.status == 200
    assert answer["title"] == "text" or answer["document"] == ["a.bin", "text"]


@pytest.mark.parametrize(
    "header",
    [
        "Content-Transfer-Encoding: base64",
        "Content-Transfer-Encoding: quoted-printable",
        "Content-Transfer-Encoding: x-own",
        "Content-Encoding: gzip",
    ],
)
async def test_a_part_that_is_encoded_is_refused(
    header: str, url: URL, client: aiohttp.ClientSession
) -> None:
    async with client.post(url / "uploads", **part(f'name="title"\r\n{header}', b"dGV4dA==")) as response:
        problem = await response.json()

    assert response.status == 400
    assert "'title' is encoded" in problem["detail"]


@pytest.mark.parametrize(
    ("said", "name"),
    [
        pytest.param("filename*=UTF-8''na%C3%AFve%20f.txt", "naïve f.txt", id="the extended name alone"),
        pytest.param(
            "filename=\"x.txt\"; filename*=UTF-8''%e2%82%ac.txt", "€.txt", id="beside the plain one"
        ),
        pytest.param("filename*=UTF-8''%e2%82%ac.txt; filename=\"x.txt\"", "€.txt", id="in front of it"),
        pytest.param("filename*=iso-8859-1'en'%A3.txt", "£.txt", id="in Latin-1, with a language"),
        pytest.param('filename="größe.txt"', "größe.txt", id="raw UTF-8"),
        pytest.param('filename="C:\\\\temp\\\\y.txt"', "y.txt", id="with a path of Windows"),
    ],
)
async def test_the_name_of_a_file_is_read_however_it_is_written(
    said: str, name: str, url: URL, client: aiohttp.ClientSession
) -> None:
    async with client.post(url / "uploads", **part(f'name="document"; {said}', b"q")) as response:
        answer = await response.json()

    assert (response.status, answer["document"]) == (200, [name, "q"])


@pytest.mark.parametrize(
    ("charset", "status"),
    [
        ("utf-8", 200),
        ("UTF8", 200),
        ("us-ascii", 200),
        ("US-ASCII", 200),
        ("ascii", 200),
        ('"utf-8"', 200),
        ("", 200),
        ("iso-8859-1", 415),
        ("utf-16", 415),
    ],
)
async def test_json_is_read_in_utf_8_and_in_what_is_a_part_of_it(
    charset: str, status: int, url: URL, client: aiohttp.ClientSession
) -> None:
    headers = {"Content-Type": f"application/json; charset={charset}"}

    async with client.post(url / "notes", data=b'{"text": "a"}', headers=headers) as response:
        await response.read()

    assert response.status == status


CHUNKED = "Transfer-Encoding: chunked"


@pytest.mark.parametrize("path", ["/optional", "/optional-form"])
@pytest.mark.parametrize(
    ("headers", "pieces"),
    [
        pytest.param([], [b""], id="no body"),
        pytest.param(["Content-Length: 0"], [b""], id="a length of 0"),
        pytest.param([CHUNKED], [b"0\r\n\r\n"], id="no chunk, in a later packet"),
        pytest.param([CHUNKED], [b"0", b"\r\n", b"\r\n"], id="no chunk, in three packets"),
        pytest.param([CHUNKED, "Content-Type: application/json"], [b"0\r\n\r\n"], id="no chunk of JSON"),
    ],
)
async def test_a_body_that_may_be_left_out_is_none_when_it_turns_out_to_be_empty(
    headers: list[str], pieces: list[bytes], path: str, url: URL
) -> None:
    async with peer(url.port or 0) as client:
        await client.send(request(f"POST {path} HTTP/1.1", *headers), *pieces, pause_seconds=0.02)
        answer = await client.answer()

    assert answer.status == 200
    assert answer.body in {b'{"text":null}', b'{"title":null}'}


async def test_a_body_that_may_be_left_out_is_read_when_it_comes_late(url: URL) -> None:
    head = request("POST /optional HTTP/1.1", CHUNKED, "Content-Type: application/json")

    async with peer(url.port or 0) as client:
        await client.send(head, b'c\r\n{"text":"a"}\r\n', b"0\r\n\r\n", pause_seconds=0.02)
        answer = await client.answer()

    assert (answer.status, answer.body) == (200, b'{"text":"a"}')


async def test_a_form_that_may_be_left_out_is_read(url: URL, client: aiohttp.ClientSession) -> None:
    answers = []
    for options in ({"data": {"title": "t"}}, part('name="title"', b"t"), {"json": {"title": "t"}}):
        async with client.post(url / "optional-form", **options) as response:
            answers.append((response.status, (await response.json()).get("title")))

    assert answers == [(200, "t"), (200, "t"), (415, "Unsupported Media Type")]


async def test_leaving_a_form_out_saves_nobody_the_token(serve: Serve, client: aiohttp.ClientSession) -> None:
    table = RouteTableDef()

    @table.get("/begin")
    async def begin(session: Session) -> None:
        session["user"] = "ada"

    table.post("/optional-form")(optional_form)
    stack = [
        problems.battery(),
        sessions.battery(SessionSettings(keys=(Secret("k" * 40),), secure=False)),
        csrf.battery(),
    ]
    url = await serve(create_app(ServiceSettings(), routes=[table], batteries=stack))
    async with client.get(url / "begin") as response:
        cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in response.cookies.items())

    headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    async with client.post(url / "optional-form", headers=headers) as response:
        await response.read()

    assert response.status == 403
