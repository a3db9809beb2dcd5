"""Sign-ins that are ended: sessions and tokens of an older generation open nothing, wherever they are kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp_session import Session
from yarl import URL

from framework import (
    Principal,
    RouteTableDef,
    Secret,
    ServiceSettings,
    authenticated,
    create_app,
    provide,
    public,
    replaced,
    standard,
)
from framework.batteries import auth, sessions
from framework.batteries.auth import MemoryTokenStore, TokenPair, Tokens, TokenStore
from framework.batteries.sessions import MemoryStore, SessionSettings, sign_in

Serve = Callable[[web.Application], Awaitable[URL]]

routes = RouteTableDef()


class Accounts:
    """The generation of everybody's sign-ins."""

    def __init__(self) -> None:
        self.generation = 0


async def is_known(principal: Principal, accounts: Accounts) -> bool:
    return principal.generation == accounts.generation


@routes.post("/sessions")
@public
async def begin_session(session: Session, accounts: Accounts) -> None:
    """Sign a browser in."""
    sign_in(session, Principal(subject="ada", generation=accounts.generation))


@routes.post("/tokens")
@public
async def give_tokens(tokens: Tokens, store: TokenStore, accounts: Accounts) -> TokenPair:
    """Sign a program in."""
    return await tokens.issue_pair("ada", store=store, generation=accounts.generation)


@routes.get("/me")
@authenticated
async def show_me(principal: Principal) -> dict[str, Any]:
    """Tell who calls."""
    return {"subject": principal.subject, "generation": principal.generation}


@routes.get("/anybody")
@public
async def show_anybody(principal: Principal | None) -> dict[str, bool]:
    """Tell whether the caller is known."""
    return {"known": principal is not None}


def build(accounts: Accounts, *, in_memory: bool = False, redis: str = "") -> web.Application:
    kept = SessionSettings(redis_url=Secret(redis) if redis else None)
    settings = ServiceSettings(sessions=kept)
    batteries = replaced(standard(settings), auth.battery(settings.auth, known=is_known))
    if in_memory:
        batteries = replaced(batteries, sessions.battery(settings.sessions, store=MemoryStore()))
    batteries.append(provide({Accounts: lambda: accounts}))
    return create_app(settings, routes=[routes], batteries=batteries)


async def session_of(client: aiohttp.ClientSession, url: URL) -> dict[str, str]:
    async with client.post(url / "sessions") as response:
        return {"Cookie": f"session={response.cookies['session'].value}"}


async def token_of(client: aiohttp.ClientSession, url: URL) -> dict[str, str]:
    async with client.post(url / "tokens") as response:
        return {"Authorization": f"Bearer {(await response.json())['access_token']}"}


async def ended_and_new(
    app: web.Application,
    accounts: Accounts,
    serve: Serve,
    client: aiohttp.ClientSession,
    begin: Callable[[aiohttp.ClientSession, URL], Awaitable[dict[str, str]]],
) -> list[tuple[int, bool]]:
    """Return how an old sign-in is answered before and after all are ended, and a new one after that."""
    url = await serve(app)

    async def answered(headers: dict[str, str]) -> tuple[int, bool]:
        async with client.get(url / "me", headers=headers) as response:
            status = response.status
        async with client.get(url / "anybody", headers=headers) as response:
            return status, response.status == 200 and (await response.json())["known"]

    old = await begin(client, url)
    before = await answered(old)
    accounts.generation += 1
    return [before, await answered(old), await answered(await begin(client, url))]


@pytest.mark.parametrize("in_memory", [False, True], ids=["in its cookie", "in a store"])
async def test_a_session_that_is_ended_opens_nothing(
    in_memory: bool, serve: Serve, client: aiohttp.ClientSession
) -> None:
    accounts = Accounts()
    app = build(accounts, in_memory=in_memory)

    answers = await ended_and_new(app, accounts, serve, client, session_of)

    assert answers == [(200, True), (401, False), (200, True)]


async def test_a_session_in_redis_that_is_ended_opens_nothing(
    redis_url: str, serve: Serve, client: aiohttp.ClientSession
) -> None:
    accounts = Accounts()
    app = build(accounts, redis=redis_url)

    answers = await ended_and_new(app, accounts, serve, client, session_of)

    assert answers == [(200, True), (401, False), (200, True)]


async def test_an_access_token_that_is_ended_opens_nothing(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    accounts = Accounts()

    answers = await ended_and_new(build(accounts), accounts, serve, client, token_of)

    assert answers == [(200, True), (401, False), (200, True)]


async def test_a_refresh_token_tells_of_which_generation_it_is() -> None:
    settings = ServiceSettings().auth
    tokens, store = Tokens(settings), MemoryTokenStore()

    pair = await tokens.issue_pair("ada", store=store, generation=3)

    assert (await tokens.redeem(pair.refresh_token, store=store)).generation == 3
    assert (await tokens.verify(pair.access_token)).generation == 3


@pytest.mark.parametrize("generation", [-1, True, 1.0, "1", None], ids=repr)
async def test_what_is_no_generation_is_not_signed(generation: Any) -> None:
    tokens = Tokens(ServiceSettings().auth)

    with pytest.raises(ValueError, match="whole number from 0"):
        tokens.issue("ada", generation=generation)
    with pytest.raises(ValueError, match="set by the token itself: gen"):
        tokens.issue("ada", claims={"gen": generation})
