"""The board."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from yarl import URL

from app_example.testing import NOBODYS, Visitor

DRAFT = {"title": "Lost", "text": "A black cat.\nAnswers to «Ada»."}


async def test_a_post_is_there_for_everybody(ada: Visitor, anybody: Visitor) -> None:
    async with ada.ask("POST", "/api/posts", json=DRAFT) as response:
        post = await response.json()

    assert (response.status, response.headers["Location"]) == (201, f"/api/posts/{post['id']}")
    assert {name: post[name] for name in DRAFT} == DRAFT
    assert post["author"] == {"id": ada.id, "name": "ada"}
    assert post["updated_at"] == post["created_at"]
    assert await anybody.get(f"/api/posts/{post['id']}") == post
    assert (await anybody.get("/api/posts"))["items"] == [post]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        pytest.param({"title": ""}, "/title", id="no title"),
        pytest.param({"title": "x" * 101}, "/title", id="long title"),
        pytest.param({"text": " \n"}, "/text", id="blank text"),
        pytest.param({"text": "x" * 10_001}, "/text", id="long text"),
        pytest.param({"text": "\x00"}, "/text", id="null character"),
        pytest.param({"text": ["x"]}, "/text", id="list as text"),
        pytest.param({"author": "me"}, "/author", id="unknown field"),
    ],
)
async def test_a_wrong_post_is_refused(changes: dict[str, Any], pointer: str, ada: Visitor) -> None:
    status, problem = await ada.refused("POST", "/api/posts", json=DRAFT | changes)

    assert (status, problem["errors"][0]["pointer"]) == (422, pointer)
    assert (await ada.get("/api/posts"))["items"] == []


async def test_strangers_write_nothing(anybody: Visitor) -> None:
    status, _ = await anybody.refused("POST", "/api/posts", json=DRAFT)

    assert status == 401
    assert (await anybody.get("/api/posts"))["items"] == []


async def test_the_author_changes_what_is_sent(ada: Visitor) -> None:
    post = await ada.post("/api/posts", DRAFT)

    async with ada.ask("PATCH", f"/api/posts/{post['id']}", json={"title": "Found"}) as response:
        changed = await response.json()

    assert (response.status, changed["title"], changed["text"]) == (200, "Found", DRAFT["text"])
    assert changed["updated_at"] > post["updated_at"]
    assert await ada.get(f"/api/posts/{post['id']}") == changed


@pytest.mark.parametrize(
    "changes",
    [{"title": None}, {"text": ""}, {"id": str(NOBODYS)}, {"author_id": str(NOBODYS)}],
    ids=lambda changes: next(iter(changes)),
)
async def test_a_wrong_change_is_refused(changes: dict[str, Any], ada: Visitor) -> None:
    post = await ada.post("/api/posts", DRAFT)

    status, _ = await ada.refused("PATCH", f"/api/posts/{post['id']}", json=changes)

    assert status == 422
    assert await ada.get(f"/api/posts/{post['id']}") == post


@pytest.mark.parametrize(("method", "options"), [("PATCH", {"json": {"title": "x"}}), ("DELETE", {})])
async def test_only_the_author_changes_or_deletes_a_post(
    method: str, options: dict[str, Any], ada: Visitor, bob: Visitor, admin: Visitor, anybody: Visitor
) -> None:
    post = await ada.post("/api/posts", DRAFT)
    path = f"/api/posts/{post['id']}"

    statuses = [(await visitor.refused(method, path, **options))[0] for visitor in (bob, admin, anybody)]

    assert statuses == [403, 403, 401]
    assert await anybody.get(path) == post


async def test_a_deleted_post_is_gone(ada: Visitor) -> None:
    post = await ada.post("/api/posts", DRAFT)

    async with ada.ask("DELETE", f"/api/posts/{post['id']}") as response:
        assert (response.status, await response.read()) == (204, b"")

    assert (await ada.refused("GET", f"/api/posts/{post['id']}"))[0] == 404


@pytest.mark.parametrize(
    ("post_id", "expected"),
    [pytest.param(str(NOBODYS), 404, id="unknown"), pytest.param("0815", 422, id="malformed")],
)
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_an_id_that_stands_for_no_post_is_refused(
    method: str, post_id: str, expected: int, ada: Visitor
) -> None:
    options = {"json": {"title": "x"}} if method == "PATCH" else {}

    status, _ = await ada.refused(method, f"/api/posts/{post_id}", **options)

    assert status == expected


async def test_pages_follow_their_links_to_the_end(ada: Visitor, anybody: Visitor) -> None:
    written = [(await ada.post("/api/posts", DRAFT | {"title": f"{n}"}))["title"] for n in range(5)]

    seen: list[str] = []
    links: dict[str, str] = {}
    path = "/api/posts?limit=2"
    while path:
        async with anybody.ask("GET", path) as response:
            seen += [post["title"] for post in (await response.json())["items"]]
            links = {rel: str(URL(link["url"]).relative()) for rel, link in response.links.items()}
            path = links.get("next", "")

    assert seen == written[::-1]
    assert links == {"first": "/api/posts?limit=2"}


async def test_posts_that_come_and_go_shift_no_page(ada: Visitor) -> None:
    posts = [await ada.post("/api/posts", DRAFT | {"title": f"{n}"}) for n in range(4)]
    first = await ada.get("/api/posts?limit=2")

    await ada.post("/api/posts", DRAFT | {"title": "new"})
    async with ada.ask("DELETE", f"/api/posts/{posts[2]['id']}"):
        pass
    second = await ada.get(f"/api/posts?limit=2&cursor={first['next']}")

    assert [post["title"] for post in first["items"]] == ["3", "2"]
    assert [post["title"] for post in second["items"]] == ["1", "0"]


def cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/limit"),
        ("limit=101", "/limit"),
        ("limit=many", "/limit"),
        ("limit=1&limit=2", "/limit"),
        ("offset=1", "/offset"),
        ("cursor=nonsense", "/cursor"),
        ("cursor=%ED%A0%80", "/cursor"),
        ("cursor=ab%2Bc", "/cursor"),
        (f"cursor={cursor('yesterday 1')}", "/cursor"),
        (f"cursor={cursor(f'0001-01-01T00:00:00+23:59 {NOBODYS}')}", "/cursor"),
    ],
)
async def test_a_wrong_page_is_refused(query: str, pointer: str, anybody: Visitor) -> None:
    status, problem = await anybody.refused("GET", f"/api/posts?{query}")

    assert (status, problem["errors"][0]["pointer"]) == (422, pointer)


async def test_a_post_that_is_sent_twice_is_written_once(ada: Visitor, bob: Visitor) -> None:
    headers = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}

    answers = []
    for visitor, draft in ((ada, DRAFT), (ada, DRAFT), (bob, DRAFT), (ada, DRAFT | {"title": "Found"})):
        async with visitor.ask("POST", "/api/posts", json=draft, headers=headers) as response:
            answers.append(
                (response.status, response.headers.get("Idempotent-Replay"), await response.json())
            )

    assert [each[:2] for each in answers] == [(201, None), (201, "true"), (201, None), (422, None)]
    assert answers[0][2] == answers[1][2]
    assert len((await ada.get("/api/posts"))["items"]) == 2


async def test_posts_are_searched_by_what_is_in_them(ada: Visitor) -> None:
    for title, text in (("Lost", "A black cat"), ("Black bicycle", "For sale"), ("100%", "sure")):
        await ada.post("/api/posts", {"title": title, "text": text})

    async def found(words: str) -> set[str]:
        page = await ada.get(str(URL("/api/posts") % {"q": words}))
        return {post["title"] for post in page["items"]}

    assert await found("black") == {"Lost", "Black bicycle"}
    assert await found("%") == {"100%"}
    assert await found("dog") == set()
    assert (await ada.refused("GET", f"/api/posts?q={'x' * 101}"))[0] == 422


async def test_a_search_goes_on_on_its_next_page_alone(ada: Visitor) -> None:
    for number in range(3):
        await ada.post("/api/posts", {"title": f"Cat {number}", "text": "x"})

    first = await ada.get("/api/posts?q=cat&limit=2")
    second = await ada.get(str(URL("/api/posts") % {"q": "cat", "limit": 2, "cursor": first["next"]}))
    status, _ = await ada.refused("GET", str(URL("/api/posts") % {"q": "x", "cursor": first["next"]}))

    assert [post["title"] for page in (first, second) for post in page["items"]] == [
        "Cat 2",
        "Cat 1",
        "Cat 0",
    ]
    assert status == 404
