"""The client that is written out of the service's own document, used against the service."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from aiohttp import web

from app_example.testing import NOBODYS, PASSWORD
from framework import validation
from framework.batteries.client import ClientSettings, connected
from framework.batteries.client.typed import Upload
from framework.batteries.openapi import document_of
from framework.cli.clients.modules import module_of
from framework.testing import Serve

LOCAL = ClientSettings(allow=("127.0.0.1",))


@pytest.fixture
async def board(serve: Serve, app: web.Application, tmp_path: Path) -> AsyncIterator[tuple[Any, Any]]:
    """Yield the module, and a client of the running service that is signed in."""
    url = await serve(app)
    module = imported(module_of(validation.decode(document_of(app))), tmp_path)
    async with connected(LOCAL) as http:
        stranger = module.Client(http, url)
        draft = module.UserDraft(name="Ada", email="ada@example.org", password=PASSWORD)
        await stranger.create_user(draft)
        tokens = await stranger.sign_in(module.SignIn(email="ada@example.org", password=PASSWORD))

        async def authorize() -> dict[str, str]:
            return {"Authorization": f"Bearer {tokens.access_token}"}

        yield module, module.Client(http, url, authorize=authorize)


def imported(text: str, folder: Path) -> ModuleType:
    """Return the module with this text."""
    path = folder / "typed_board.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location("typed_board", path)
    if spec is None or spec.loader is None:
        raise AssertionError(path)
    module = sys.modules["typed_board"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_posts_are_written_changed_and_read_page_by_page(board: tuple[Any, Any]) -> None:
    module, client = board

    written = [await client.create_post(module.PostDraft(title=f"Post {n}", text="x")) for n in range(5)]
    changed = await client.change_post(written[0].id, {"text": "y"})
    page = await client.list_posts(limit=2, sort="title")
    titles = [post.title async for post in client.each_of_list_posts(limit=2, sort="title")]
    await client.delete_post(written[0].id)
    left = [post.title async for post in client.each_of_list_posts()]

    assert (changed.title, changed.text) == ("Post 0", "y")
    assert isinstance(changed.created_at, datetime)
    assert isinstance(changed.author, module.AuthorView)
    assert [post.title for post in page.items] == ["Post 0", "Post 1"]
    assert titles == [f"Post {n}" for n in range(5)]
    assert left == ["Post 4", "Post 3", "Post 2", "Post 1"]


async def test_the_same_key_writes_one_post(board: tuple[Any, Any]) -> None:
    module, client = board
    draft = module.PostDraft(title="Once", text="x")

    twice = [await client.create_post(draft, idempotency_key="k1") for _ in range(2)]

    assert twice[0] == twice[1]
    assert len([post async for post in client.each_of_list_posts()]) == 1


async def test_errors_are_exceptions_of_their_kind(board: tuple[Any, Any]) -> None:
    module, client = board

    with pytest.raises(module.NotFoundProblem) as missing:
        await client.get_post(NOBODYS)
    with pytest.raises(module.UnprocessableContentProblem) as refused:
        await client.create_post(module.PostDraft(title="", text="x"))

    assert (missing.value.code, missing.value.document["status"]) == (404, 404)
    assert {each["pointer"] for each in refused.value.document["errors"]} == {"/title"}


async def test_files_are_streamed_both_ways(board: tuple[Any, Any], tmp_path: Path) -> None:
    module, client = board
    post = await client.create_post(module.PostDraft(title="With a file", text="x"))
    path = tmp_path / "long.txt"
    path.write_bytes(b"0123456789" * 20_000)

    with path.open("rb") as opened:
        file = await client.attach_file(post.id, Upload(opened, "long.txt", "text/plain"))
    async with client.download_file(file.id) as response:
        chunks = [chunk async for chunk in response.content.iter_chunked(65_536)]
    with pytest.raises(module.NotFoundProblem):
        async with client.download_file(NOBODYS):
            pass

    assert (file.name, file.size) == ("long.txt", 200_000)
    assert len(chunks) > 1
    assert b"".join(chunks) == path.read_bytes()


def test_one_document_makes_one_text(app: web.Application) -> None:
    document = validation.decode(document_of(app))

    assert module_of(document) == module_of(validation.decode(validation.encode(document)))
