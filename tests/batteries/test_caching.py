"""How long answers may be kept and by whom, and changes that name the version which they are of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web

from framework import NotFound, Principal, RouteTableDef, ServiceSettings, authenticated, create_app, public
from framework.batteries.auth import Tokens
from framework.batteries.caching import CacheControl, cache_control
from framework.conditional import ensure_match, match_required, not_modified, revalidated, tagged
from framework.errors import ConfigurationError
from framework.responses import Result
from framework.testing import Serve

MODIFIED = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)
SAME = "Sun, 01 Mar 2026 12:30:15 GMT"
EARLIER = "Sun, 01 Mar 2026 12:30:14 GMT"
FIVE_MINUTES = timedelta(minutes=5)

routes = RouteTableDef()


@dataclass
class Note:
    text: str


@routes.get("/shared")
@public
@cache_control(FIVE_MINUTES, public=True, immutable=True)
async def shared(principal: Principal | None) -> Note:
    return Note("for all" if principal is None else principal.subject)


@routes.get("/own")
@authenticated
@cache_control(FIVE_MINUTES, stale_while_revalidate=timedelta(seconds=30))
async def own() -> Note:
    return Note("mine")


@routes.get("/asked")
@public
@cache_control()
async def asked() -> Note:
    return Note("asked each time")


@routes.get("/never")
@public
@cache_control(timedelta())
async def never() -> Note:
    return Note("kept by nobody")


@routes.get("/gone")
@public
@cache_control(FIVE_MINUTES, public=True)
async def gone() -> Note:
    raise NotFound("note", "1")


@routes.get("/cookie")
@public
@cache_control(FIVE_MINUTES, public=True)
async def cookie(request: web.Request) -> web.Response:
    response = web.Response(text="yours")
    response.set_cookie("theme", "dark")
    return response


@routes.get("/token")
@public
async def token(tokens: Tokens) -> str:
    return tokens.issue("ada").access_token


@routes.get("/note", returns=Note)
@public
@revalidated
async def show(request: web.Request) -> object:
    return not_modified(request, modified=MODIFIED) or tagged(Note("x"), modified=MODIFIED)


@routes.get("/both", returns=Note)
@public
@revalidated
async def both(request: web.Request) -> object:
    return not_modified(request, "b", modified=MODIFIED) or tagged(Note("x"), "b", modified=MODIFIED)


@routes.put("/note")
@public
@match_required
async def change(request: web.Request, body: Note) -> None:
    ensure_match(request, modified=MODIFIED)


@routes.put("/both")
@public
@match_required
async def change_both(request: web.Request, body: Note) -> None:
    ensure_match(request, "b", modified=MODIFIED)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("shared", "public, max-age=300, immutable"),
        ("asked", "private, no-cache"),
        ("never", "no-store"),
        ("gone", "no-store"),
        ("cookie", "private, max-age=300"),
    ],
)
async def test_an_answer_says_how_long_it_may_be_kept_and_by_whom(
    path: str, said: str, serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(create_app(routes=[routes]))

    answers = [await client.get(url / path) for _ in range(3)]

    assert {answer.headers.get("Cache-Control") for answer in answers} == {said}


async def test_what_was_made_for_somebody_is_kept_by_them_alone(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(create_app(routes=[routes]))
    bearer = {"Authorization": f"Bearer {await (await client.get(url / 'token')).json()}"}

    shared = await client.get(url / "shared", headers=bearer)
    own = await client.get(url / "own", headers=bearer)
    stranger = await client.get(url / "shared")

    assert await shared.json() == {"text": "ada"}
    assert shared.headers["Cache-Control"] == "private, max-age=300, immutable"
    assert own.headers["Cache-Control"] == "private, max-age=300, stale-while-revalidate=30"
    assert stranger.headers["Cache-Control"] == "public, max-age=300, immutable"
    assert {"Authorization", "Cookie"} <= {each.strip() for each in stranger.headers["Vary"].split(",")}


async def test_a_secret_is_in_no_shared_cache() -> None:
    secret = RouteTableDef()

    @secret.get("/secret")
    @authenticated
    @cache_control(FIVE_MINUTES, public=True)
    async def handler() -> Note:
        return Note("secret")

    with pytest.raises(ConfigurationError, match=r"/secret.*not @public"):
        create_app(routes=[secret])


@pytest.mark.parametrize(
    "age", [300, timedelta(seconds=-1), timedelta(milliseconds=1), timedelta(days=40_000)]
)
def test_an_age_that_the_header_cannot_say_is_refused(age: timedelta) -> None:
    with pytest.raises(ConfigurationError, match=r"test_caching\.py:\d+: @cache_control"):
        cache_control(age)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("note", {}, 200),
        ("note", {"If-Modified-Since": SAME}, 304),
        ("note", {"If-Modified-Since": "Mon, 02 Mar 2026 00:00:00 GMT"}, 304),
        ("note", {"If-Modified-Since": EARLIER}, 200),
        ("note", {"If-Modified-Since": "rubbish"}, 200),
        ("note", {"If-Modified-Since": "Sun, 99 Mar 2026 12:30:15 GMT"}, 200),
        ("note", {"If-Modified-Since": SAME.replace("1", "\u0661")}, 200),
        ("both", {"If-Modified-Since": SAME}, 304),
        ("both", {"If-Modified-Since": SAME, "If-None-Match": '"a"'}, 200),
        ("both", {"If-Modified-Since": EARLIER, "If-None-Match": '"b"'}, 304),
        ("both", {"If-None-Match": "rubbish"}, 400),
    ],
)
async def test_a_client_with_the_newest_version_is_told_so(
    path: str, headers: dict[str, str], status: int, serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(create_app(routes=[routes]))

    answer = await client.get(url / path, headers=headers)

    assert answer.status == status
    assert status == 400 or answer.headers["Last-Modified"] == SAME


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("note", {}, 428),
        ("note", {"If-Unmodified-Since": SAME}, 204),
        ("note", {"If-Unmodified-Since": EARLIER}, 412),
        ("note", {"If-Unmodified-Since": "rubbish"}, 428),
        ("both", {}, 428),
        ("both", {"If-Match": '"b"', "If-Unmodified-Since": EARLIER}, 204),
        ("both", {"If-Match": '"a"', "If-Unmodified-Since": SAME}, 412),
        ("both", {"If-Match": "rubbish"}, 400),
    ],
)
async def test_a_change_names_the_version_that_it_is_of(
    path: str, headers: dict[str, str], status: int, serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(create_app(routes=[routes]))

    answer = await client.put(url / path, headers=headers, json={"text": "y"})

    assert answer.status == status


async def test_a_change_without_a_version_is_refused_before_its_body_is_read(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(create_app(routes=[routes]))

    answer = await client.put(url / "note", json={"nonsense": 1})

    assert answer.status == 428


async def test_the_document_tells_versions_and_what_names_them(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(create_app(ServiceSettings(), routes=[routes]))

    paths = (await (await client.get(url / "openapi.json")).json())["paths"]

    read, written = paths["/both"]["get"], paths["/both"]["put"]
    assert {"200", "304", "400"} <= read["responses"].keys()
    assert {"ETag", "Last-Modified"} <= read["responses"]["200"]["headers"].keys()
    assert {each["name"] for each in read["parameters"]} == {"If-None-Match", "If-Modified-Since"}
    assert {"400", "412", "428"} <= written["responses"].keys()
    assert {each["name"] for each in written["parameters"]} == {"If-Match", "If-Unmodified-Since"}
    assert "Cache-Control" in paths["/shared"]["get"]["responses"]["200"]["headers"]


def test_a_time_without_a_zone_names_no_version() -> None:
    with pytest.raises(TypeError, match="zone"):
        tagged({}, modified=datetime(2026, 3, 1))  # noqa: DTZ001 - the point
    with pytest.raises(TypeError, match="give one"):
        tagged({})


def test_the_record_of_a_mark_is_plain() -> None:
    assert cache_control(FIVE_MINUTES) == CacheControl(("max-age=300",), is_shared=False)
    assert isinstance(tagged({}, "b"), Result)
