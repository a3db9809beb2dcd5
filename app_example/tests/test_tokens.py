"""Sign-in with a password, and new tokens for old ones."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import select, update

from app_example import build
from app_example.settings import AppSettings
from app_example.testing import PASSWORD, Visitor
from app_example.tokens.models import RefreshToken
from app_example.users.models import User
from app_example.users.store import UserStore
from framework.batteries.auth import Passwords
from framework.batteries.database import session_scope
from framework.batteries.database.sessions import ENGINE

ADA = {"email": "ada@example.org", "password": PASSWORD}


async def test_a_password_buys_tokens(ada: Visitor) -> None:
    async with ada.ask("POST", "/api/tokens", json=ADA) as response:
        tokens = await response.json()

    assert (response.status, response.headers["Cache-Control"]) == (200, "no-store")
    assert sorted(tokens) == ["access_token", "expires_in", "refresh_token", "token_type"]
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 900)


async def test_an_address_signs_in_however_it_is_capitalised(ada: Visitor) -> None:
    tokens = await ada.post("/api/tokens", ADA | {"email": "ADA@Example.org"})

    assert tokens["access_token"]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"password": "wrong password"}, id="wrong password"),
        pytest.param({"email": "nobody@example.org"}, id="unknown address"),
    ],
)
async def test_a_wrong_sign_in_is_refused_without_saying_what_was_wrong(
    changes: dict[str, Any], ada: Visitor, anybody: Visitor
) -> None:
    status, problem = await anybody.refused("POST", "/api/tokens", json=ADA | changes)

    assert (status, problem["detail"]) == (401, "The e-mail address or the password is wrong.")


@pytest.mark.parametrize(
    "body",
    [{}, {"email": ADA["email"]}, ADA | {"password": 1}, ADA | {"more": 1}, ADA | {"email": "\x00"}],
    ids=["nothing", "no password", "number as password", "unknown field", "null character"],
)
async def test_a_malformed_sign_in_is_refused(body: dict[str, Any], anybody: Visitor) -> None:
    status, _ = await anybody.refused("POST", "/api/tokens", json=body)

    assert status == 422


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("nonsense", id="no token"),
        pytest.param("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.", id="unsigned token"),
    ],
)
async def test_a_bad_token_is_refused(token: str, anybody: Visitor) -> None:
    status, _ = await anybody.refused("GET", "/api/users", headers={"Authorization": f"Bearer {token}"})

    assert status == 401


async def test_a_refresh_token_is_no_access_token_nor_the_other_way_round(ada: Visitor) -> None:
    tokens = await ada.sign_in(ada.email)

    ada.token = tokens["refresh_token"]
    as_access, _ = await ada.refused("GET", "/api/users")
    trade = {"refresh_token": tokens["access_token"]}
    as_refresh, _ = await ada.refused("POST", "/api/tokens/refresh", json=trade)

    assert (as_access, as_refresh) == (401, 401)


async def test_a_refresh_token_is_traded_for_new_tokens(ada: Visitor) -> None:
    tokens = await ada.sign_in(ada.email)

    fresh = await ada.post("/api/tokens/refresh", {"refresh_token": tokens["refresh_token"]})

    ada.token = fresh["access_token"]
    assert (await ada.get(f"/api/users/{ada.id}"))["name"] == "ada"
    assert fresh["refresh_token"] != tokens["refresh_token"]


async def test_a_refresh_token_that_is_used_twice_ends_the_whole_sign_in(ada: Visitor) -> None:
    first = await ada.sign_in(ada.email)
    second = await ada.post("/api/tokens/refresh", {"refresh_token": first["refresh_token"]})

    again, _ = await ada.refused(
        "POST", "/api/tokens/refresh", json={"refresh_token": first["refresh_token"]}
    )
    after, _ = await ada.refused(
        "POST", "/api/tokens/refresh", json={"refresh_token": second["refresh_token"]}
    )

    assert (again, after) == (401, 401)


async def test_another_sign_in_outlives_a_stolen_one(ada: Visitor) -> None:
    other = await ada.sign_in(ada.email)
    stolen = await ada.sign_in(ada.email)
    await ada.post("/api/tokens/refresh", {"refresh_token": stolen["refresh_token"]})
    await ada.refused("POST", "/api/tokens/refresh", json={"refresh_token": stolen["refresh_token"]})

    fresh = await ada.post("/api/tokens/refresh", {"refresh_token": other["refresh_token"]})

    assert fresh["access_token"]


async def test_of_two_trades_at_once_one_fails(ada: Visitor) -> None:
    tokens = await ada.sign_in(ada.email)
    trade = {"refresh_token": tokens["refresh_token"]}

    async def refresh() -> int:
        async with ada.ask("POST", "/api/tokens/refresh", json=trade) as response:
            return response.status

    statuses = await asyncio.gather(refresh(), refresh(), refresh())

    assert sorted(statuses) == [200, 401, 401]


async def test_a_deleted_user_gets_no_new_tokens(ada: Visitor) -> None:
    tokens = await ada.sign_in(ada.email)
    async with ada.ask("DELETE", f"/api/users/{ada.id}"):
        pass

    trade = {"refresh_token": tokens["refresh_token"]}
    status, _ = await ada.refused("POST", "/api/tokens/refresh", json=trade)

    assert status == 401


async def test_expired_refresh_tokens_are_forgotten(app: web.Application, ada: Visitor) -> None:
    async with session_scope(app) as session:
        past = (await session.scalars(select(User.created_at))).one() - timedelta(days=1)
        await session.execute(update(RefreshToken).values(expires_at=past))

    await ada.sign_in(ada.email)

    async with session_scope(app) as session:
        left = (await session.scalars(select(RefreshToken.expires_at))).all()
    assert [expires_at > past for expires_at in left] == [True]


class WatchingPasswords(Passwords):
    """Passwords that look, while one is checked, how many connections are in use."""

    app: web.Application
    in_use: int

    async def verify(self, password_hash: str | None, password: str) -> bool:
        pool: Any = self.app[ENGINE].pool
        self.in_use = pool.checkedout()
        return await super().verify(password_hash, password)


async def test_no_connection_waits_while_a_password_is_checked(
    settings: AppSettings, app: web.Application, ada: Visitor
) -> None:
    passwords = WatchingPasswords(settings.auth.passwords)
    passwords.app = app

    async with session_scope(app) as session:
        user = await UserStore(session).authenticate(ada.email, PASSWORD, passwords)

    assert (str(user.id), passwords.in_use) == (ada.id, 0)


async def test_a_hash_made_with_older_settings_is_renewed_at_sign_in(
    settings: AppSettings, app: web.Application, ada: Visitor, serve: Any
) -> None:
    stronger = replace(settings.auth, passwords=replace(settings.auth.passwords, passes=2))
    later = Visitor(ada.session, await serve(build(replace(settings, auth=stronger))))

    await later.sign_in(ada.email)

    async with session_scope(app) as session:
        password_hash = await session.scalar(select(User.password_hash))
    assert "t=2" in str(password_hash)
