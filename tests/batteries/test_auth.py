"""Authentication through the front door."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import aiohttp
import aiohttp_jinja2
import jinja2
import pytest
from aiohttp import web
from multidict import CIMultiDict

from framework.app import ServiceSettings, create_app
from framework.batteries import auth
from framework.batteries.auth import (
    AccessToken,
    AuthSettings,
    MemoryRevocations,
    Passwords,
    PasswordSettings,
    TokenPair,
    Tokens,
    TokenStore,
)
from framework.errors import ConfigurationError, ServiceUnavailable, UnprocessableContent
from framework.marks import authenticated, public, requires
from framework.principal import Principal
from framework.routing import RouteTableDef
from framework.secrets import Profile, Secret
from framework.server import ServerSettings
from framework.testing import Serve
from tests.kernel import kernel_app

SETTINGS = AuthSettings(
    keys=(Secret("correct-horse-battery-staple-0123456789"),),
    passwords=PasswordSettings(memory_kib=64, passes=1, lanes=1),
)

routes = RouteTableDef()


@routes.get("/open")
@public
async def show_to_anybody(principal: Principal | None) -> dict[str, str | None]:
    return {"subject": principal.subject if principal else None}


@routes.get("/known")
@authenticated
async def show_to_known(principal: Principal) -> dict[str, Any]:
    return {"subject": principal.subject, "scopes": sorted(principal.scopes), "scheme": principal.scheme}


@routes.get("/written")
@requires("posts:write")
@requires("posts:read")
async def show_to_writers() -> dict[str, str]:
    return {}


@routes.post("/tokens")
@public
async def sign_in(tokens: Tokens, store: TokenStore) -> TokenPair:
    return await tokens.issue_pair("ada", ["posts:read"], store=store)


@dataclasses.dataclass
class Refresh:
    refresh_token: str


@routes.post("/tokens/refresh")
@public
async def refresh(body: Refresh, tokens: Tokens, store: TokenStore) -> TokenPair:
    grant = await tokens.redeem(body.refresh_token, store=store)
    return await tokens.issue_pair(grant.subject, grant.scopes, store=store, family=grant.family)


@routes.post("/sign-out")
@authenticated
async def sign_out(principal: Principal, tokens: Tokens) -> None:
    await tokens.revoke(principal)


silent = RouteTableDef()


@silent.get("/silent")
async def say_nothing() -> dict[str, str]:
    return {}


def app(settings: AuthSettings = SETTINGS, *tables: RouteTableDef, **options: Any) -> web.Application:
    options.setdefault("profile", Profile.development)
    return kernel_app(*(tables or (routes,)), batteries=(auth.battery(settings, **options),))


def issue(*scopes: str, settings: AuthSettings = SETTINGS, **options: Any) -> AccessToken:
    return Tokens(settings, **options).issue("ada", scopes)


def bearer(token: AccessToken | str) -> dict[str, str]:
    text = token if isinstance(token, str) else token.access_token
    return {"Authorization": f"Bearer {text}"}


async def test_a_good_token_reaches_the_handler_as_its_principal(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(app())

    answer = await client.get(url / "known", headers=bearer(issue("posts:read", "posts:write")))

    assert answer.status == 200
    assert await answer.json() == {
        "subject": "ada",
        "scopes": ["posts:read", "posts:write"],
        "scheme": "bearer",
    }


async def test_without_credentials_the_challenge_names_the_scheme_and_no_error(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(app())

    answer = await client.get(url / "known")

    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_missing_scopes_are_named(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve(app())

    answer = await client.get(url / "written", headers=bearer(issue("posts:read")))

    assert answer.status == 403
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="posts:write"'
    assert (await answer.json())["missing"] == ["posts:write"]


async def test_scopes_of_several_marks_are_all_needed(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve(app())

    one = await client.get(url / "written", headers=bearer(issue("posts:write")))
    both = await client.get(url / "written", headers=bearer(issue("posts:write", "posts:read")))

    assert (one.status, both.status) == (403, 200)


@pytest.mark.parametrize(
    ("headers", "subject"),
    [
        pytest.param({}, None, id="nobody without a token"),
        pytest.param(bearer(issue()), "ada", id="the caller with a good token"),
        pytest.param(bearer("a.b.c"), None, id="nobody with a bad token"),
        pytest.param({"Authorization": "Basic YTpi"}, None, id="nobody with another scheme"),
    ],
)
async def test_a_public_endpoint_knows(
    serve: Serve, client: aiohttp.ClientSession, headers: dict[str, str], subject: str | None
) -> None:
    url = await serve(app())

    answer = await client.get(url / "open", headers=headers)

    assert answer.status == 200
    assert await answer.json() == {"subject": subject}


async def test_a_bad_token_does_not_hide_that_a_page_is_not_there(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(app())

    absent = await client.get(url / "absent", headers=bearer("a.b.c"))
    wrong_method = await client.delete(url / "known")

    assert (absent.status, wrong_method.status) == (404, 405)


async def test_the_scheme_is_read_in_any_case(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve(app())

    answer = await client.get(url / "known", headers={"Authorization": f"bEARER {issue().access_token}"})

    assert answer.status == 200


async def test_two_authorization_headers_are_refused(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve(app())
    good = f"Bearer {issue().access_token}"

    answer = await client.get(
        url / "known", headers=CIMultiDict([("Authorization", good), ("Authorization", good)])
    )

    assert answer.status in {400, 401}


async def test_a_token_in_the_query_is_none(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve(app())

    answer = await client.get((url / "known").with_query(access_token=issue().access_token))

    assert answer.status == 401


async def test_in_development_a_silent_endpoint_teaches_its_author(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(app(SETTINGS, silent, profile=Profile.development))

    stranger = await client.get(url / "silent")
    known = await client.get(url / "silent", headers=bearer(issue("posts:write")))

    assert (stranger.status, known.status) == (401, 403)
    assert "neither @requires(...) nor @public" in (await known.json())["detail"]
    assert "test_auth.py" in (await known.json())["detail"]


def production_settings() -> AuthSettings:
    return dataclasses.replace(SETTINGS, passwords=PasswordSettings())


def test_in_production_a_service_with_a_silent_endpoint_does_not_start() -> None:
    with pytest.raises(ConfigurationError, match=r"neither @requires(.|\n)*test_auth.py:\d+ say_nothing"):
        app(production_settings(), silent, profile=Profile.production)


def test_production_refuses_passwords_that_cost_too_little() -> None:
    with pytest.raises(ConfigurationError, match="too low for production"):
        auth.battery(SETTINGS, profile=Profile.production)


def test_an_endpoint_cannot_be_public_and_require_scopes() -> None:
    table = RouteTableDef()

    @table.get("/both")
    @public
    @requires("a")
    async def contradict() -> None: ...

    with pytest.raises(ConfigurationError, match="keep one"):
        app(SETTINGS, table)


def logged(handler: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(handler)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await handler(*args, **kwargs)

    return wrapper


async def test_marks_above_and_below_a_decorator_both_hold(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    table = RouteTableDef()

    @table.get("/both")
    @requires("admin")
    @logged
    @requires("user")
    async def handler() -> str:
        return "in"

    url = await serve(app(SETTINGS, table))
    answers = [
        await client.get(url / "both", headers=bearer(issue(*scopes)))
        for scopes in (("user",), ("admin",), ("admin", "user"))
    ]

    assert [answer.status for answer in answers] == [403, 403, 200]


async def test_a_page_of_aiohttp_jinja2_is_public_where_the_mark_stands_above_it(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    table = RouteTableDef()

    @table.get("/page")
    @public
    @aiohttp_jinja2.template("page.html")
    async def page(request: web.Request) -> dict[str, str]:
        return {"name": "anybody"}

    service = app(SETTINGS, table)
    aiohttp_jinja2.setup(service, loader=jinja2.DictLoader({"page.html": "hello {{ name }}"}))
    url = await serve(service)
    answer = await client.get(url / "page")

    assert (answer.status, await answer.text()) == (200, "hello anybody")


@pytest.mark.parametrize("scope", ["two words", 'quo"te', "back\\slash", "", "umläut", "line\n"])
def test_a_mark_with_an_impossible_scope_is_refused(scope: str) -> None:
    table = RouteTableDef()

    @table.get("/odd")
    @requires(scope)
    async def odd() -> None: ...

    with pytest.raises(ConfigurationError, match="is no scope"):
        app(SETTINGS, table)


async def test_a_refresh_token_is_good_for_one_use(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve(app())
    first = await (await client.post(url / "tokens")).json()

    second = await client.post(url / "tokens/refresh", json={"refresh_token": first["refresh_token"]})
    again = await client.post(url / "tokens/refresh", json={"refresh_token": first["refresh_token"]})

    assert (second.status, again.status) == (200, 401)
    assert (await second.json())["token_type"] == "Bearer"
    assert (
        await client.get(url / "known", headers=bearer((await second.json())["access_token"]))
    ).status == 200


async def test_a_refresh_token_used_twice_ends_its_whole_family(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(app())
    stolen = (await (await client.post(url / "tokens")).json())["refresh_token"]
    second = await client.post(url / "tokens/refresh", json={"refresh_token": stolen})
    await client.post(url / "tokens/refresh", json={"refresh_token": stolen})

    heir = (await second.json())["refresh_token"]
    answer = await client.post(url / "tokens/refresh", json={"refresh_token": heir})

    assert answer.status == 401


async def test_a_refresh_token_opens_no_endpoint(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve(app())
    pair = await (await client.post(url / "tokens")).json()

    answer = await client.get(url / "known", headers=bearer(pair["refresh_token"]))

    assert answer.status == 401
    assert "invalid_token" in answer.headers["WWW-Authenticate"]


async def test_an_access_token_refreshes_nothing(serve: Serve, client: aiohttp.ClientSession) -> None:
    url = await serve(app())

    answer = await client.post(url / "tokens/refresh", json={"refresh_token": issue().access_token})

    assert answer.status == 401


async def test_a_revoked_token_is_refused_although_it_was_seen_before(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(app())
    headers, other = bearer(issue()), bearer(issue())
    await client.get(url / "known", headers=headers)

    await client.post(url / "sign-out", headers=headers)

    assert (await client.get(url / "known", headers=headers)).status == 401
    assert (await client.get(url / "known", headers=other)).status == 200


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


async def test_a_token_seen_before_expires_all_the_same() -> None:
    clock = Clock()
    tokens = Tokens(SETTINGS, clock=clock)
    text = tokens.issue("ada").access_token
    await tokens.verify(text)

    clock.now += (SETTINGS.access_lifetime + SETTINGS.leeway).total_seconds()

    with pytest.raises(auth.InvalidToken, match="expired"):
        await tokens.verify(text)


async def test_an_older_key_verifies_until_it_is_taken_away() -> None:
    old, new = Secret("old-key-" * 5), Secret("new-key-" * 5)
    text = Tokens(dataclasses.replace(SETTINGS, keys=(old,))).issue("ada").access_token

    kept = Tokens(dataclasses.replace(SETTINGS, keys=(new, old)))
    gone = Tokens(dataclasses.replace(SETTINGS, keys=(new,)))

    assert (await kept.verify(text)).subject == "ada"
    with pytest.raises(auth.InvalidToken, match="key is not known"):
        await gone.verify(text)


async def test_revoked_tokens_are_forgotten_once_they_have_expired() -> None:
    clock = Clock()
    revocations = MemoryRevocations(clock)
    for number in range(1_000):
        await revocations.revoke(str(number), clock.now + 1)

    clock.now += 2
    await revocations.revoke("last", clock.now + 1)

    assert not await revocations.is_revoked("0")
    assert await revocations.is_revoked("last")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"leeway": timedelta(seconds=61)}, "leeway", id="a long leeway"),
        pytest.param({"access_lifetime": timedelta(0)}, "lifetime", id="no lifetime"),
        pytest.param({"issuer": ""}, "issuer", id="no issuer"),
        pytest.param({"audience": ""}, "audience", id="no audience"),
        pytest.param({"sign_in_path": "//evil.example"}, "sign_in_path", id="a foreign sign-in page"),
        pytest.param({"sign_in_path": "/login?a=1"}, "sign_in_path", id="a sign-in page with a query"),
        pytest.param({"algorithm": "RS256"}, "PEM", id="a shared secret for RSA"),
    ],
)
def test_settings_refuse(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        dataclasses.replace(SETTINGS, **fields)


@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize(
    ("keys", "message"),
    [
        pytest.param((), "AUTH_KEYS is not set", id="none"),
        pytest.param((Secret("x" * 31),), "32 bytes", id="a short one"),
        pytest.param(
            (SETTINGS.keys[0], Secret("0123456789abcdef" + "x" * 15)), "32 bytes", id="an old short one"
        ),
    ],
)
def test_a_service_without_good_keys_does_not_start(
    keys: tuple[Secret, ...], message: str, profile: Profile
) -> None:
    settings = ServiceSettings(profile=profile, server=ServerSettings(accept_plain=True))
    battery = auth.battery(AuthSettings(keys=keys), profile=profile)

    with pytest.raises(ConfigurationError, match=message):
        create_app(settings, routes=[], batteries=[battery])


def passwords(**fields: int) -> Passwords:
    return Passwords(dataclasses.replace(SETTINGS.passwords, **fields))


async def test_a_password_matches_its_hash_and_no_other() -> None:
    password_hash = await passwords().hash("correct horse")

    assert await passwords().verify(password_hash, "correct horse")
    assert not await passwords().verify(password_hash, "correct horsf")


async def test_a_password_is_the_same_however_its_letters_are_composed() -> None:
    password_hash = await passwords().hash("caf\u00e9 noir")

    assert await passwords().verify(password_hash, "cafe\u0301 noir")


async def test_nobody_has_a_password() -> None:
    assert not await passwords().verify(None, "whatever it is")


@pytest.mark.parametrize("stored", ["", "plain", "$argon2id$v=19$m=64,t=1,p=1$AAAA$AAAA", "$2b$12$abc"])
async def test_a_broken_hash_matches_nothing(stored: str) -> None:
    assert not await passwords().verify(stored, "correct horse")


@pytest.mark.parametrize("password", ["", "1234567", "x" * 1025, "lone \ud800 surrogate"])
async def test_an_unfit_password_is_refused(password: str) -> None:
    with pytest.raises(UnprocessableContent):
        await passwords().hash(password)


@pytest.mark.parametrize("password", ["", "x" * 1025, "lone \ud800 surrogate"])
async def test_an_unfit_password_matches_nothing(password: str) -> None:
    password_hash = await passwords().hash("correct horse")

    assert not await passwords().verify(password_hash, password)


async def test_a_hash_of_other_parameters_wants_renewal() -> None:
    password_hash = await passwords().hash("correct horse")

    assert not passwords().needs_rehash(password_hash)
    assert passwords(passes=2).needs_rehash(password_hash)


async def test_more_sign_ins_than_may_wait_are_turned_away() -> None:
    crowd = passwords(at_once=1, waiting=2)

    results = await asyncio.gather(*(crowd.hash("correct horse") for _ in range(6)), return_exceptions=True)

    refused = [result for result in results if isinstance(result, ServiceUnavailable)]
    # One may be through before the last has come.
    assert 0 < len(refused) <= 3
    assert await crowd.verify(None, "correct horse") is False


class Guarded:
    """A handler that is an object, below a decorator of somebody else."""

    @requires("user")
    async def __call__(self, request: web.Request) -> web.Response:
        return web.Response(text="in")

    @requires("user")
    async def method(self, request: web.Request) -> web.Response:
        return web.Response(text="in")


@requires("user")
async def taking_two(request: web.Request, extra: int = 0) -> web.Response:
    return web.Response(text="in")


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: requires("admin")(Guarded()), id="an object"),
        pytest.param(lambda: requires("admin")(logged(Guarded())), id="a decorator around an object"),
        pytest.param(lambda: logged(requires("admin")(Guarded().method)), id="below a decorator"),
        pytest.param(lambda: requires("admin")(functools.partial(taking_two, extra=1)), id="a partial"),
        pytest.param(
            lambda: functools.partial(requires("admin")(logged(taking_two)), extra=1), id="within one"
        ),
        pytest.param(lambda: logged(logged(requires("admin")(logged(taking_two)))), id="between decorators"),
    ],
)
async def test_each_requirement_holds_wherever_it_stands(
    make: Callable[[], Any], serve: Serve, client: aiohttp.ClientSession
) -> None:
    table = RouteTableDef()
    table.get("/both")(make())

    url = await serve(app(SETTINGS, table))
    answers = [
        await client.get(url / "both", headers=bearer(issue(*scopes)))
        for scopes in (("user",), ("admin",), ("admin", "user"))
    ]

    assert [answer.status for answer in answers] == [403, 403, 200]
