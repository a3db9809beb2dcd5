"""Credentials besides bearer tokens: schemes, headers, cookies and Basic, any of several, through the front door."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp_session import Session
from multidict import CIMultiDict

from framework.app import ServiceSettings, create_app, standard
from framework.batteries import auth, sessions
from framework.batteries.auth import (
    AuthSettings,
    Credential,
    Passwords,
    PasswordSettings,
    Tokens,
    basic,
    bearer,
    cookie,
    header,
    scheme,
)
from framework.batteries.sessions import SessionSettings
from framework.context import SESSION_SUBJECT
from framework.errors import ConfigurationError
from framework.marks import authenticated, public, requires
from framework.principal import Principal
from framework.routing import RouteTableDef
from framework.secrets import Profile, Secret
from framework.services import provide
from framework.testing import Serve
from tests.kernel import kernel_app

SETTINGS = AuthSettings(
    keys=(Secret("correct-horse-battery-staple-0123456789"),),
    passwords=PasswordSettings(memory_kib=64, passes=1, lanes=1),
)


class Keys:
    """The keys of the service's customers."""

    def find(self, key: str) -> str | None:
        return {"key-of-ada": "ada", "key-of-bob": "bob"}.get(key)


async def find_by_key(key: str, keys: Keys) -> Principal | None:
    subject = keys.find(key)
    return Principal(subject=subject, scopes=frozenset({"posts:read"})) if subject else None


def find_at_once(key: str) -> Principal | None:
    return Principal(subject="eve") if key == "opaque" else None


async def find_by_password(name: str, password: str, passwords: Passwords) -> Principal | None:
    stored = await passwords.hash("correct horse") if name == "ada" else None
    return Principal(subject=name) if await passwords.verify(stored, password) else None


routes = RouteTableDef()


@routes.get("/known")
@authenticated
async def show(principal: Principal) -> dict[str, str]:
    return {"subject": principal.subject, "scheme": principal.scheme}


@routes.post("/known")
@authenticated
async def change(principal: Principal) -> dict[str, str]:
    return {"subject": principal.subject}


@routes.get("/read")
@requires("posts:write")
async def read() -> None:
    return None


@routes.get("/open")
@public
async def show_to_anybody(principal: Principal | None) -> dict[str, Any]:
    return {"subject": principal.subject if principal else None}


@routes.get("/raises")
@public
async def refuse() -> None:
    raise web.HTTPUnauthorized


@routes.get("/ws")
@authenticated
async def talk(request: web.Request, principal: Principal) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_str(principal.subject)
    await socket.close()
    return socket


signing = RouteTableDef()


@signing.post("/sign-in")
@public
async def sign_in(session: Session) -> None:
    session[SESSION_SUBJECT] = "ada"


ALL: Sequence[Credential] = (
    header("X-API-Key", find_by_key),
    cookie("key", find_by_key),
    scheme("Token", find_by_key),
    basic(find_by_password),
    bearer(),
)


def app(*credentials: Credential, **options: Any) -> web.Application:
    battery = auth.battery(SETTINGS, profile=Profile.development, credentials=credentials, **options)
    return kernel_app(routes, batteries=(battery, provide(Keys)))


def full_app(*credentials: Credential) -> web.Application:
    settings = ServiceSettings(auth=SETTINGS)
    ours = auth.battery(SETTINGS, profile=Profile.development, credentials=credentials)
    batteries = [ours if each.name == "auth" else each for each in standard(settings)]
    return create_app(settings, routes=[routes], batteries=[*batteries, provide(Keys)])


def own_token(*scopes: str) -> str:
    return Tokens(SETTINGS).issue("ada", scopes).access_token


def named(name: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"


GOOD = {
    "X-API-Key": {"X-API-Key": "key-of-ada"},
    "key": {"Cookie": "theme=dark; key=key-of-ada"},
    "token": {"Authorization": "tOKEN key-of-ada"},
    "basic": {"Authorization": named("ada", "correct horse")},
    "bearer": {"Authorization": f"Bearer {own_token()}"},
}
BAD = {
    "X-API-Key": {"X-API-Key": "key-of-eve"},
    "X-API-Key, empty": {"X-API-Key": ""},
    "key": {"Cookie": "key=key-of-eve"},
    "key, quoted away": {"Cookie": 'key="key-of-ada; x"'},
    "token": {"Authorization": "Token key-of-eve"},
    "token, empty": {"Authorization": "Token "},
    "basic": {"Authorization": named("ada", "wrong horse")},
    "basic, nobody": {"Authorization": named("eve", "correct horse")},
    "basic, no base64": {"Authorization": "Basic ????"},
    "basic, no colon": {"Authorization": "Basic YWRh"},
    "basic, a NUL": {"Authorization": named("ada\0", "correct horse")},
    "bearer": {"Authorization": "Bearer a.b.c"},
    "an unknown scheme": {"Authorization": "Digest key-of-ada"},
}


@pytest.mark.parametrize("name", GOOD)
async def test_any_of_several_credentials_opens_the_door(
    serve: Serve, client: aiohttp.ClientSession, name: str
) -> None:
    url = await serve(app(*ALL))

    response = await client.get(url / "known", headers=GOOD[name])

    assert response.status == 200
    assert await response.json() == {"subject": "ada", "scheme": name}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_one_is_refused_with_every_challenge(
    serve: Serve, client: aiohttp.ClientSession, name: str
) -> None:
    url = await serve(app(*ALL))

    response = await client.get(url / "known", headers=BAD[name])

    challenge = response.headers["WWW-Authenticate"]
    assert response.status == 401
    assert [word for word in ("ApiKey", "Token", "Basic realm", "Bearer") if word not in challenge] == []


@pytest.mark.parametrize("path", ["known", "raises"])
async def test_without_credentials_every_scheme_is_named(
    serve: Serve, client: aiohttp.ClientSession, path: str
) -> None:
    url = await serve(app(*ALL))

    response = await client.get(url / path)

    assert response.status == 401
    assert response.headers["WWW-Authenticate"] == (
        'ApiKey in="header", name="X-API-Key", ApiKey in="cookie", name="key", '
        'Token, Basic realm="service", charset="UTF-8", Bearer'
    )


async def test_the_challenge_of_what_has_failed_comes_first(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(app(*ALL))

    response = await client.get(url / "known", headers=BAD["bearer"])

    assert response.headers["WWW-Authenticate"].startswith('Bearer error="invalid_token"')


async def test_access_tokens_may_come_by_another_scheme_or_header(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(app(scheme("Token"), header("X-Access-Token")))

    by_scheme = await client.get(url / "known", headers={"Authorization": f"Token {own_token()}"})
    by_header = await client.get(url / "known", headers={"X-Access-Token": own_token()})
    by_bearer = await client.get(url / "known", headers=GOOD["bearer"])
    bad = await client.get(url / "known", headers={"Authorization": "Token a.b.c"})

    assert (by_scheme.status, by_header.status, by_bearer.status) == (200, 200, 401)
    assert bad.headers["WWW-Authenticate"].startswith('Token error="invalid_token"')


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({**BAD["X-API-Key"], **GOOD["bearer"]}, 401, id="bad, good"),
        pytest.param({**GOOD["X-API-Key"], **BAD["bearer"]}, 200, id="good, bad"),
        pytest.param({**BAD["key"], **GOOD["bearer"]}, 401, id="a bad cookie, good"),
        pytest.param({"Cookie": "other=1", **GOOD["bearer"]}, 200, id="another cookie, good"),
        pytest.param({**GOOD["key"], "Authorization": "Digest x"}, 200, id="good, unknown"),
    ],
)
async def test_the_first_credential_decides(
    serve: Serve, client: aiohttp.ClientSession, headers: dict[str, str], status: int
) -> None:
    url = await serve(app(*ALL))

    response = await client.get(url / "known", headers=headers)

    assert response.status == status


async def test_two_credentials_of_one_scheme_are_both_tried(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(app(bearer(), scheme("Bearer", find_at_once, called="opaque")))

    found = []
    for text in ("opaque", own_token(), "nothing"):
        response = await client.get(url / "known", headers={"Authorization": f"Bearer {text}"})
        found.append((response.status, (await response.json()).get("scheme")))

    assert found == [(200, "opaque"), (200, "bearer"), (401, None)]


async def test_a_bearer_token_is_refused_where_it_is_not_listed(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(app(header("X-API-Key", find_by_key)))

    response = await client.get(url / "known", headers=GOOD["bearer"])

    assert response.status == 401


@pytest.mark.parametrize(
    ("name", "status", "challenge"),
    [("X-API-Key", 403, None), ("bearer", 403, 'Bearer error="insufficient_scope", scope="posts:write"')],
)
async def test_who_may_not_is_told_so_by_the_words_of_the_scheme(
    serve: Serve, client: aiohttp.ClientSession, name: str, status: int, challenge: str | None
) -> None:
    url = await serve(app(*ALL))

    response = await client.get(url / "read", headers=GOOD[name])

    assert (response.status, response.headers.get("WWW-Authenticate")) == (status, challenge)


@pytest.mark.parametrize("name", GOOD)
async def test_a_public_endpoint_knows_the_caller_of_each_good_credential(
    serve: Serve, client: aiohttp.ClientSession, name: str
) -> None:
    url = await serve(app(*ALL))

    response = await client.get(url / "open", headers=GOOD[name])

    assert await response.json() == {"subject": "ada"}


@pytest.mark.parametrize("name", BAD)
async def test_a_public_endpoint_knows_nobody_by_a_bad_one(
    serve: Serve, client: aiohttp.ClientSession, name: str
) -> None:
    url = await serve(app(*ALL))

    response = await client.get(url / "open", headers=BAD[name])

    assert (response.status, await response.json()) == (200, {"subject": None})


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([("X-API-Key", "key-of-ada"), ("X-API-Key", "key-of-ada")], id="a header twice"),
        pytest.param([("Cookie", "key=key-of-ada; key=key-of-ada")], id="a cookie twice"),
        pytest.param([("Cookie", "\u2003key=key-of-ada")], id="a cookie behind another kind of space"),
        pytest.param([("Cookie", "Key=key-of-ada")], id="a cookie in another case"),
        pytest.param([("X-Api_Key", "key-of-ada")], id="another header"),
        pytest.param([("Authorization", "X-API-Key key-of-ada")], id="the key in Authorization"),
    ],
)
async def test_nobody_is_known_by(
    serve: Serve, client: aiohttp.ClientSession, headers: list[tuple[str, str]]
) -> None:
    url = await serve(app(*ALL))

    response = await client.get(url / "known", headers=CIMultiDict(headers))

    assert response.status in {400, 401}


async def test_nothing_is_remembered_of_a_key(serve: Serve, client: aiohttp.ClientSession) -> None:
    valid = {"one": "ada"}

    async def find(key: str) -> Principal | None:
        return Principal(subject=valid[key]) if key in valid else None

    url = await serve(app(header("X-API-Key", find)))
    before = await client.get(url / "known", headers={"X-API-Key": "one"})

    valid.clear()
    after = await client.get(url / "known", headers={"X-API-Key": "one"})

    assert (before.status, after.status) == (200, 401)


# Cookies, which browsers send whoever asks them to.


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Origin": "https://evil.example"}, 403, id="another site's origin"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="another site"),
        pytest.param({}, 403, id="nothing at all"),
        pytest.param({"Sec-Fetch-Site": "same-origin"}, 200, id="our own page"),
    ],
)
async def test_what_a_cookie_vouches_for_is_guarded_when_the_request_says(
    serve: Serve, client: aiohttp.ClientSession, headers: dict[str, str], status: int
) -> None:
    url = await serve(full_app(cookie("key", find_by_key), header("X-API-Key", find_by_key)))

    response = await client.post(url / "known", headers={**GOOD["key"], **headers})
    by_header = await client.post(url / "known", headers=GOOD["X-API-Key"])

    assert (response.status, by_header.status) == (status, 200)


# WebSockets.


@pytest.mark.parametrize("name", GOOD)
async def test_a_handshake_works_with_each(serve: Serve, client: aiohttp.ClientSession, name: str) -> None:
    url = await serve(full_app(*ALL))

    async with client.ws_connect(url / "ws", headers=GOOD[name]) as socket:
        said = await socket.receive_str()

    assert said == "ada"


@pytest.mark.parametrize("name", BAD)
async def test_a_handshake_is_refused_with_a_bad_one(
    serve: Serve, client: aiohttp.ClientSession, name: str
) -> None:
    url = await serve(full_app(*ALL))

    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.ws_connect(url / "ws", headers=BAD[name])

    assert refused.value.status == 401


# The document.


async def test_the_document_names_each_scheme_and_takes_any_of_them(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(full_app(*ALL))

    document = await (await client.get(url / "openapi.json")).json()

    schemes = document["components"]["securitySchemes"]
    session = schemes.pop("session")
    assert schemes == {
        "X-API-Key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        "key": {"type": "apiKey", "in": "cookie", "name": "key"},
        "token": {"type": "http", "scheme": "token"},
        "basic": {"type": "http", "scheme": "basic"},
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    }
    assert session["in"] == "cookie"
    assert document["paths"]["/read"]["get"]["security"] == [
        {name: ["posts:write"]} for name in (*schemes, "session")
    ]


# Whether the caller is still there.


class Accounts:
    """The accounts that there are."""

    gone: bool = False


async def still_there(principal: Principal, accounts: Accounts) -> bool:
    return not accounts.gone


async def test_a_deleted_user_is_nobody_though_the_token_is_good(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    accounts = Accounts()
    table = (
        sessions.battery(SessionSettings(keys=SETTINGS.keys, secure=False)),
        auth.battery(SETTINGS, profile=Profile.development, known=still_there),
        provide({Accounts: lambda: accounts}),
    )
    url = await serve(kernel_app(routes, signing, batteries=table))
    signed_in = await client.post(url / "sign-in")
    cookies = {"Cookie": "; ".join(f"{name}={m.value}" for name, m in signed_in.cookies.items())}

    before = [(await client.get(url / "known", headers=each)).status for each in (GOOD["bearer"], cookies)]
    accounts.gone = True
    after = [(await client.get(url / "known", headers=each)).status for each in (GOOD["bearer"], cookies)]
    anybody = await client.get(url / "open", headers=GOOD["bearer"])

    assert (before, after) == ([200, 200], [401, 401])
    assert await anybody.json() == {"subject": None}


# Mistakes.


async def test_a_function_that_returns_no_principal_is_a_bug(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    def find(key: str) -> Any:
        return key

    url = await serve(app(header("X-API-Key", find)))

    response = await client.get(url / "known", headers=GOOD["X-API-Key"])

    assert response.status == 500
    assert "must return a Principal or None; it returned a str" in caplog.text
    assert "key-of-ada" not in caplog.text


class Absent:
    """A service that nobody provides."""


async def wants_what_is_absent(key: str, absent: Absent) -> Principal | None:
    return None


async def test_a_service_that_nobody_provides_is_named_at_start_up(serve: Serve) -> None:
    with pytest.raises(
        ConfigurationError, match=r"test_auth_credentials.py:\d+ wants.*Absent for its 'absent'"
    ):
        await serve(app(header("X-API-Key", wants_what_is_absent)))


def without_types(key, keys):  # type: ignore[no-untyped-def]
    return None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda: header("Authorization"), r"write bearer\(\)", id="the header Authorization"),
        pytest.param(lambda: header("Cookie"), "cookie", id="the header Cookie"),
        pytest.param(lambda: header("X Key"), "cannot be the name of a header", id="a header with a space"),
        pytest.param(lambda: cookie("a;b"), "cannot be the name of a cookie", id="a cookie with a semicolon"),
        pytest.param(lambda: scheme("Api Key"), "cannot be the name of a scheme", id="a scheme with a space"),
        pytest.param(lambda: scheme("Basic"), r"write basic\(verify\)", id="Basic as any other scheme"),
        pytest.param(lambda: basic(find_by_password, realm='a"b'), "realm", id="a quote in a realm"),
        pytest.param(
            lambda: app(basic(find_at_once)), "2 values, and takes 1", id="Basic without a password"
        ),
        pytest.param(lambda: app(header("X", without_types)), "annotate its parameter 'keys'", id="no type"),
    ],
)
def test_start_up_refuses(make: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make()
