"""Callers who come with a session instead of a token."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp_session import Session
from yarl import URL

from framework.batteries import auth, sessions
from framework.batteries.auth import AuthSettings
from framework.batteries.auth.policy import sign_in_location
from framework.batteries.sessions import SessionSettings
from framework.context import SESSION_SCOPES, SESSION_SUBJECT
from framework.marks import authenticated, public, requires
from framework.principal import Principal
from framework.responses import ensure_local
from framework.routing import RouteTableDef
from framework.secrets import Profile, Secret
from framework.testing import Serve
from tests.kernel import kernel_app

KEYS = (Secret("correct-horse-battery-staple-0123456789"),)
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}

routes = RouteTableDef()


@routes.post("/sign-in")
@public
async def sign_in(request: web.Request, session: Session) -> None:
    for name, value in (await request.json()).items():
        session[name] = value


@routes.get("/known")
@requires("posts:read")
async def show(principal: Principal) -> dict[str, Any]:
    return {"subject": principal.subject, "scheme": principal.scheme}


@routes.get("/open")
@public
async def show_to_anybody(principal: Principal | None) -> dict[str, Any]:
    return {"subject": principal.subject if principal else None}


@routes.post("/known")
@authenticated
async def change() -> None:
    return None


def app(sign_in_path: str = "/login") -> web.Application:
    return kernel_app(
        routes,
        batteries=(
            sessions.battery(SessionSettings(keys=KEYS, secure=False)),
            auth.battery(AuthSettings(keys=KEYS, sign_in_path=sign_in_path), profile=Profile.development),
        ),
    )


async def cookie(client: aiohttp.ClientSession, url: URL, **values: object) -> dict[str, str]:
    answer = await client.post(url / "sign-in", json=values)
    return {"Cookie": "; ".join(f"{name}={morsel.value}" for name, morsel in answer.cookies.items())}


async def test_a_session_names_the_caller(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve(app())
    headers = await cookie(client, url, **{SESSION_SUBJECT: "ada", SESSION_SCOPES: "posts:read posts:write"})

    known = await client.get(url / "known", headers=headers)
    anybody = await client.get(url / "open", headers=headers)

    assert await known.json() == {"subject": "ada", "scheme": "session"}
    assert await anybody.json() == {"subject": "ada"}


async def test_a_session_without_the_scope_is_refused(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve(app())
    headers = await cookie(client, url, **{SESSION_SUBJECT: "ada"})

    answer = await client.get(url / "known", headers={**headers, **BROWSER})

    assert answer.status == 403


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({}, id="nobody"),
        pytest.param({SESSION_SUBJECT: ""}, id="an empty subject"),
        pytest.param({SESSION_SUBJECT: 1}, id="a number"),
        pytest.param({SESSION_SUBJECT: "ada", SESSION_SCOPES: ["posts:read"]}, id="a list of scopes"),
    ],
)
async def test_a_session_does_not_name_a_caller_with(
    serve: Serve, client: aiohttp.ClientSession, values: dict[str, object]
) -> None:
    url = await serve(app())

    answer = await client.get(url / "known", headers=await cookie(client, url, **values))

    assert answer.status == 401


async def test_a_bad_token_is_refused_whatever_the_session_says(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(app())
    headers = await cookie(client, url, **{SESSION_SUBJECT: "ada", SESSION_SCOPES: "posts:read"})

    bearer = await client.get(url / "known", headers={**headers, "Authorization": "Bearer a.b.c"})
    basic = await client.get(url / "known", headers={**headers, "Authorization": "Basic YTpi"})

    assert (bearer.status, basic.status) == (401, 401)


@pytest.mark.parametrize("value", ["garbage", "", "gAAAAABn" + "A" * 80])
async def test_a_cookie_of_garbage_is_nobody_s(
    serve: Serve, client: aiohttp.ClientSession, value: str
) -> None:
    url = await serve(app())
    real = await cookie(client, url, **{SESSION_SUBJECT: "ada"})
    name = real["Cookie"].partition("=")[0]

    answer = await client.get(url / "known", headers={"Cookie": f"{name}={value}"})

    assert answer.status == 401


async def test_a_browser_is_sent_to_sign_in_and_told_where_to_come_back(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(app())

    answer = await client.get(
        (url / "known").with_query(page="2", q="a&b"), headers=BROWSER, allow_redirects=False
    )

    assert answer.status == 303
    location = URL(answer.headers["Location"])
    assert (location.path, location.query["next"]) == ("/login", "/known?page=2&q=a%26b")


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        pytest.param("GET", {"Accept": "application/json"}, id="wants JSON"),
        pytest.param("GET", {"Accept": "*/*"}, id="wants anything"),
        pytest.param("GET", {"Accept": "application/json, text/html;q=0.5"}, id="prefers JSON"),
        pytest.param("GET", {"Accept": "text/html;q=0, */*"}, id="does not want a page"),
        pytest.param("GET", {**BROWSER, "Authorization": "Bearer a.b.c"}, id="has a bad token"),
        pytest.param("GET", {**BROWSER, "Authorization": "Basic YTpi"}, id="has other credentials"),
        pytest.param("POST", BROWSER, id="posts"),
    ],
)
async def test_a_client_is_asked_for_credentials_that(
    serve: Serve, client: aiohttp.ClientSession, method: str, headers: dict[str, str]
) -> None:
    url = await serve(app())

    answer = await client.request(method, url / "known", headers=headers, allow_redirects=False)

    assert answer.status == 401


async def test_without_a_sign_in_page_browsers_get_401_too(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(app(sign_in_path=""))

    answer = await client.get(url / "known", headers=BROWSER)

    assert answer.status == 401


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("/posts?page=2", "/login?next=%2Fposts%3Fpage%3D2"),
        ("/", "/login?next=%2F"),
        ("//evil.example", "/login"),
        ("/\\evil.example", "/login"),
        ("https://evil.example", "/login"),
        ("", "/login"),
        ("/" + "a" * 2_000, "/login"),
    ],
)
def test_the_way_back_stays_on_this_origin(target: str, location: str) -> None:
    assert sign_in_location("/login", target) == location
    assert ensure_local(sign_in_location("/login", target))
