"""Accounts."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import select

from app_example.testing import NOBODYS, PASSWORD, Visitor
from app_example.users.models import User
from framework.batteries.database import session_scope

GRACE = {"name": "Grace Hopper", "email": "grace@example.org", "password": "nanoseconds"}


async def users(app: web.Application) -> list[User]:
    async with session_scope(app) as session:
        return list(await session.scalars(select(User)))


async def test_whoever_registers_is_told_where_the_account_is(anybody: Visitor) -> None:
    async with anybody.ask("POST", "/api/users", json=GRACE) as response:
        user = await response.json()

    assert response.status == 201
    assert response.headers["Location"] == f"/api/users/{user['id']}"
    assert user == {
        "id": user["id"],
        "name": "Grace Hopper",
        "email": "grace@example.org",
        "created_at": user["created_at"],
    }


async def test_a_password_is_stored_as_an_argon2_hash(app: web.Application, anybody: Visitor) -> None:
    await anybody.post("/api/users", GRACE)

    [user] = await users(app)
    assert user.password_hash.startswith("$argon2id$")


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        pytest.param({"name": ""}, ["/name"], id="empty name"),
        pytest.param({"name": "x" * 101}, ["/name"], id="long name"),
        pytest.param({"name": "a\nb"}, ["/name"], id="name of two lines"),
        pytest.param({"name": " "}, ["/name"], id="blank name"),
        pytest.param({"name": "a\x00b"}, ["/name"], id="null character"),
        pytest.param({"name": 5}, ["/name"], id="number as name"),
        pytest.param({"email": "nobody"}, ["/email"], id="no address"),
        pytest.param({"email": f"{'x' * 250}@example.org"}, ["/email"], id="long address"),
        pytest.param({"password": "short"}, ["/password"], id="short password"),
        pytest.param({"password": None}, ["/password"], id="null password"),
        pytest.param({"is_admin": True}, ["/is_admin"], id="unknown field"),
        pytest.param({"name": "", "email": "x"}, ["/email", "/name"], id="two faults at once"),
    ],
)
async def test_a_wrong_account_is_refused_with_all_its_faults(
    changes: dict[str, Any], pointers: list[str], app: web.Application, anybody: Visitor
) -> None:
    status, problem = await anybody.refused("POST", "/api/users", json=GRACE | changes)

    assert status == 422
    assert sorted({error["pointer"] for error in problem["errors"]}) == pointers
    assert await users(app) == []


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        pytest.param(b"{", "application/json", 400, id="malformed JSON"),
        pytest.param(b"", "application/json", 400, id="no JSON"),
        pytest.param(rb'{"name": "\ud800"}', "application/json", 400, id="lone surrogate"),
        pytest.param(b"[]", "application/json", 422, id="a list"),
        pytest.param(b"{}", "application/json", 422, id="nothing"),
        pytest.param(b"{}", "text/plain", 415, id="plain text"),
        pytest.param(b" " * 1_100_000, "application/json", 413, id="too large"),
    ],
)
async def test_a_body_that_is_no_account_is_refused(
    body: bytes, content_type: str, expected: int, app: web.Application, anybody: Visitor
) -> None:
    headers = {"Content-Type": content_type}

    status, _ = await anybody.refused("POST", "/api/users", data=BytesIO(body), headers=headers)

    assert status == expected
    assert await users(app) == []


async def test_an_address_is_taken_however_it_is_capitalised(app: web.Application, anybody: Visitor) -> None:
    await anybody.post("/api/users", GRACE)

    status, problem = await anybody.refused("POST", "/api/users", json=GRACE | {"email": "GRACE@Example.ORG"})

    assert (status, problem["detail"]) == (409, "There is an account with this e-mail address already.")
    assert len(await users(app)) == 1


async def test_users_see_their_own_address_and_nobody_elses(ada: Visitor, bob: Visitor) -> None:
    assert (await ada.get(f"/api/users/{ada.id}"))["email"] == "ada@example.org"
    assert (await ada.get(f"/api/users/{bob.id}"))["email"] is None


async def test_an_admin_sees_every_address(ada: Visitor, admin: Visitor) -> None:
    assert (await admin.get(f"/api/users/{ada.id}"))["email"] == "ada@example.org"


async def test_a_password_is_in_no_answer(ada: Visitor) -> None:
    for path in (f"/api/users/{ada.id}", "/api/users"):
        assert "password" not in str(await ada.get(path))


async def test_the_list_goes_on_page_by_page(ada: Visitor, bob: Visitor, admin: Visitor) -> None:
    first = await ada.get("/api/users?limit=2")
    second = await ada.get(f"/api/users?limit=2&cursor={first['next']}")

    names = [user["name"] for user in first["items"] + second["items"]]
    assert names == ["root", "bob", "ada"]
    assert second["next"] is None


@pytest.mark.parametrize("path", ["/api/users", f"/api/users/{NOBODYS}"])
async def test_strangers_see_no_users(path: str, anybody: Visitor) -> None:
    status, _ = await anybody.refused("GET", path)

    assert status == 401


async def test_a_user_changes_what_they_send(app: web.Application, ada: Visitor) -> None:
    async with ada.ask("PATCH", f"/api/users/{ada.id}", json={"name": "Countess"}) as response:
        changed = await response.json()

    assert (response.status, changed["name"], changed["email"]) == (200, "Countess", "ada@example.org")


async def test_a_user_can_change_the_capitals_of_their_address(ada: Visitor) -> None:
    async with ada.ask("PATCH", f"/api/users/{ada.id}", json={"email": "ADA@example.org"}) as response:
        assert (await response.json())["email"] == "ADA@example.org"


async def test_nobody_takes_somebody_elses_address(ada: Visitor, bob: Visitor) -> None:
    status, _ = await bob.refused("PATCH", f"/api/users/{bob.id}", json={"email": "Ada@example.org"})

    assert status == 409
    assert (await bob.get(f"/api/users/{bob.id}"))["email"] == "bob@example.org"


@pytest.mark.parametrize(
    "changes",
    [
        {"name": None},
        {"email": "x"},
        {"password": "short", "current_password": PASSWORD},
        {"id": str(NOBODYS)},
        {"is_admin": True},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_a_wrong_change_is_refused(changes: dict[str, Any], ada: Visitor) -> None:
    status, _ = await ada.refused("PATCH", f"/api/users/{ada.id}", json=changes)

    assert status == 422


@pytest.mark.parametrize(("method", "options"), [("PATCH", {"json": {"name": "x"}}), ("DELETE", {})])
async def test_nobody_changes_or_deletes_somebody_else(
    method: str, options: dict[str, Any], ada: Visitor, bob: Visitor
) -> None:
    status, _ = await bob.refused(method, f"/api/users/{ada.id}", **options)

    assert status == 403
    assert (await ada.get(f"/api/users/{ada.id}"))["name"] == "ada"


@pytest.mark.parametrize(
    ("user_id", "expected"),
    [pytest.param(str(NOBODYS), 404, id="unknown"), pytest.param("1%00", 422, id="malformed")],
)
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_an_id_that_stands_for_nobody_is_refused(
    method: str, user_id: str, expected: int, admin: Visitor
) -> None:
    options = {"json": {"name": "x"}} if method == "PATCH" else {}

    status, _ = await admin.refused(method, f"/api/users/{user_id}", **options)

    assert status == expected


NEW = {"password": "new password", "current_password": PASSWORD}


async def test_a_new_password_replaces_the_old_one_and_ends_all_sign_ins(
    anybody: Visitor, ada: Visitor
) -> None:
    tokens = await ada.sign_in(ada.email)

    async with ada.ask("PATCH", f"/api/users/{ada.id}", json=NEW) as response:
        assert response.status == 200

    assert (await ada.refused("GET", f"/api/users/{ada.id}"))[0] == 401

    old = {"email": ada.email, "password": "correct horse"}
    assert (await anybody.refused("POST", "/api/tokens", json=old))[0] == 401
    trade = {"refresh_token": tokens["refresh_token"]}
    assert (await anybody.refused("POST", "/api/tokens/refresh", json=trade))[0] == 401
    await ada.sign_in(ada.email, "new password")
    assert (await ada.get(f"/api/users/{ada.id}"))["name"] == "ada"


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        pytest.param({}, 422, id="none"),
        pytest.param({"current_password": "a guess"}, 403, id="wrong"),
        pytest.param({"current_password": ""}, 422, id="empty"),
        pytest.param({"current_password": None}, 422, id="null"),
    ],
)
async def test_a_new_password_wants_the_old_one(current: dict[str, Any], expected: int, ada: Visitor) -> None:
    changes = {"name": "Eve", "password": "new password", **current}

    status, _ = await ada.refused("PATCH", f"/api/users/{ada.id}", json=changes)

    assert status == expected
    assert (await ada.get(f"/api/users/{ada.id}"))["name"] == "ada"
    await ada.sign_in(ada.email)


async def test_the_old_password_is_not_guessed_in_an_open_browser(ada: Visitor) -> None:
    guess = {"password": "new password", "current_password": "a guess"}

    statuses = [(await ada.refused("PATCH", f"/api/users/{ada.id}", json=guess))[0] for _ in range(31)]

    assert statuses == [403] * 30 + [429]


async def test_an_admin_changes_a_password_with_their_own(ada: Visitor, admin: Visitor) -> None:
    async with admin.ask("PATCH", f"/api/users/{ada.id}", json=NEW) as response:
        assert response.status == 200

    assert (await ada.refused("GET", f"/api/users/{ada.id}"))[0] == 401
    assert (await admin.get(f"/api/users/{ada.id}"))["name"] == "ada"


async def test_signing_out_everywhere_ends_every_sign_in_and_nobody_elses(ada: Visitor, bob: Visitor) -> None:
    tokens = await ada.sign_in(ada.email)

    refused, _ = await bob.refused("DELETE", f"/api/users/{ada.id}/sign-ins")
    async with ada.ask("DELETE", f"/api/users/{ada.id}/sign-ins") as response:
        ended = response.status

    assert (refused, ended) == (403, 204)
    assert (await ada.refused("GET", f"/api/users/{ada.id}"))[0] == 401
    trade = {"refresh_token": tokens["refresh_token"]}
    assert (await bob.refused("POST", "/api/tokens/refresh", json=trade))[0] == 401
    assert (await bob.get(f"/api/users/{ada.id}"))["name"] == "ada"
    await ada.sign_in(ada.email)
    assert (await ada.get(f"/api/users/{ada.id}"))["name"] == "ada"


async def test_a_deleted_user_is_gone_with_all_posts(
    app: web.Application, ada: Visitor, bob: Visitor
) -> None:
    post = await ada.post("/api/posts", {"title": "Hello", "text": "world"})

    async with ada.ask("DELETE", f"/api/users/{ada.id}") as response:
        assert (response.status, await response.read()) == (204, b"")

    assert (await bob.refused("GET", f"/api/users/{ada.id}"))[0] == 404
    assert (await bob.refused("GET", f"/api/posts/{post['id']}"))[0] == 404


async def test_a_deleted_user_writes_no_more(ada: Visitor) -> None:
    async with ada.ask("DELETE", f"/api/users/{ada.id}"):
        pass

    status, _ = await ada.refused("POST", "/api/posts", json={"title": "From", "text": "beyond"})

    assert status == 401


async def test_a_deleted_user_reads_no_more(ada: Visitor) -> None:
    async with ada.ask("DELETE", f"/api/users/{ada.id}"):
        pass

    status, _ = await ada.refused("GET", "/api/users")

    assert status == 401


async def test_an_admin_deletes_anybody(ada: Visitor, admin: Visitor) -> None:
    async with admin.ask("DELETE", f"/api/users/{ada.id}") as response:
        assert response.status == 204

    assert (await admin.refused("GET", f"/api/users/{ada.id}"))[0] == 404
